// Clients that ask once and then keep their connections open and silent. Arguments: port, how many.
// Says `open` once all have been answered, or what went wrong.

import { connect } from 'node:net';

const [port = 0, count = 0] = process.argv.slice(2).map(Number);
const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n';
/** Connections that are being opened at a time. */
const AT_A_TIME = 200;

let started = 0;
let answered = 0;

function next(): void {
  if (started === count) return;
  started++;
  const socket = connect({ port, host: '127.0.0.1' });
  let settled = false;
  socket.on('connect', () => socket.write(REQUEST));
  socket.on('data', () => {
    if (settled) return;
    settled = true;
    answered++;
    if (answered === count) process.send?.('open');
    else next();
  });
  socket.on('error', (error) => process.send?.(`A connection failed: ${error.message}`));
  socket.on('close', () => process.send?.(`A connection was closed after ${answered} answers`));
}

for (let i = 0; i < Math.min(AT_A_TIME, count); i++) next();
process.on('SIGTERM', () => process.exit(0));
process.on('disconnect', () => process.exit(0));
