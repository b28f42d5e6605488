// The ports that people see: checked before anything starts, so that a taken one is said with the flag that changes it.
// Knows nothing of who listens later.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { codeOf, Failure, messageOf } from '../failure.ts';

export interface Ports {
  readonly api: number;
  readonly http: number;
  readonly https: number;
  readonly admin: number;
}

const FLAGS: Readonly<Record<keyof Ports, string>> = {
  api: '--api-port',
  http: '--http-port',
  https: '--https-port',
  admin: '--admin-port',
};

/** Replaces 0 by a free port, and throws a `Failure` for one that cannot be had. */
export async function resolvePorts(wanted: Ports, address: string): Promise<Ports> {
  // All are held until the last is found: two zeros never get the same port.
  const held: Array<{ release: () => Promise<void> }> = [];
  try {
    const resolved: Record<string, number> = {};
    for (const [name, flag] of Object.entries(FLAGS)) {
      const claim = await claimPort(wanted[name as keyof Ports], address, flag);
      held.push(claim);
      resolved[name] = claim.port;
    }
    return resolved as unknown as Ports;
  } finally {
    await Promise.all(held.map(({ release }) => release()));
  }
}

/** Throws a `Failure` for a port that cannot be had; holds none of them. */
export async function checkPort(port: number, address: string, flag: string): Promise<void> {
  const claim = await claimPort(port, address, flag);
  await claim.release();
}

async function claimPort(
  port: number,
  address: string,
  flag: string,
): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer();
  try {
    server.listen({ port, host: address, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    throw listenFailure(error, port, address, flag);
  }
  const { port: found } = server.address() as { port: number };
  return { port: found, release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** Why a port cannot be listened on, with the flag that helps. */
export function listenFailure(error: unknown, port: number, address: string, flag: string): Failure {
  const options = { cause: error };
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new Failure(`Port ${port} on ${address} is taken`, `Free it, or choose another one with ${flag}`, options);
    case 'EACCES':
      return new Failure(`Port ${port} on ${address} needs more rights`, `Choose one above 1023 with ${flag}`, options);
    case 'EADDRNOTAVAIL':
      return new Failure(`This machine has no address ${address}`, `Choose one that it has with ${flag}`, options);
    default:
      return new Failure(
        `Cannot listen on ${address}:${port}: ${messageOf(error)}`,
        `Choose another port with ${flag}`,
        options,
      );
  }
}

/** The flag of a gateway listener by its name. */
export function flagOfListener(name: string): string {
  return name === 'https' ? FLAGS.https : FLAGS.http;
}
