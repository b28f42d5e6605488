// The engine's counters as series of a window: one for each endpoint of a Service, each path of an Ingress, each port.
// Pure; knows how clusters, routes and ports are named.
import { FINITE_BUCKETS } from '#telemetry/buckets.ts';
import type { Counts, CountsBySeries } from '#telemetry/count-window.ts';
import type { Total } from '#telemetry/exposition.ts';
import type { TrafficCounts } from '#traffic/proxy/traffic-counts.ts';

/** What a series is about. Names are `namespace/name`. */
export interface Subject {
  readonly kind: 'attempt' | 'open' | 'request' | 'connection';
  /** Of an attempt, of those at work and of a connection. */
  readonly service: string;
  readonly port: string;
  /** Of an attempt and of those at work: `namespace/pod`, or an address. */
  readonly pod: string;
  /** Of a request. */
  readonly ingress: string;
  readonly path: string;
}

const SEPARATOR = '\0';

export function subjectOf(series: string): Subject {
  const [kind = '', first = '', second = ''] = series.split(SEPARATOR);
  const nothing = { service: '', port: '', pod: '', ingress: '', path: '' };
  if (kind === 'attempt' || kind === 'open') return { ...nothing, kind, ...clusterParts(first), pod: second };
  // `namespace/name:path` and `namespace/service:port`: neither name has a colon.
  const colon = first.indexOf(':');
  const [name, rest] = colon < 0 ? [first, ''] : [first.slice(0, colon), first.slice(colon + 1)];
  return kind === 'request'
    ? { ...nothing, kind, ingress: name, path: rest }
    : { ...nothing, kind: 'connection', service: name, port: rest };
}

/** `namespace/service/port`. */
export function clusterParts(cluster: string): { readonly service: string; readonly port: string } {
  const slash = cluster.lastIndexOf('/');
  return { service: cluster.slice(0, Math.max(0, slash)), port: cluster.slice(slash + 1) };
}

/** A path as selectors can name it: `/api/v1/` is `api_v1`, `/` is empty. Values of labels have no slashes. */
export function labelValue(path: string): string {
  return path.replace(/[^A-Za-z0-9_.-]/g, '_').replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, '');
}

export function seriesOf(counts: TrafficCounts): CountsBySeries {
  const all = new Map<string, Counts>();
  const add = (series: string, total: number, failed: number): void => {
    const before = all.get(series);
    all.set(series, {
      events: (before?.events ?? 0) + total,
      failed: (before?.failed ?? 0) + failed,
      buckets: before?.buckets ?? [],
      seconds: before?.seconds ?? 0,
      open: 0,
    });
  };
  const measure = (series: string, { values }: Total): void => {
    const before = all.get(series);
    if (before === undefined) return;
    const cells = [...values];
    all.set(series, {
      ...before,
      buckets: cells.slice(0, FINITE_BUCKETS + 1),
      seconds: cells[FINITE_BUCKETS + 1] ?? 0,
    });
  };
  for (const { labels, values } of counts.attempts) {
    const [cluster = '', endpoint = '', outcome = ''] = labels;
    const count = values[0] ?? 0;
    add(keyOf('attempt', cluster, endpoint), count, isFailure(outcome) ? count : 0);
  }
  for (const total of counts.attemptDurations) measure(keyOf('attempt', ...total.labels), total);
  for (const { labels, values } of counts.requests) {
    const [, route = '', code = ''] = labels;
    const count = values[0] ?? 0;
    add(keyOf('request', route), count, Number(code) >= 500 ? count : 0);
  }
  for (const total of counts.requestDurations) measure(keyOf('request', ...total.labels), total);
  for (const { labels, values } of counts.connections) {
    const [port = '', outcome = ''] = labels;
    const count = values[0] ?? 0;
    add(keyOf('connection', port), count, outcome === 'connected' ? 0 : count);
  }
  for (const { cluster, endpoint, count } of counts.inFlight) {
    all.set(keyOf('open', cluster, endpoint), { events: 0, failed: 0, buckets: [], seconds: 0, open: count });
  }
  return all;
}

const keyOf = (...parts: readonly string[]): string => parts.join(SEPARATOR);

/** A client that left says nothing of the endpoint; other words than classes of answers are what went wrong. */
function isFailure(outcome: string): boolean {
  return outcome === '5xx' || !(/^[1-4]xx$/.test(outcome) || outcome === 'aborted');
}
