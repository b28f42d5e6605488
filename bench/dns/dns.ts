// The benchmark of cluster names: addresses, SRV records and names that there are not, asked by dnsperf.
// Knows the work; the peers are in peers.ts, the measuring in ../lib.

import { fileURLToPath } from 'node:url';
import { type Arena, inArena } from '../lib/arena.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { type Comparison, compare, printComparison } from '../lib/compare.ts';
import type { Running } from '../lib/contestants/contestant.ts';
import { isInstalled } from '../lib/processes.ts';
import { printJson, speaker } from '../lib/report.ts';
import { dnsperf } from './dnsperf.ts';
import { questions, zoneLines, zoneParts } from './names.ts';
import { peers } from './peers.ts';

const QUESTIONS = 100_000;

export const dns: Benchmark = {
  usage: {
    name: 'dns',
    about: 'Questions for cluster names by dnsperf: A, AAAA, SRV and names that there are not; one core.',
    seconds: 5,
    rounds: 5,
    own: {
      services: { default: 1000, help: 'Services of the cluster' },
      outstanding: { default: 100, help: 'questions under way at a time' },
      mode: { default: 'udp', help: 'udp, tcp or both' },
    },
  },
  run: (options, args) =>
    inArena(async (arena) => {
      const say = speaker(options.json);
      if (!isInstalled('dnsperf'))
        return say('dnsperf is not installed, so there is no load (Debian: apt install dnsperf)');
      const services = options.number('services');
      const contestants = await startAll(arena, services, options.only, say);
      const file = arena.file('questions', questions(services, QUESTIONS));
      const results: Comparison[] = [];
      const { seconds, rounds } = options;
      for (const mode of ['udp', 'tcp'] as const) {
        if (options.text('mode') !== mode && options.text('mode') !== 'both') continue;
        const result = await compare({
          title: `Cluster names over ${mode.toUpperCase()}, ${services} Services`,
          unit: 'query',
          contestants,
          rounds,
          seconds,
          load: ({ port }, time) =>
            dnsperf(arena, { port, file, seconds: time, outstanding: options.number('outstanding'), mode }),
          say,
        });
        results.push(result);
        if (!options.json) printComparison(result);
      }
      if (options.json) printJson('dns', args, results);
    }),
};

async function startAll(
  arena: Arena,
  services: number,
  only: readonly string[],
  say: (line: string) => void,
): Promise<Running[]> {
  const lines = zoneLines(zoneParts(services));
  const started: Running[] = [];
  const start = async (name: string, command: string, make: (port: number) => string[]): Promise<void> => {
    if (only.length > 0 && !only.includes(name)) return;
    const port = await arena.port();
    const args = make(port);
    const begun = performance.now();
    const child = await arena.serve(command, args, port, { core: arena.proxyCore });
    started.push({ name, port, command, args, child, pid: child.pid as number, startMs: performance.now() - begun });
  };
  const script = fileURLToPath(new URL('./server-run.ts', import.meta.url));
  const profile = process.env.EVENKEEL_BENCH_NODE_OPTIONS?.split(' ') ?? [];
  await start('evenkeel', process.execPath, (port) => [...profile, script, String(port), String(services)]);
  for (const { name, program, debian, make } of peers) {
    if (isInstalled(program)) await start(name, program, (port) => make(arena, port, lines));
    else if (only.length === 0 || only.includes(name))
      say(`${name} is not installed and is left out (Debian: apt install ${debian})`);
  }
  return started;
}
