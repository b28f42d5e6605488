// Keep-alive clients of our own, for machines without wrk: small GETs, one after the other on each connection.
// Knows nothing of who answers.

import { connect } from 'node:net';
import { percentile } from '../statistics.ts';
import type { LoadResult } from './result.ts';

export async function driveByHand(url: URL, connections: number, seconds: number): Promise<LoadResult> {
  const request = `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`;
  const latencies: number[] = [];
  let errors = 0;
  const begun = performance.now();
  const until = begun + seconds * 1000;
  const client = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect({ port: Number(url.port), host: url.hostname, noDelay: true });
      let sent = 0;
      let text = '';
      const ask = (): void => {
        sent = performance.now();
        socket.write(request);
      };
      socket.setEncoding('latin1');
      socket.on('connect', ask);
      socket.on('data', (piece: string) => {
        text += piece;
        const head = text.indexOf('\r\n\r\n');
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
        if (head < 0 || text.length < head + 4 + length) return;
        if (!text.startsWith('HTTP/1.1 2')) errors++;
        text = '';
        latencies.push(performance.now() - sent);
        if (performance.now() < until) ask();
        else socket.destroy();
      });
      socket.on('error', () => errors++);
      socket.on('close', () => resolve());
    });
  await Promise.all(Array.from({ length: connections }, client));
  latencies.sort((a, b) => a - b);
  return {
    requests: latencies.length,
    errors,
    seconds: (performance.now() - begun) / 1000,
    p99Ms: percentile(latencies, 0.99),
  };
}
