// What the kubelet counts of its pods, for `/metrics`; what they use stands in `/metrics/resource`.
// Knows pods by their phase, and what happens to them by the reasons of events.
import type { MetricFormat } from '#telemetry/format.ts';
import { processMetrics } from '#telemetry/process-metrics.ts';
import { MetricRecorder } from '#telemetry/recorder.ts';
import type { MetricDefinition } from '#telemetry/series.ts';
import type { PodContainers } from './sampler.ts';

const metric = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
): MetricDefinition => ({ name: `evenkeel_kubelet_${name}`, help, type, labels, maxSeries: 200 });

const definitions = {
  info: metric('info', 'gauge', ['node'], 'Always 1; the node that this kubelet is of.'),
  pods: metric('pods', 'gauge', ['phase'], 'Pods of the node by phase: Pending, Running, Succeeded, Failed.'),
  ready: metric('ready_pods', 'gauge', [], 'Pods of the node that are ready for traffic.'),
  containers: metric('running_containers', 'gauge', [], 'Containers that run now.'),
  restarts: metric(
    'container_restarts',
    'gauge',
    [],
    'Restarts of all containers of the pods that are here now; it falls when a pod leaves.',
  ),
  events: metric(
    'pod_events_total',
    'counter',
    ['type', 'reason'],
    'What happened to pods, by type (Normal, Warning) and reason: Started, Killing, Unhealthy for failed probes, BackOff for a container that keeps ending.',
  ),
} as const satisfies Record<string, MetricDefinition>;

const PHASES = ['Pending', 'Running', 'Succeeded', 'Failed'];

export class KubeletMetrics {
  readonly #recorder = new MetricRecorder(definitions, 16 * 1024);

  readonly #more: ((format: MetricFormat) => string) | undefined;

  /** `more` prints metrics of others, each line ended. */
  constructor(nodeName: string, more?: (format: MetricFormat) => string) {
    this.#more = more;
    this.#recorder.set(definitions.info, [nodeName], 1);
  }

  happened(type: string, reason: string): void {
    this.#recorder.add(definitions.events, [type, reason]);
  }

  /** Ends with a line break. */
  text(pods: readonly PodContainers[], format: MetricFormat): string {
    const recorder = this.#recorder;
    for (const phase of PHASES) {
      const here = pods.filter(({ pod }) => (pod.status?.phase ?? 'Pending') === phase);
      recorder.set(definitions.pods, [phase], here.length);
    }
    const conditions = pods.flatMap(({ pod }) => pod.status?.conditions ?? []);
    const statuses = pods.flatMap(({ pod }) => pod.status?.containerStatuses ?? []);
    recorder.set(
      definitions.ready,
      [],
      conditions.filter(({ type, status }) => type === 'Ready' && status === 'True').length,
    );
    recorder.set(
      definitions.containers,
      [],
      sum(pods, ({ running }) => running.length),
    );
    recorder.set(
      definitions.restarts,
      [],
      sum(statuses, ({ restartCount }) => restartCount),
    );
    return `${recorder.text(format)}${this.#more?.(format) ?? ''}${processMetrics(format)}`;
  }
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0);
}
