// Drives keep-alive connections as fast as they answer, and says how many answers came and how late.
// Uses wrk where it is installed; its own clients otherwise.

import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { isInstalled, PIN } from './processes.ts';

export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p99Ms: number;
}

export interface LoadPlan {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly core: number | undefined;
}

export function drive(plan: LoadPlan): Promise<LoadResult> {
  return isInstalled('wrk') ? driveWithWrk(plan) : driveByHand(plan);
}

async function driveWithWrk(plan: LoadPlan): Promise<LoadResult> {
  const wrk = [
    'wrk',
    '-t1',
    `-c${plan.connections}`,
    `-d${plan.seconds}s`,
    '--latency',
    `http://127.0.0.1:${plan.port}/`,
  ];
  const words = plan.core !== undefined && isInstalled(PIN) ? [PIN, '-c', String(plan.core), ...wrk] : wrk;
  const child = spawn(words[0] as string, words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8');
  for await (const piece of child.stdout) text += piece;
  const total = /(\d+) requests in ([\d.]+)s/.exec(text);
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(text);
  if (total === null || p99 === null) throw new Error(`Cannot read the output of wrk: ${text}`);
  const scale = { us: 0.001, ms: 1, s: 1000 }[p99[2] as 'us' | 'ms' | 's'];
  const socketErrors = [...(/Socket errors: (.*)/.exec(text)?.[1] ?? '').matchAll(/\d+/g)].map(Number);
  const statusErrors = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  return {
    requests: Number(total[1]),
    errors: socketErrors.reduce((sum, count) => sum + count, statusErrors),
    seconds: Number(total[2]),
    p99Ms: Number(p99[1]) * scale,
  };
}

async function driveByHand(plan: LoadPlan): Promise<LoadResult> {
  const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${plan.port}\r\n\r\n`;
  const latencies: number[] = [];
  let errors = 0;
  const begun = performance.now();
  const until = begun + plan.seconds * 1000;
  const client = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect({ port: plan.port, host: '127.0.0.1', noDelay: true });
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
  await Promise.all(Array.from({ length: plan.connections }, client));
  latencies.sort((a, b) => a - b);
  return {
    requests: latencies.length,
    errors,
    seconds: (performance.now() - begun) / 1000,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
  };
}
