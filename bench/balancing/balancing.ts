// The balancing benchmark: every policy of ours beside nginx's and HAProxy's, before the same simulated fleets.
// Knows how a round goes; fleets, contestants and measuring stand beside it.

import { fileURLToPath } from 'node:url';
import { inArena } from '../lib/arena.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { startAll } from '../lib/contestants/index.ts';
import { UsageError } from '../lib/options.ts';
import { type Column, printJson, printTable, speaker } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';
import { balancingEntries } from './contestants.ts';
import { type Figures, measure, reset } from './measure.ts';
import { type Scenario, scenarios, slowedDown } from './scenarios.ts';

export const balancing: Benchmark = {
  usage: {
    name: 'balancing',
    about: `Every balancing policy beside nginx's and HAProxy's, latencies from the intended start. Scenarios:
${scenarios.map(({ id, title }) => `  ${id}  ${title}`).join('\n')}`,
    seconds: 10,
    rounds: 1,
    own: {
      scenario: { default: 'a,b,c,d,e', help: 'which of them' },
      slow: { default: 1, help: 'times as slow, for a machine that is busy with other work' },
      seed: { default: 1, help: 'of service times; each round takes the next' },
    },
  },
  run: (options, args) =>
    inArena(async (arena) => {
      const say = speaker(options.json);
      const chosen = chooseScenarios(options.text('scenario')).map((one) => slowedDown(one, options.number('slow')));
      const results: { id: string; rounds: Figures[][] }[] = [];
      for (const scenario of chosen) {
        const ports = await arena.ports(scenario.backends.length);
        const script = fileURLToPath(new URL('./fleet.ts', import.meta.url));
        const fleet = await arena.serve(process.execPath, [script, ports.join(',')], ports.at(-1) as number, {
          core: arena.loadCore,
          ipc: true,
        });
        const backends = ports.map((port) => ({ address: '127.0.0.1', port }));
        const entries = balancingEntries(backends, scenario.ejection ?? false);
        const contestants = await startAll(arena, entries, options.only, say);
        const rounds: Figures[][] = [];
        for (let round = 0; round < options.rounds; round++) {
          const rows: Figures[] = [];
          for (const contestant of contestants) {
            await reset(fleet, { seed: options.number('seed') + round, backends: scenario.backends });
            const row = await measure(arena, contestant, scenario, options.seconds);
            say(`${scenario.id}, round ${round + 1}: ${row.name} p99 ${row.p99} ms, ${row.errors} errors`);
            rows.push(row);
          }
          rounds.push(rows);
        }
        results.push({ id: scenario.id, rounds });
        if (!options.json) printScenario(scenario, rounds);
        for (const { child } of contestants) await arena.stop(child);
        await arena.stop(fleet);
      }
      if (options.json) printJson('balancing', args, results);
    }),
};

function chooseScenarios(words: string): Scenario[] {
  return words.split(',').map((id) => {
    const scenario = scenarios.find((one) => one.id === id.trim());
    if (scenario === undefined)
      throw new UsageError(`Scenario "${id}" is not known: choose of ${scenarios.map((one) => one.id).join(', ')}`);
    return scenario;
  });
}

function printScenario(scenario: Scenario, rounds: readonly (readonly Figures[])[]): void {
  const of = (i: number, key: Exclude<keyof Figures, 'name'>): number =>
    median(rounds.map((round) => (round[i] as Figures)[key]));
  const ms = (title: string, key: 'p50' | 'p90' | 'p99' | 'p999'): Column<Figures> => ({
    title,
    cell: (_, i) => shown(of(i, key), 1),
  });
  const columns: Column<Figures>[] = [
    { title: '', cell: (row) => row.name },
    ms('p50 ms', 'p50'),
    ms('p90 ms', 'p90'),
    ms('p99 ms', 'p99'),
    ms('p99.9 ms', 'p999'),
    { title: 'odd ones', cell: (_, i) => (scenario.odd === 0 ? '-' : `${shown(of(i, 'oddShare') * 100, 2)} %`) },
    { title: 'answers/s', cell: (_, i) => shown(of(i, 'rate'), 0) },
    { title: 'errors', cell: (_, i) => String(rounds.reduce((sum, round) => sum + (round[i] as Figures).errors, 0)) },
  ];
  printTable(`(${scenario.id}) ${scenario.title}`, columns, rounds[0] ?? []);
}

function shown(value: number, digits: number): string {
  return Number.isNaN(value) ? '-' : value.toFixed(digits);
}
