// What the controllers of this process count: how long work waits and takes, what fails, and how the objects fare.
// Knows queues by their names and objects by the informers that others read as well.

import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Node, Pod } from 'kubernetes-types/core/v1.js';
import { observeAutoscalers } from '#control/controllers/hpa/observed.ts';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import { liveQueues, observeQueues } from '#kube/client/work-queue.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { MetricRecorder } from '#telemetry/recorder.ts';
import type { MetricDefinition } from '#telemetry/series.ts';

const metric = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
  maxSeries = 2000,
): MetricDefinition => ({ name: `evenkeel_${name}`, help, type, labels, maxSeries });

/** By the names that dashboards for kube-controller-manager know. */
const upstream = (
  name: string,
  type: MetricDefinition['type'],
  labels: readonly string[],
  help: string,
): MetricDefinition => ({
  ...metric(name, type, labels, help, 50),
  name: `horizontal_pod_autoscaler_controller_${name}`,
});

const RECONCILED = ['action', 'error'];
const COMPUTED = ['action', 'error', 'metric_type'];
const DEPLOYMENT = ['namespace', 'deployment'];
const AUTOSCALER = ['namespace', 'hpa'];

const definitions = {
  wait: metric(
    'workqueue_wait_duration_seconds',
    'histogram',
    ['queue'],
    'Time that a key waits in the queue of a controller before it is worked on; it grows when the controller is too slow.',
    100,
  ),
  work: metric(
    'workqueue_work_duration_seconds',
    'histogram',
    ['queue'],
    'Time that a controller works on one key, the answers of the API server included.',
    100,
  ),
  done: metric(
    'workqueue_reconciles_total',
    'counter',
    ['queue', 'outcome'],
    'Keys worked on: done, or failed and tried again later. Conflicts of writers are failures too, and harmless.',
    200,
  ),
  depth: metric('workqueue_depth', 'gauge', ['queue'], 'Keys that wait now.', 100),
  reconciliations: upstream(
    'reconciliations_total',
    'counter',
    RECONCILED,
    'Looks at autoscalers, by what came of them.',
  ),
  reconciling: upstream(
    'reconciliation_duration_seconds',
    'histogram',
    RECONCILED,
    'Time that a look at an autoscaler takes, with its metrics, the scale and the status.',
  ),
  computations: upstream(
    'metric_computation_total',
    'counter',
    COMPUTED,
    'Metrics of autoscalers that were read and computed, by what they asked for.',
  ),
  computing: upstream(
    'metric_computation_duration_seconds',
    'histogram',
    COMPUTED,
    'Time that a metric of an autoscaler takes to be read and computed.',
  ),
  nodes: metric(
    'nodes',
    'gauge',
    ['condition'],
    'Nodes by whether they are ready: ready, not_ready, or cordoned for those that are ready and take no new pods.',
    10,
  ),
  pods: metric('pods', 'gauge', ['phase'], 'Pods of the cluster by phase.', 10),
  wanted: metric('deployment_replicas', 'gauge', DEPLOYMENT, 'Pods that a Deployment should have.'),
  ready: metric('deployment_ready_replicas', 'gauge', DEPLOYMENT, 'Pods of a Deployment that are ready for traffic.'),
  current: metric('hpa_current_replicas', 'gauge', AUTOSCALER, 'Pods that a HorizontalPodAutoscaler counted last.'),
  desired: metric('hpa_desired_replicas', 'gauge', AUTOSCALER, 'Pods that a HorizontalPodAutoscaler wants.'),
  least: metric('hpa_min_replicas', 'gauge', AUTOSCALER, 'Its minReplicas.'),
  most: metric(
    'hpa_max_replicas',
    'gauge',
    AUTOSCALER,
    'Its maxReplicas; one that wants as many cannot follow a growing load any further.',
  ),
} as const satisfies Record<string, MetricDefinition>;

type Values = (readonly [readonly string[], number])[];

interface Objects {
  readonly deployments: Informer<Deployment & KubeObject>;
  readonly nodes: Informer<Node & KubeObject>;
  readonly pods: Informer<Pod & KubeObject>;
  readonly autoscalers: Informer<HorizontalPodAutoscaler & KubeObject>;
}

