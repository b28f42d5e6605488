// A backend for machines without nginx: answers every request with the same small body, as fast as Node.js can.
// Arguments: port, body bytes. Reads GET requests only.

import { createServer } from 'node:net';

const [port = 0, bytes = 128] = process.argv.slice(2).map(Number);
const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;

createServer({ noDelay: true }, (socket) => {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => {
    text += piece;
    let out = '';
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      text = text.slice(end + 4);
      out += answer;
    }
    if (out !== '') socket.write(out, 'latin1');
  });
  socket.on('error', () => socket.destroy());
}).listen(port, '127.0.0.1');

process.on('SIGTERM', () => process.exit(0));
