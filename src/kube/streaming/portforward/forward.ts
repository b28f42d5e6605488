// One forwarded connection: a client's data stream joined to a connection inside the pod, and a stream for what fails.
// Knows streams only.
import type { Duplex, Writable } from 'node:stream';

/** Connects to a port of the pod; rejects with what people should read. */
export type Dial = (port: number) => Promise<Duplex>;

export interface ForwardTarget {
  readonly dial: Dial;
  /** As in `error forwarding port 80 to pod web, uid ...`. */
  readonly pod: string;
}

/** Resolves when both directions have ended. */
export async function forward(data: Duplex, errors: Writable, port: number, target: ForwardTarget): Promise<void> {
  data.on('error', () => {});
  errors.on('error', () => {});
  let connection: Duplex;
  try {
    connection = await target.dial(port);
  } catch (error) {
    errors.end(`error forwarding port ${port} to ${target.pod}: ${(error as Error).message}`);
    data.end();
    data.resume();
    return;
  }
  const failed = await join(data, connection);
  if (failed !== undefined && !errors.destroyed) {
    errors.write(`error forwarding port ${port} to ${target.pod}: ${failed.message}`);
  }
  errors.end();
}

/** Resolves with what went wrong at the pod's end. */
function join(data: Duplex, connection: Duplex): Promise<Error | undefined> {
  return new Promise((resolve) => {
    let failure: Error | undefined;
    connection.on('error', (error) => {
      failure = error;
    });
    data.pipe(connection);
    connection.pipe(data);
    data.once('close', () => {
      // A client that goes away in the middle ends the pod's connection too.
      if (!connection.writableFinished || !connection.readableEnded) connection.destroy();
    });
    connection.once('close', () => {
      if (failure !== undefined) data.destroy();
      else data.end();
      resolve(failure);
    });
  });
}
