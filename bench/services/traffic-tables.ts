// What is told of packets and of the whole program: its shape, and how it is printed.
// Measures nothing.
import type { Column } from '../lib/report.ts';

interface Latency {
  readonly p50: number;
  readonly p99: number;
  /** Microseconds a connection, of the process of client and driver with what the kernel does on its behalf. */
  readonly cpu: number;
}

export interface Traffic {
  readonly direct: Latency;
  readonly through: Latency;
  /** MB/s of one connection. */
  readonly rates: { readonly direct: number; readonly through: number };
  readonly first: number;
}

export interface Process {
  readonly ready: { readonly ms: number; readonly cpu: number };
  readonly peak: number;
  readonly settled: number;
  readonly change: number;
}

interface Row<T> {
  readonly name: string;
  readonly found: T;
}

const latency = ({ p50, p99, cpu }: Latency): string => `${p50.toFixed(2)} / ${p99.toFixed(2)} / ${cpu.toFixed(0)}`;

export const trafficColumns: readonly Column<Row<Traffic>>[] = [
  { title: 'Services', cell: ({ name }) => name },
  { title: 'direct p50 / p99 ms / µs CPU', cell: ({ found }) => latency(found.direct) },
  { title: 'through', cell: ({ found }) => latency(found.through) },
  { title: 'CPU ratio', cell: ({ found }) => (found.through.cpu / found.direct.cpu).toFixed(2) },
  { title: 'MB/s direct', cell: ({ found }) => found.rates.direct.toFixed(0) },
  { title: 'through', cell: ({ found }) => found.rates.through.toFixed(0) },
  { title: 'apply to first answer ms', cell: ({ found }) => found.first.toFixed(2) },
];

export const processColumns: readonly Column<Row<Process>>[] = [
  { title: 'Services', cell: ({ name }) => name },
  { title: 'ready ms (CPU)', cell: ({ found: { ready } }) => `${ready.ms.toFixed(0)} (${ready.cpu})` },
  { title: 'MB at most', cell: ({ found }) => found.peak.toFixed(0) },
  { title: 'then', cell: ({ found }) => found.settled.toFixed(0) },
  { title: 'slice to first packet ms', cell: ({ found }) => found.change.toFixed(2) },
];
