// The relay alone. Arguments: its port, and the backends as address:port. Each client has a connection of its own.

import { connect, createServer, type Socket } from 'node:net';
import { writeText } from '#traffic/proxy/http1/direct-write.ts';
import { sharedMemory } from '#traffic/proxy/http1/read-memory.ts';
import { shareReads } from '#traffic/proxy/http1/shared-read.ts';

const [port, ...backends] = process.argv.slice(2);
let turn = 0;

createServer({ noDelay: true }, (client) => {
  const [host, to] = (backends[turn++ % backends.length] as string).split(':');
  const onread = {
    buffer: sharedMemory,
    callback: (length: number, memory: Uint8Array): boolean => pass(memory, length, client),
  };
  const backend = connect({ host, port: Number(to), noDelay: true, onread });
  shareReads(client, (memory, length) => {
    pass(memory, length, backend);
    return 'short';
  });
  for (const [one, other] of [
    [client, backend],
    [backend, client],
  ] as const) {
    one.on('error', () => other.destroy()).on('close', () => other.destroy());
  }
}).listen(Number(port), '127.0.0.1');

function pass(memory: Uint8Array, length: number, to: Socket): boolean {
  writeText(to, (memory as Buffer).toString('latin1', 0, length));
  return true;
}

process.on('SIGTERM', () => process.exit(0));
// The benchmark is gone: nothing is left to serve.
process.on('disconnect', () => process.exit(0));
