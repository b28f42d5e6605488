// The benchmark of a large configuration: 1,000 routes and 10,000 endpoints beside one route and ten.
// Time to the first answer, memory, CPU a request. Knows the work; the proxies are in ../lib.

import { type Arena, inArena } from '../lib/arena.ts';
import { startBackends } from '../lib/backends/nginx.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import type { Backend, RouteSetup, Running, Setup } from '../lib/contestants/contestant.ts';
import { type ProxyName, startAll } from '../lib/contestants/index.ts';
import { wrk } from '../lib/load/wrk.ts';
import type { Options } from '../lib/options.ts';
import { cpuSeconds, memoryBytes } from '../lib/processes.ts';
import { type Column, printJson, printTable, speaker } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';

const ENDPOINTS_A_ROUTE = 10;
/** Routes that load goes to, spread over the table; the backends of all others are never asked. */
const LOADED = 20;
const CONNECTIONS = 64;
const MB = 1024 * 1024;

interface Figures {
  readonly name: string;
  readonly size: 'small' | 'large';
  /** Milliseconds from the start of the process until it accepts connections. */
  readonly startMs: number;
  readonly memory: number;
  readonly cpuMicros: number;
  readonly rate: number;
  readonly errors: number;
}

export const scale: Benchmark = {
  usage: {
    name: 'scale',
    about: 'A large configuration beside a small one: time to start, memory, CPU a request.',
    seconds: 4,
    rounds: 3,
    own: { routes: { default: 1000, help: `routes, each with ${ENDPOINTS_A_ROUTE} endpoints` } },
  },
  run: (options, args) =>
    inArena(async (arena) => {
      const say = speaker(options.json);
      const addresses = Array.from({ length: ENDPOINTS_A_ROUTE }, (_, i) => `127.9.0.${i + 1}`);
      const live = await startBackends(arena, { count: 1, addresses: ['127.0.0.1', ...addresses] });
      const backends = live.slice(1);
      const sizes = [
        ['small', routesOf(LOADED, LOADED, backends)],
        ['large', routesOf(options.number('routes'), LOADED, backends)],
      ] as const;
      const rows: Figures[] = [];
      for (const [size, routes] of sizes) {
        const setup: Setup = { backends, routes };
        const proxies: readonly ProxyName[] = ['evenkeel', 'haproxy', 'nginx', 'caddy'];
        const entries = proxies.map((proxy) => ({ proxy, setup, name: `${proxy} ${size}` }));
        const contestants = await startAll(
          arena,
          entries,
          options.only.map((name) => `${name} ${size}`),
          say,
        );
        for (const contestant of contestants) rows.push(await measure(arena, contestant, size, options));
        for (const { child } of contestants) await arena.stop(child);
      }
      if (options.json) printJson('scale', args, rows);
      else print(rows, options.number('routes'));
    }),
};

/** `loaded` of the routes lead to backends that answer, at even distances; the others to addresses nobody has. */
export function routesOf(count: number, loaded: number, live: readonly Backend[]): RouteSetup[] {
  const step = Math.max(1, Math.floor(count / loaded));
  return Array.from({ length: count }, (_, i) => ({
    path: `/team-${i}/service`,
    backends:
      i % step === 0
        ? live
        : Array.from({ length: ENDPOINTS_A_ROUTE }, (_, j) => ({
            address: `127.${20 + (i >> 8)}.${i & 255}.${j + 1}`,
            port: 8080,
          })),
  }));
}

async function measure(arena: Arena, contestant: Running, size: Figures['size'], options: Options): Promise<Figures> {
  const memory = memoryBytes(contestant.pid);
  const step = size === 'small' ? 1 : Math.max(1, Math.floor(options.number('routes') / LOADED));
  const script = arena.file(
    'paths.lua',
    `local i = 0
request = function()
  i = (i + 1) % ${LOADED}
  return wrk.format("GET", "/team-" .. (i * ${step}) .. "/service/items")
end
`,
  );
  const plan = { url: `http://127.0.0.1:${contestant.port}/`, connections: CONNECTIONS, script };
  await wrk(arena, { ...plan, seconds: 2 });
  const cpu: number[] = [];
  const rates: number[] = [];
  let errors = 0;
  for (let round = 0; round < options.rounds; round++) {
    const before = cpuSeconds(contestant.pid);
    const result = await wrk(arena, { ...plan, seconds: options.seconds });
    cpu.push(((cpuSeconds(contestant.pid) - before) / result.requests) * 1e6);
    rates.push(result.requests / result.seconds);
    errors += result.errors;
  }
  const { startMs } = contestant;
  const name = contestant.name.replace(` ${size}`, '');
  return { name, size, startMs, memory, cpuMicros: median(cpu), rate: median(rates), errors };
}

function print(rows: readonly Figures[], routes: number): void {
  const small = (row: Figures): Figures =>
    rows.find((other) => other.name === row.name && other.size === 'small') as Figures;
  const large = rows.filter(({ size }) => size === 'large');
  const columns: Column<Figures>[] = [
    { title: '', cell: (row) => row.name },
    { title: 'start ms, small', cell: (row) => small(row).startMs.toFixed(0) },
    { title: 'large', cell: (row) => row.startMs.toFixed(0) },
    { title: 'memory MB, small', cell: (row) => (small(row).memory / MB).toFixed(0) },
    { title: 'large', cell: (row) => (row.memory / MB).toFixed(0) },
    { title: 'CPU µs/request, small', cell: (row) => small(row).cpuMicros.toFixed(1) },
    { title: 'large', cell: (row) => row.cpuMicros.toFixed(1) },
    { title: 'large to small', cell: (row) => (row.cpuMicros / small(row).cpuMicros).toFixed(2) },
    { title: 'errors', cell: (row) => String(row.errors + small(row).errors) },
  ];
  printTable(`${routes} routes with ${routes * ENDPOINTS_A_ROUTE} endpoints beside ${LOADED} routes`, columns, large);
}
