// The benchmarks that put the same load on each contestant in turn, round after round, and compare what it cost.
// Knows neither the work nor the proxies.

import type { Running } from './contestants/contestant.ts';
import type { LoadResult } from './load/result.ts';
import { cpuSeconds } from './processes.ts';
import { type Column, printTable } from './report.ts';
import { median, ratios } from './statistics.ts';

export interface Row {
  readonly name: string;
  readonly cpuMicros: number;
  readonly rate: number;
  readonly p99Ms: number;
  readonly errors: number;
}

export interface Comparison {
  /** What was measured, as the table's title. */
  readonly title: string;
  /** What a unit of work is called: request, handshake. */
  readonly unit: string;
  readonly rounds: readonly (readonly Row[])[];
}

export interface ComparePlan {
  readonly title: string;
  readonly unit: string;
  readonly contestants: readonly Running[];
  readonly rounds: number;
  readonly seconds: number;
  /** Puts load on one contestant for about so long. */
  load(contestant: Running, seconds: number): Promise<LoadResult>;
  /** Left out: nothing is printed until the end. */
  readonly say?: ((line: string) => void) | undefined;
}

/** Each contestant is warmed up, then measured once a round, in the same order. */
export async function compare(plan: ComparePlan): Promise<Comparison> {
  const { contestants, load, seconds } = plan;
  for (const contestant of contestants) await load(contestant, Math.min(2, seconds));
  const rounds: Row[][] = [];
  for (let round = 0; round < plan.rounds; round++) {
    const rows: Row[] = [];
    for (const contestant of contestants) {
      const before = cpuSeconds(contestant.pid);
      const result = await load(contestant, seconds);
      const used = cpuSeconds(contestant.pid) - before;
      rows.push({
        name: contestant.name,
        cpuMicros: (used / result.requests) * 1e6,
        rate: result.requests / result.seconds,
        p99Ms: result.p99Ms,
        errors: result.errors,
      });
    }
    rounds.push(rows);
    const figures = rows.map((row) => `${row.name} ${row.cpuMicros.toFixed(1)}`).join('  ');
    plan.say?.(`${plan.title}, round ${round + 1}: CPU µs/${plan.unit}  ${figures}`);
  }
  return { title: plan.title, unit: plan.unit, rounds };
}

/** Medians over the rounds, one row a contestant. */
export function medians(rounds: readonly (readonly Row[])[]): Row[] {
  return (rounds[0] ?? []).map(({ name }, i) => {
    const own = rounds.map((round) => round[i] as Row);
    return {
      name,
      cpuMicros: median(own.map((row) => row.cpuMicros)),
      rate: median(own.map((row) => row.rate)),
      p99Ms: median(own.map((row) => row.p99Ms)),
      errors: own.reduce((sum, row) => sum + row.errors, 0),
    };
  });
}

export function printComparison({ title, unit, rounds }: Comparison): void {
  const first = rounds.map((round) => round[0] as Row);
  const rows = medians(rounds);
  const columns: Column<Row>[] = [
    { title: '', cell: (row) => row.name },
    { title: `CPU µs/${unit}`, cell: (row) => row.cpuMicros.toFixed(1) },
    { title: `${unit}s/s`, cell: (row) => row.rate.toFixed(0) },
    { title: 'p99 ms', cell: (row) => (Number.isNaN(row.p99Ms) ? '-' : row.p99Ms.toFixed(2)) },
    { title: 'errors', cell: (row) => String(row.errors) },
    {
      title: `CPU of ${first[0]?.name ?? ''} to it: median (rounds)`,
      cell: (_, i) => (i === 0 ? '' : ratioText(first, rounds, i, 'cpuMicros')),
    },
    { title: 'rate to it', cell: (_, i) => (i === 0 ? '' : ratioOf(first, rounds, i, 'rate').toFixed(2)) },
  ];
  printTable(title, columns, rows);
}

function all(
  first: readonly Row[],
  rounds: readonly (readonly Row[])[],
  i: number,
  key: 'cpuMicros' | 'rate',
): number[] {
  return ratios(
    first.map((row) => row[key]),
    rounds.map((round) => (round[i] as Row)[key]),
  );
}

function ratioOf(
  first: readonly Row[],
  rounds: readonly (readonly Row[])[],
  i: number,
  key: 'cpuMicros' | 'rate',
): number {
  return median(all(first, rounds, i, key));
}

function ratioText(first: readonly Row[], rounds: readonly (readonly Row[])[], i: number, key: 'cpuMicros'): string {
  const values = all(first, rounds, i, key);
  return `${median(values).toFixed(2)} (${values.map((value) => value.toFixed(2)).join(', ')})`;
}
