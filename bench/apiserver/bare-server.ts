// A server that answers every request with its own body, and GET /N with N bytes it has made before: usage
// `node bare-server.ts PORT CERTIFICATE KEY`.
// Knows nothing of what it is asked.

import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { Readable } from 'node:stream';

const [port = '', cert = '', key = ''] = process.argv.slice(2);
const PART_BYTES = 256 * 1024;
let parts: Buffer[] = [];

const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  if (request.method === 'GET') {
    const bytes = Number(request.url.slice(1));
    if (bytes !== parts.reduce((sum, part) => sum + part.length, 0)) parts = partsOf(bytes);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes });
    Readable.from(parts, { highWaterMark: 1 }).pipe(response);
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(Buffer.concat(chunks));
  });
});
server.listen(Number(port), '127.0.0.1');

function partsOf(bytes: number): Buffer[] {
  const full = Array.from({ length: Math.floor(bytes / PART_BYTES) }, () => Buffer.alloc(PART_BYTES, 'bytes '));
  const rest = bytes % PART_BYTES;
  return rest === 0 ? full : [...full, Buffer.alloc(rest, 'bytes ')];
}
