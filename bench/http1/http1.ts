// The HTTP/1.1 benchmark: the gateway engine, HAProxy and nginx before the same backends, in interleaved rounds.
// Prints CPU time a request, throughput, p99, and the ratios within each round.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Contestant, contestants, nginxConf } from './contestants.ts';
import { drive } from './load.ts';
import { cpuSeconds, isInstalled, listening, start, stopAll } from './processes.ts';

interface Row {
  readonly name: string;
  readonly cpuMicros: number;
  readonly rate: number;
  readonly p99Ms: number;
  readonly errors: number;
}

/** Ports of the benchmark: two backends, then the proxies. */
const FIRST_PORT = 18_400;
const BODY_BYTES = 128;

export async function benchHttp1(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '5' },
      connections: { type: 'string', default: '64' },
      json: { type: 'boolean', default: false },
    },
  });
  const directory = mkdtempSync(join(tmpdir(), 'evenkeel-bench-'));
  const end = (): void => {
    void stopAll().then(() => process.exit(1));
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  try {
    const pinned = availableParallelism() > 1;
    const backendPorts = [FIRST_PORT, FIRST_PORT + 1];
    startBackends(directory, backendPorts, pinned ? 0 : undefined);
    const { found, missing } = contestants({ directory, backendPorts, firstPort: FIRST_PORT + 10 });
    for (const name of missing) console.log(`${name} is not installed and is left out (Debian: apt install ${name})`);
    for (const port of backendPorts) await listening(port);
    const pids = new Map<string, number>();
    for (const { name, command, args: words, port } of found) {
      pids.set(name, start(command, words, pinned ? 1 : undefined).pid as number);
      await listening(port);
    }
    const plan = { connections: Number(values.connections), core: pinned ? 0 : undefined };
    for (const { port } of found) await drive({ ...plan, port, seconds: 2 });
    const rounds: Row[][] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const rows: Row[] = [];
      for (const contestant of found) {
        rows.push(
          await measure(contestant, pids.get(contestant.name) as number, { ...plan, seconds: Number(values.seconds) }),
        );
      }
      rounds.push(rows);
      if (!values.json) printRows(`Round ${round + 1}`, rows);
    }
    if (values.json) console.log(JSON.stringify({ rounds }));
    else printSummary(found, rounds);
  } finally {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
    await stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}

function startBackends(directory: string, ports: readonly number[], core: number | undefined): void {
  if (!isInstalled('nginx')) {
    const script = fileURLToPath(new URL('./responder.ts', import.meta.url));
    for (const port of ports) start(process.execPath, [script, String(port), String(BODY_BYTES)], core);
    return;
  }
  const file = join(directory, 'nginx-backend.conf');
  const body = 'x'.repeat(BODY_BYTES);
  const servers = ports.map(
    (port) => `  server { listen 127.0.0.1:${port} backlog=1024; location / { return 200 "${body}"; } }`,
  );
  writeFileSync(file, nginxConf(directory, 'backend', servers.join('\n')));
  start('nginx', ['-c', file, '-e', 'stderr'], core);
}

async function measure(
  contestant: Contestant,
  pid: number,
  plan: { connections: number; core: number | undefined; seconds: number },
): Promise<Row> {
  const before = cpuSeconds(pid);
  const result = await drive({ ...plan, port: contestant.port });
  const used = cpuSeconds(pid) - before;
  return {
    name: contestant.name,
    cpuMicros: (used / result.requests) * 1e6,
    rate: result.requests / result.seconds,
    p99Ms: result.p99Ms,
    errors: result.errors,
  };
}

function printRows(title: string, rows: readonly Row[]): void {
  console.log(`${title.padEnd(12)}CPU us/request  requests/s    p99 ms  errors`);
  for (const row of rows) {
    console.log(
      row.name.padEnd(12) +
        row.cpuMicros.toFixed(1).padStart(14) +
        row.rate.toFixed(0).padStart(12) +
        row.p99Ms.toFixed(2).padStart(10) +
        String(row.errors).padStart(8),
    );
  }
}

function printSummary(found: readonly Contestant[], rounds: readonly Row[][]): void {
  const rows = found.map(({ name }, i) => {
    const own = rounds.map((round) => round[i] as Row);
    return {
      name,
      cpuMicros: median(own.map((row) => row.cpuMicros)),
      rate: median(own.map((row) => row.rate)),
      p99Ms: median(own.map((row) => row.p99Ms)),
      errors: own.reduce((sum, row) => sum + row.errors, 0),
    };
  });
  printRows('Median', rows);
  for (let i = 1; i < found.length; i++) {
    // Ratios within a round, because the machine is not equally busy in all of them.
    const ratios = rounds.map((round) => (round[0] as Row).cpuMicros / (round[i] as Row).cpuMicros);
    console.log(
      `CPU a request, evenkeel to ${found[i]?.name}: ${median(ratios).toFixed(2)} (${ratios.map((r) => r.toFixed(2)).join(', ')})`,
    );
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
