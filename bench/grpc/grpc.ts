// The gRPC benchmark: unary calls through the proxies to a grpc-js server, HTTP/2 on both sides, without TLS.
// h2load sends the calls, because a gRPC client in Node.js costs more than any proxy. Knows the work only.

import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import { comparison } from '../lib/comparison.ts';
import { h2load } from '../lib/load/h2load.ts';
import { http2Hindrance } from '../lib/protocols.ts';

const METHOD = '/bench.Echo/Echo';
const PAYLOAD = Buffer.alloc(64, 'x');
const PATIENCE_MS = 3000;

export const grpc = comparison(
  {
    name: 'grpc',
    about: 'Unary gRPC calls with 64 bytes each way to a grpc-js server, HTTP/2 on both sides.',
    seconds: 5,
    rounds: 5,
    own: {
      connections: { default: 4, help: 'open at a time' },
      streams: { default: 25, help: 'calls at a time on each' },
    },
  },
  async (arena, options) => {
    const [port] = (await arena.ports(1)) as [number];
    const script = fileURLToPath(new URL('./grpc-server.ts', import.meta.url));
    await arena.serve(process.execPath, [script, String(port)], port, { core: arena.loadCore });
    const body = arena.file('call.bin', frame(PAYLOAD));
    return [
      {
        title: 'Unary gRPC calls, 64 bytes',
        unit: 'call',
        proxies: ['evenkeel', 'haproxy', 'nginx', 'caddy'],
        setup: { backends: [{ address: '127.0.0.1', port }], http2: true, grpc: true },
        hindrance: async (contestant) =>
          (await http2Hindrance(contestant.port, false)) ?? (await grpcHindrance(contestant.port)),
        load: (contestant, seconds) =>
          h2load(arena, {
            url: `http://127.0.0.1:${contestant.port}${METHOD}`,
            connections: options.number('connections'),
            streams: options.number('streams'),
            seconds,
            headers: ['content-type: application/grpc', 'te: trailers'],
            body,
          }),
      },
    ];
  },
);

/** A message as gRPC frames it: not compressed, its length, itself. */
function frame(message: Buffer): string {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  // Every byte is below 0x80, so that the text is the same bytes in the file.
  return Buffer.concat([head, message]).toString('latin1');
}

/** h2load looks at statuses only, and gRPC's are in trailers: one real call shows that those come through. */
function grpcHindrance(port: number): Promise<string | undefined> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const same = (value: Buffer): Buffer => value;
  return new Promise((resolve) => {
    client.makeUnaryRequest(METHOD, same, same, PAYLOAD, { deadline: Date.now() + PATIENCE_MS }, (error, reply) => {
      client.close();
      if (error !== null) resolve(`a call fails with ${error.message}`);
      else resolve(reply?.equals(PAYLOAD) ? undefined : 'a call is answered with something else');
    });
  });
}
