// The parts of a report that are read: the verdict, the figures, and the tables below the plots.
// Every value is escaped on its way in; knows nothing of plots.
import type { ClusterEvent, ClusterHistory } from '../cluster-watch.ts';
import type { LoadReport } from '../report.ts';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** One look tells whether users were served, and what failed if not. */
export function verdict({ requests, ok, errors }: LoadReport): string {
  const failed = requests - ok;
  if (failed === 0) return `<p class="verdict">None of ${count(requests)} requests failed.</p>`;
  const kinds = Object.entries(errors).sort(([, a], [, b]) => b - a);
  const why = kinds.map(([kind, many]) => `${count(many)} × ${escaped(kind)}`).join(', ');
  const share = ((failed / requests) * 100).toPrecision(2);
  return `<p class="verdict bad">${count(failed)} of ${count(requests)} requests failed (${share} %): ${why}.</p>`;
}

export function tiles(load: LoadReport, cluster: ClusterHistory | undefined): string {
  const { latencyMs, timeline } = load;
  const peak = timeline.reduce((most, { requests }) => Math.max(most, requests), 0);
  const all: [title: string, value: string][] = [
    ['Rate', `${load.achievedRate}/s`],
    ['Highest second', `${count(peak)}/s`],
    ['p50', `${latencyMs.p50} ms`],
    ['p95', `${latencyMs.p95} ms`],
    ['p99', `${latencyMs.p99} ms`],
    ['Slowest', `${latencyMs.max} ms`],
  ];
  for (const { name, points } of cluster?.workloads ?? []) {
    const ready = points.map((point) => point.ready);
    const [least, most] = [Math.min(...ready), Math.max(...ready)];
    if (most > least) all.push([name, `${least} to ${most} ready`]);
  }
  const items = all.map(([title, value]) => `<div><b>${escaped(value)}</b>${escaped(title)}</div>`);
  return `<div class="tiles">${items.join('')}</div>`;
}

export function failureTable({ failures }: LoadReport): string {
  if (failures.length === 0) return '';
  const rows = failures.map(({ atSeconds, kind, pod }) => [atSeconds.toFixed(3), kind, pod]);
  return table('First failures', ['Second', 'What', 'Pod'], rows);
}

export function podTable({ perPod, perPodLatencyMs, requests }: LoadReport): string {
  const rows = Object.entries(perPod).map(([pod, many]) => {
    const own = perPodLatencyMs[pod];
    const share = `${((many / requests) * 100).toFixed(1)} %`;
    return [pod, count(many), share, ...[own?.p50, own?.p95, own?.p99].map((value) => `${value ?? ''}`)];
  });
  if (rows.length === 0) return '';
  return table('Pods', ['Pod', 'Requests', 'Share', 'p50 ms', 'p95 ms', 'p99 ms'], rows);
}

/** What a pod's ordinary life consists of: of no interest unless somebody looks for it. */
const ORDINARY = new Set([
  'Scheduled',
  'Pulled',
  'Pulling',
  'Created',
  'Started',
  'SuccessfulCreate',
  'SuccessfulDelete',
]);
const MAX_OPEN = 40;

export function eventTable(events: readonly ClusterEvent[]): string {
  const [notable, ordinary] = [[] as ClusterEvent[], [] as ClusterEvent[]];
  for (const event of events) (ORDINARY.has(event.reason) ? ordinary : notable).push(event);
  return (
    folded('Events of the cluster', notable, notable.length <= MAX_OPEN) + folded('Ordinary events', ordinary, false)
  );
}

function folded(title: string, events: readonly ClusterEvent[], open: boolean): string {
  if (events.length === 0) return '';
  const rows = events.map(({ at, type, reason, object, namespace, message }) => [
    at.toFixed(1),
    type,
    reason,
    `${namespace}/${object.slice(object.indexOf('/') + 1)}`,
    message,
  ]);
  const columns = ['Second', 'Type', 'Reason', 'Object', 'Message'];
  return `<details${open ? ' open' : ''}><summary>${escaped(title)}: ${count(events.length)}</summary>${table('', columns, rows)}</details>`;
}

function table(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = columns.map((column) => `<th>${escaped(column)}`).join('');
  const lines = rows.map((row) => `<tr>${row.map((cell) => `<td>${escaped(cell)}`).join('')}</tr>`);
  const heading = title === '' ? '' : `<h2>${escaped(title)}</h2>`;
  return `${heading}<table><tr>${head}</tr>${lines.join('')}</table>`;
}

function count(value: number): string {
  return value.toLocaleString('en');
}
