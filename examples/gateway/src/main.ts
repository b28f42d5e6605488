// Three backends for gateway.yaml: each answers with its port, after as many milliseconds as ?ms= says.
// Knows no gateway.
import { createServer } from 'node:http';

for (const port of [3001, 3002, 3003]) {
  createServer((request, response) => {
    const wait = Number(new URL(request.url ?? '/', 'http://localhost').searchParams.get('ms') ?? 0);
    setTimeout(() => response.end(`${port} ${request.url}\n`), wait);
  }).listen(port, '127.0.0.1');
}
process.stdout.write('Backends on 127.0.0.1: 3001, 3002, 3003\n');
