// The plots of a report as data: one time axis, and the lines that belong on it.
// Pure; what draws them knows only these shapes.
import type { ClusterEvent, ClusterHistory, WorkloadHistory } from '../cluster-watch.ts';
import type { LoadReport } from '../report.ts';
import type { Second } from '../timeline.ts';

export interface Line {
  readonly label: string;
  readonly color: string;
  /** One value for each moment of the plot; null where there is none. */
  readonly values: readonly (number | null)[];
  readonly dashed?: boolean;
  /** The value holds until the next one. */
  readonly stepped?: boolean;
  readonly filled?: boolean;
}

export interface Plot {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly unit: string;
  readonly logarithmic?: boolean;
  /** Seconds from the start of the run, rising. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** Moments to mark, the same in every plot. */
  readonly marks: readonly { readonly at: number; readonly bad: boolean }[];
  /** The end of the time axis, the same in every plot. */
  readonly until: number;
}

const COLORS = ['#2b6cb0', '#dd6b20', '#2f855a', '#805ad5', '#b7791f', '#319795', '#d53f8c', '#718096', '#9c4221'];
const RED = '#e53e3e';
const GREY = '#a0aec0';
/** Pods with a line of their own; the others are summed up. */
const MAX_PODS = 8;
/** What happens to pods all the time says little where a line is drawn for it. */
const MARKED = new Set(['SuccessfulRescale', 'ScalingReplicaSet', 'NodeNotReady', 'Killing']);

export function plotsOf(load: LoadReport, cluster: ClusterHistory | undefined): readonly Plot[] {
  const seconds = filledIn(load.timeline);
  const times = seconds.map(({ at }) => at);
  const until = Math.max(load.durationSeconds, times.at(-1) ?? 0);
  const marks = marksOf(cluster?.events ?? []);
  const axis = { times, until, marks };
  const of = (value: (second: Second) => number): (number | null)[] =>
    // What takes no time at all has no place on a logarithmic axis.
    seconds.map((second) => (second.requests === 0 ? null : Math.max(0.01, value(second))));
  const plots: Plot[] = [
    {
      ...axis,
      id: 'rate',
      title: 'Requests',
      about: 'a second, by when they were meant to leave',
      unit: '/s',
      lines: [
        { label: 'sent', color: COLORS[0] ?? '', values: seconds.map(({ requests }) => requests), filled: true },
        { label: 'failed', color: RED, values: seconds.map(({ failed }) => failed), filled: true },
      ],
    },
    {
      ...axis,
      id: 'latency',
      title: 'Latency',
      about: 'milliseconds from the intended start to the last byte; the scale is logarithmic',
      unit: ' ms',
      logarithmic: true,
      lines: [
        { label: 'p50', color: COLORS[2] ?? '', values: of(({ p50 }) => p50) },
        { label: 'p95', color: COLORS[4] ?? '', values: of(({ p95 }) => p95) },
        { label: 'p99', color: COLORS[1] ?? '', values: of(({ p99 }) => p99) },
        { label: 'max', color: GREY, values: of(({ max }) => max), dashed: true },
      ],
    },
  ];
  if (cluster !== undefined && cluster.workloads.length > 0) {
    plots.push({
      ...replicas(cluster.workloads, until),
      marks,
      until,
      id: 'replicas',
      title: 'Replicas',
      about: 'ready, and dashed those wanted',
      unit: '',
    });
  }
  if (Object.keys(load.perPod).length > 0) {
    plots.push({
      ...axis,
      id: 'pods',
      title: 'Who answered',
      about: 'share of each pod in the requests of a second',
      unit: ' %',
      lines: shares(load, seconds),
    });
  }
  return plots;
}

const NOTHING: Omit<Second, 'at'> = { requests: 0, failed: 0, p50: 0, p95: 0, p99: 0, max: 0, perPod: {}, errors: {} };

/** Seconds in which nothing was sent have a place on the axis as well. */
function filledIn(timeline: readonly Second[]): readonly Second[] {
  const known = new Map(timeline.map((second) => [second.at, second]));
  const last = timeline.at(-1)?.at ?? -1;
  return Array.from({ length: last + 1 }, (_, at) => known.get(at) ?? { at, ...NOTHING });
}

function marksOf(events: readonly ClusterEvent[]): Plot['marks'] {
  return events
    .filter(({ reason, type }) => MARKED.has(reason) || type === 'Warning')
    .map(({ at, type }) => ({ at, bad: type === 'Warning' }));
}

/** Workloads whose replicas never change are left out, unless that is so for all of them. */
function replicas(all: readonly WorkloadHistory[], until: number): Pick<Plot, 'times' | 'lines'> {
  const moving = all.filter(({ points }) => points.some(({ at }) => at > 0));
  const shown = moving.length > 0 ? moving : all;
  const times = [...new Set([0, until, ...shown.flatMap(({ points }) => points.map(({ at }) => Math.max(0, at)))])]
    .filter((at) => at <= until)
    .sort((a, b) => a - b);
  const lines = shown.flatMap(({ name, points }, i): Line[] => {
    const color = COLORS[i % COLORS.length] ?? '';
    const at = (moment: number) => points.findLast((point) => point.at <= moment);
    return [
      { label: name, color, values: times.map((moment) => at(moment)?.ready ?? null), stepped: true },
      {
        label: `${name}, wanted`,
        color,
        values: times.map((moment) => at(moment)?.wanted ?? null),
        stepped: true,
        dashed: true,
      },
    ];
  });
  return { times, lines };
}

function shares({ perPod }: LoadReport, seconds: readonly Second[]): readonly Line[] {
  const pods = Object.entries(perPod).sort(([, a], [, b]) => b - a);
  const own = pods.slice(0, MAX_PODS).map(([pod]) => pod);
  const rest = pods.slice(MAX_PODS).map(([pod]) => pod);
  const share = (second: Second, names: readonly string[]): number | null => {
    const known = Object.values(second.perPod).reduce((sum, count) => sum + count, 0);
    const count = names.reduce((sum, name) => sum + (second.perPod[name] ?? 0), 0);
    return known === 0 || count === 0 ? null : Math.round((count / known) * 1000) / 10;
  };
  const lines = own.map((pod, i) => ({
    label: pod,
    color: COLORS[i % COLORS.length] ?? '',
    values: seconds.map((second) => share(second, [pod])),
  }));
  if (rest.length === 0) return lines;
  return [
    ...lines,
    { label: `${rest.length} others`, color: GREY, values: seconds.map((second) => share(second, rest)) },
  ];
}
