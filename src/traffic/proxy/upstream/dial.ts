// Opens the connections to endpoints: the one place that knows what stands between a socket and a protocol.
// Knows nothing of requests; what is written before a connection stands waits for it.

import { connect, type Socket } from 'node:net';

/** Where reads land: memory of the caller's, used anew for each read. Without it, `data` events bring the bytes. */
export interface ReadInto {
  readonly buffer: Buffer;
  readonly onBytes: (count: number) => void;
}

/** Once the connection stands, `onReady` is called; else `close` is all that follows. */
export function dial(address: string, port: number, onReady: () => void, reads?: ReadInto): Socket {
  const socket = connect({
    host: address,
    port,
    noDelay: true,
    allowHalfOpen: true,
    onread:
      reads === undefined
        ? undefined
        : {
            buffer: reads.buffer,
            callback: (count) => {
              reads.onBytes(count);
              return true;
            },
          },
  });
  socket.on('connect', onReady);
  return socket;
}
