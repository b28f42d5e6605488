// A server that answers every request with its own body: usage `node bare-server.ts PORT CERTIFICATE KEY`.
// Knows nothing of what it is asked.

import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';

const [port = '', cert = '', key = ''] = process.argv.slice(2);
const server = createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    response.writeHead(201, { 'content-type': 'application/json' });
    response.end(Buffer.concat(chunks));
  });
});
server.listen(Number(port), '127.0.0.1');