export class ControlMetrics {
  /** All series at their bounds together. */
  readonly #recorder = new MetricRecorder(definitions, 256 * 1024);
  readonly #objects: Objects | undefined;

  /** Without `informers` objects are not measured: nobody should watch them for that alone. */
  constructor(informers: Informers | undefined) {
    this.#objects = informers && {
      deployments: informers.of(builtin('Deployment')),
      nodes: informers.of(builtin('Node')),
      pods: informers.of(builtin('Pod')),
      autoscalers: informers.of(builtin('HorizontalPodAutoscaler')),
    };
    observeQueues({
      waited: (queue, ms) => this.#recorder.observe(definitions.wait, [queue], ms),
      worked: (queue, ms, failed) => {
        this.#recorder.observe(definitions.work, [queue], ms);
        this.#recorder.add(definitions.done, [queue, failed ? 'failed' : 'done']);
      },
    });
    observeAutoscalers({
      reconciled: (action, error, ms) => {
        this.#recorder.add(definitions.reconciliations, [action, error]);
        this.#recorder.observe(definitions.reconciling, [action, error], ms);
      },
      computed: (action, error, type, ms) => {
        this.#recorder.add(definitions.computations, [action, error, type]);
        this.#recorder.observe(definitions.computing, [action, error, type], ms);
      },
    });
  }

  stop(): void {
    observeQueues(undefined);
    observeAutoscalers(undefined);
  }

  /** Ends with a line break. */
  text(format: MetricFormat): string {
    const depths = new Map<string, number>();
    for (const { name, length } of liveQueues()) depths.set(name, (depths.get(name) ?? 0) + length);
    this.#recorder.replace(
      definitions.depth,
      [...depths].map(([name, length]) => [[name], length] as const),
    );
    if (this.#objects !== undefined) {
      this.#measureNodes(this.#objects);
      this.#measurePods(this.#objects);
      this.#measureDeployments(this.#objects);
      this.#measureAutoscalers(this.#objects);
    }
    return this.#recorder.text(format);
  }

  #measureNodes({ nodes }: Objects): void {
    const counts = { ready: 0, not_ready: 0, cordoned: 0 };
    for (const { spec, status } of nodes.list()) {
      const ready = status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
      counts[ready ? (spec?.unschedulable === true ? 'cordoned' : 'ready') : 'not_ready']++;
    }
    this.#recorder.replace(
      definitions.nodes,
      Object.entries(counts).map(([name, count]) => [[name], count] as const),
    );
  }

  #measurePods({ pods }: Objects): void {
    const counts: Record<string, number> = { Pending: 0, Running: 0, Succeeded: 0, Failed: 0 };
    for (const { status } of pods.list()) {
      const phase = status?.phase ?? 'Pending';
      counts[phase] = (counts[phase] ?? 0) + 1;
    }
    this.#recorder.replace(
      definitions.pods,
      Object.entries(counts).map(([name, count]) => [[name], count] as const),
    );
  }

  #measureDeployments({ deployments }: Objects): void {
    const wanted: Values = [];
    const ready: Values = [];
    for (const { metadata, spec, status } of deployments.list()) {
      const labels = [metadata?.namespace ?? '', metadata?.name ?? ''];
      wanted.push([labels, spec?.replicas ?? 1]);
      ready.push([labels, status?.readyReplicas ?? 0]);
    }
    this.#recorder.replace(definitions.wanted, wanted);
    this.#recorder.replace(definitions.ready, ready);
  }

  #measureAutoscalers({ autoscalers }: Objects): void {
    const values: Record<'current' | 'desired' | 'least' | 'most', Values> = {
      current: [],
      desired: [],
      least: [],
      most: [],
    };
    for (const { metadata, spec, status } of autoscalers.list()) {
      const labels = [metadata?.namespace ?? '', metadata?.name ?? ''];
      values.current.push([labels, status?.currentReplicas ?? 0]);
      values.desired.push([labels, status?.desiredReplicas ?? 0]);
      values.least.push([labels, spec?.minReplicas ?? 1]);
      values.most.push([labels, spec?.maxReplicas ?? 0]);
    }
    for (const [name, list] of Object.entries(values)) {
      this.#recorder.replace(definitions[name as keyof typeof values], list);
    }
  }
}
