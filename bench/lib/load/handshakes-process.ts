// The process of TLS handshakes: runs its plan (the argument) and prints a LoadResult.
// A handshake that was to be resumed and was not counts as an error.

import { connect, type TLSSocket } from 'node:tls';
import { percentile } from '../statistics.ts';
import type { HandshakePlan } from './handshakes.ts';
import type { LoadResult } from './result.ts';

const plan = JSON.parse(process.argv[2] as string) as HandshakePlan;
const GET = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n';

function open(session: Buffer | undefined): TLSSocket {
  return connect({
    port: plan.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
    ...(session === undefined ? {} : { session }),
  });
}

/** With TLS 1.3 tickets come behind the handshake: with the first answer they are there. */
function ticket(): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = open(undefined);
    let session: Buffer | undefined;
    socket.on('session', (latest: Buffer) => {
      session = latest;
    });
    socket.on('secureConnect', () => socket.write(GET));
    socket.on('data', () => socket.destroy());
    socket.on('error', reject);
    socket.on('close', () => {
      if (session === undefined) reject(new Error('No session ticket came'));
      else resolve(session);
    });
  });
}

function once(session: Buffer | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = open(session);
    let good = false;
    socket.on('secureConnect', () => {
      good = session === undefined || socket.isSessionReused();
      socket.destroy();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => resolve(good));
  });
}

const session = plan.resumed ? await ticket() : undefined;
const times: number[] = [];
let errors = 0;
const begun = performance.now();
const until = begun + plan.seconds * 1000;

async function client(): Promise<void> {
  while (performance.now() < until) {
    const before = performance.now();
    if (!(await once(session))) errors++;
    times.push(performance.now() - before);
  }
}

await Promise.all(Array.from({ length: plan.clients }, client));
const result: LoadResult = {
  requests: times.length,
  errors,
  seconds: (performance.now() - begun) / 1000,
  p99Ms: percentile(
    times.sort((a, b) => a - b),
    0.99,
  ),
};
console.log(JSON.stringify(result));
