// A backend as fast as Node.js can be: answers GETs with as many bytes as the path says, and reads bodies to their end.
// Arguments: addresses, ports. Reads requests with a Content-Length only, one head a read at most in pieces.

import { createServer, type Socket } from 'node:net';

const SMALL_BODY = 128;
const [addresses = '', ports = ''] = process.argv.slice(2);
const answers = new Map<number, Buffer>();

function answer(size: number): Buffer {
  let known = answers.get(size);
  if (known === undefined) {
    const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${size}\r\n\r\n`;
    known = Buffer.from(head + 'x'.repeat(size), 'latin1');
    answers.set(size, known);
  }
  return known;
}

function serve(socket: Socket): void {
  let head = '';
  /** Body bytes of the request under way that have not come. */
  let left = 0;
  let size = SMALL_BODY;
  socket.on('data', (bytes: Buffer) => {
    let pos = 0;
    while (pos < bytes.length || (left === 0 && head.includes('\r\n\r\n'))) {
      if (left > 0) {
        const taken = Math.min(left, bytes.length - pos);
        left -= taken;
        pos += taken;
        if (left === 0) socket.write(answer(size));
        continue;
      }
      const before = head.length;
      head += bytes.toString('latin1', pos);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      const text = head.slice(0, end + 2);
      pos += end + 4 - before;
      head = '';
      left = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
      // What was sent need not come back.
      size = text.startsWith('GET') ? Number(/^GET \/(\d+)/.exec(text)?.[1] ?? SMALL_BODY) : SMALL_BODY;
      if (left === 0) socket.write(answer(size));
    }
  });
  socket.on('error', () => socket.destroy());
}

for (const address of addresses.split(','))
  for (const port of ports.split(','))
    createServer({ noDelay: true }, serve).listen({ port: Number(port), host: address, backlog: 1024 });

process.on('SIGTERM', () => process.exit(0));
