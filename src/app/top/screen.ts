// The live view as text: a line on how the gateway fares, a table of Services, the pods of the one that is chosen.
// Pure: rows come in, lines go out, none longer than the screen is wide.
import { stripVTControlCharacters, styleText } from 'node:util';
import { formatTable } from '../cli/table.ts';
import type { Replicas } from './replicas.ts';
import type { ClusterRow, PodRow } from './rows.ts';

export const ORDERS = ['rate', 'errors', 'p99', 'name'] as const;
export type Order = (typeof ORDERS)[number];

export interface View {
  readonly order: Order;
  /** Only clusters of this namespace. */
  readonly namespace?: string;
  /** Position of the cluster whose pods are shown. */
  readonly chosen: number;
  readonly colors: boolean;
  readonly columns: number;
  readonly rows: number;
}

const HEADER = ['SERVICE', 'REQ/S', 'CONN/S', 'ERR', 'P50', 'P99', 'FLIGHT', 'READY', 'HPA', 'NOTES'];
const POD_HEADER = ['  POD', 'RATE/S', 'SHARE', 'ERR', 'LATENCY', 'FLIGHT', 'STATE'];

/** In the order of the view; what has nothing to do with traffic (no requests, no trouble) stands last. */
export function sorted(rows: readonly ClusterRow[], { order, namespace }: View): readonly ClusterRow[] {
  const own = namespace === undefined ? rows : rows.filter(({ name }) => name.startsWith(`${namespace}/`));
  const weight: Readonly<Record<Order, (row: ClusterRow) => number>> = {
    rate: ({ rate, connections }) => rate + connections,
    errors: ({ errorRate, rate }) => errorRate * rate,
    p99: ({ p99 = 0 }) => p99,
    name: () => 0,
  };
  const of = weight[order];
  return own.toSorted((a, b) => of(b) - of(a) || b.rate - a.rate || (a.name < b.name ? -1 : 1));
}

export function tableOf(rows: readonly ClusterRow[], replicas: (cluster: string) => Replicas | undefined): string {
  return formatTable(
    HEADER,
    rows.map((row) => cellsOf(row, replicas(row.name))),
  );
}

/** Lines that fit the screen. */
export function screenOf(
  all: readonly ClusterRow[],
  replicas: (cluster: string) => Replicas | undefined,
  view: View,
  notice = '',
): readonly string[] {
  const rows = sorted(all, view);
  const chosen = rows[Math.min(view.chosen, rows.length - 1)];
  const pods = chosen?.pods.toSorted((a, b) => b.rate - a.rate) ?? [];
  const style = view.colors ? styleText : (_: unknown, text: string) => text;
  // The summary, the keys, two headers, two empty lines.
  const room = Math.max(2, view.rows - 6);
  const forPods = Math.min(pods.length, Math.max(1, Math.floor(room / 2)));
  const forServices = Math.max(1, room - forPods);
  const first = Math.max(0, Math.min(view.chosen - forServices + 1, rows.length - forServices));
  const [header = '', ...table] = tableOf(rows, replicas).trimEnd().split('\n');
  const lines = [
    style(rows.some(({ troubles }) => troubles.length > 0) ? ['bold', 'red'] : 'bold', summary(rows)),
    '',
    style('inverse', ` ${header}`),
    ...table.slice(first, first + forServices).map((line, i) => {
      const row = rows[first + i];
      const text = `${row === chosen ? '>' : ' '}${line}`;
      if (row !== undefined && row.troubles.length > 0) return style('red', text);
      return row === chosen ? style('bold', text) : text;
    }),
    '',
    ...podLines(pods, forPods, style),
    style('dim', notice === '' ? `up/down choose, s sort (by ${view.order}), q quit` : notice),
  ];
  return lines.map((line) => cut(line, view.columns));
}

function podLines(
  pods: readonly PodRow[],
  room: number,
  style: (format: 'red' | 'dim', text: string) => string,
): readonly string[] {
  if (pods.length === 0) return [];
  const [header = '', ...lines] = formatTable(POD_HEADER, pods.map(podCells)).trimEnd().split('\n');
  return [
    style('dim', header),
    ...lines.slice(0, room).map((line, i) => (pods[i]?.state === 'healthy' ? line : style('red', line))),
  ];
}

function summary(rows: readonly ClusterRow[]): string {
  const total = rows.reduce((sum, { rate }) => sum + rate, 0);
  const failed = rows.reduce((sum, { rate, errorRate }) => sum + rate * errorRate, 0);
  const troubled = rows.filter(({ troubles }) => troubles.length > 0).length;
  const state = troubled === 0 ? 'all well' : `${troubled} of ${rows.length} Services in trouble`;
  return `${number(total)} requests/s, ${number(failed)} failed/s; ${state}`;
}

function cellsOf(row: ClusterRow, replicas: Replicas | undefined): readonly string[] {
  return [
    row.name,
    number(row.rate),
    number(row.connections),
    percent(row.errorRate),
    seconds(row.p50),
    seconds(row.p99),
    `${row.inFlight}`,
    replicas === undefined ? `${row.usable}/${row.endpoints}` : `${replicas.ready}/${replicas.wanted}`,
    replicas?.autoscaler ?? '',
    row.troubles.join(', '),
  ];
}

function podCells(pod: PodRow): readonly string[] {
  return [
    `  ${pod.name}`,
    number(pod.rate),
    percent(pod.share),
    percent(pod.errorRate),
    seconds(pod.latencyMs === undefined ? undefined : pod.latencyMs / 1000),
    `${pod.inFlight}`,
    `${pod.state.replace('_', ' ')}${pod.reason === '' ? '' : `: ${pod.reason}`}`,
  ];
}

function number(value: number): string {
  return value === 0 ? '0' : value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function percent(part: number): string {
  return part === 0 ? '0%' : `${(part * 100).toFixed(part < 0.1 ? 1 : 0)}%`;
}

function seconds(value: number | undefined): string {
  if (value === undefined) return '-';
  return value >= 1 ? `${value.toFixed(1)}s` : `${(value * 1000).toFixed(value < 0.01 ? 1 : 0)}ms`;
}

/** Colors take no room. */
function cut(line: string, columns: number): string {
  const plain = stripVTControlCharacters(line);
  return plain.length <= columns ? line : plain.slice(0, columns);
}
