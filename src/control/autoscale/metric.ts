// One metric of an autoscaler: its source and target, what was measured, and what that asks for.
// Knows no API objects; texts are upstream's, its slips of order included, since people search for them.
import type { PodFacts, PodMetrics, ReadinessRules } from './pods.ts';
import { replicasByAverage, replicasByUtilization } from './replicas/by-pods.ts';
import { replicasByShare, replicasByValue } from './replicas/by-value.ts';
import type { Failed } from './requests.ts';
import type { Tolerances } from './tolerance.ts';

export interface Target {
  readonly type: string;
  /** Amounts in thousandths. */
  readonly value?: bigint | undefined;
  readonly averageValue?: bigint | undefined;
  /** Percent. */
  readonly averageUtilization?: number | undefined;
}

/** `selector`: as Go prints it. `name`: of the metric, or of the resource. */
export type Source =
  | { readonly type: 'Resource'; readonly name: string; readonly target: Target }
  | { readonly type: 'ContainerResource'; readonly name: string; readonly container: string; readonly target: Target }
  | { readonly type: 'Pods'; readonly name: string; readonly target: Target }
  | {
      readonly type: 'Object';
      readonly name: string;
      readonly selector: string;
      readonly object: { readonly kind: string; readonly name: string };
      readonly target: Target;
    }
  | { readonly type: 'External'; readonly name: string; readonly selector: string; readonly target: Target }
  | { readonly type: 'unknown'; readonly word: string };

/** What was measured, or why it was not. */
export type Signal =
  | { readonly kind: 'pods'; readonly metrics: PodMetrics }
  | { readonly kind: 'value'; readonly value: bigint }
  | { readonly kind: 'failed'; readonly message: string };

export interface Situation {
  readonly namespace: string;
  /** What the scale target asks for, and how many pods it says there are. */
  readonly specReplicas: number;
  readonly statusReplicas: number;
  readonly pods: readonly PodFacts[];
  readonly tolerances: Tolerances;
  readonly rules: ReadinessRules;
}

/** What is shown as the current state of the metric; amounts in thousandths. */
export interface Current {
  readonly value?: bigint;
  readonly averageValue?: bigint;
  readonly averageUtilization?: number;
}

export interface Proposal {
  readonly ok: true;
  readonly replicas: number;
  /** What asks for them, in the words of events. */
  readonly metric: string;
  readonly current: Current;
}

export interface Refusal {
  readonly ok: false;
  /** Of the event and of the condition, e.g. `FailedGetResourceMetric`. */
  readonly reason: string;
  /** Of the event and of the condition. */
  readonly message: string;
  /** The same with the metric before it, for the list of all. */
  readonly error: string;
}

/** Never throws: what is wrong with one metric must not take the others. */
export function evaluate(source: Source, signal: Signal, situation: Situation): Proposal | Refusal {
  switch (source.type) {
    case 'Resource':
      return resource(source, undefined, signal, situation);
    case 'ContainerResource':
      return resource(source, source.container, signal, situation);
    case 'Pods':
      return pods(source, signal, situation);
    case 'Object':
      return object(source, signal, situation);
    case 'External':
      return external(source, signal, situation);
    default: {
      const message = `unknown metric source type ${JSON.stringify(source.word)}`;
      return { ok: false, reason: 'InvalidMetricSourceType', message, error: message };
    }
  }
}

function resource(
  { name, target }: { readonly name: string; readonly target: Target },
  container: string | undefined,
  signal: Signal,
  situation: Situation,
): Proposal | Refusal {
  const reason = container === undefined ? 'FailedGetResourceMetric' : 'FailedGetContainerResourceMetric';
  const what = container === undefined ? `${name} resource metric` : `${container} container metric`;
  const refuse = (message: string): Refusal => ({
    ok: false,
    reason,
    message,
    error: `failed to get ${what} value: ${message}`,
  });
  const { averageValue, averageUtilization } = target;
  if (averageValue === undefined && averageUtilization === undefined) {
    return refuse(
      'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set',
    );
  }
  const kind = averageValue === undefined ? 'utilization' : 'usage';
  const fail = (message: string): Refusal => refuse(`failed to get ${name} ${kind}: ${message}`);
  if (signal.kind !== 'pods') return fail(`unable to get metrics for resource ${name}: ${whyNot(signal)}`);
  const question = questionOf(situation, signal.metrics, name);
  if (averageValue !== undefined) {
    const result = replicasByAverage(question, averageValue);
    if (!result.ok) return fail(result.message);
    const { replicas, average } = result;
    return { ok: true, replicas, metric: `${name} resource`, current: { averageValue: average } };
  }
  const result = replicasByUtilization(question, averageUtilization ?? 0, container);
  if (!result.ok) return fail(result.message);
  return {
    ok: true,
    replicas: result.replicas,
    metric: `${name} ${container === undefined ? '' : 'container '}resource utilization (percentage of request)`,
    current: { averageUtilization: result.utilization, averageValue: result.average },
  };
}

function pods(source: Source & { type: 'Pods' }, signal: Signal, situation: Situation): Proposal | Refusal {
  const { name, target } = source;
  const result: { readonly ok: true; readonly replicas: number; readonly average: bigint } | Failed =
    signal.kind === 'pods'
      ? replicasByAverage(questionOf(situation, signal.metrics, ''), target.averageValue ?? 0n)
      : { ok: false, message: `unable to get metric ${name}: ${whyNot(signal)}` };
  if (!result.ok) {
    const error = `failed to get pods metric value: ${result.message}`;
    return { ok: false, reason: 'FailedGetPodsMetric', message: result.message, error };
  }
  const { replicas, average } = result;
  return { ok: true, replicas, metric: `pods metric ${name}`, current: { averageValue: average } };
}

function object(source: Source & { type: 'Object' }, signal: Signal, situation: Situation): Proposal | Refusal {
  const { name, selector, object: described, target } = source;
  const refuse = (message: string, inner = message): Refusal => ({
    ok: false,
    reason: 'FailedGetObjectMetric',
    message,
    error: `failed to get object metric value: ${inner}`,
  });
  const { namespace, specReplicas, statusReplicas, tolerances } = situation;
  const unread = (): string =>
    `unable to get metric ${name}: ${described.kind} on ${namespace} ${described.name}/${whyNot(signal)}`;
  if (target.type === 'Value' && target.value !== undefined) {
    if (signal.kind !== 'value') return refuse(unread());
    const result = replicasByValue(signal.value, target.value, specReplicas, situation.pods, tolerances);
    if (!result.ok) return refuse(result.message);
    const { replicas, value } = result;
    return { ok: true, replicas, metric: `${described.kind} metric ${name}`, current: { value } };
  }
  if (target.type === 'AverageValue' && target.averageValue !== undefined) {
    if (signal.kind !== 'value') return refuse(unread(), `failed to get ${name} object metric: ${unread()}`);
    const { replicas, value } = replicasByShare(signal.value, target.averageValue, statusReplicas, tolerances);
    return { ok: true, replicas, metric: `external metric ${name}(${selector})`, current: { averageValue: value } };
  }
  return refuse('invalid object metric source: neither a value target nor an average value target was set');
}

function external(source: Source & { type: 'External' }, signal: Signal, situation: Situation): Proposal | Refusal {
  const { name, selector, target } = source;
  const refuse = (message: string, inner = message): Refusal => ({
    ok: false,
    reason: 'FailedGetExternalMetric',
    message,
    error: `failed to get ${name} external metric value: ${inner}`,
  });
  const { namespace, specReplicas, statusReplicas, tolerances } = situation;
  const metric = `external metric ${name}(${selector})`;
  const unread = (): string => `unable to get external metric ${namespace}/${name}/${selector}: ${whyNot(signal)}`;
  if (target.averageValue !== undefined) {
    if (signal.kind !== 'value') return refuse(unread(), `failed to get ${name} external metric: ${unread()}`);
    const { replicas, value } = replicasByShare(signal.value, target.averageValue, statusReplicas, tolerances);
    return { ok: true, replicas, metric, current: { averageValue: value } };
  }
  if (target.value !== undefined) {
    if (signal.kind !== 'value') return refuse(unread(), `failed to get external metric ${name}: ${unread()}`);
    const result = replicasByValue(signal.value, target.value, specReplicas, situation.pods, tolerances);
    if (!result.ok) return refuse(result.message, `failed to get external metric ${name}: ${result.message}`);
    const { replicas, value } = result;
    return { ok: true, replicas, metric, current: { value } };
  }
  return refuse('invalid external metric source: neither a value target nor an average value target was set');
}

function questionOf(
  { specReplicas, pods: all, tolerances, rules }: Situation,
  metrics: PodMetrics,
  name: string,
): Parameters<typeof replicasByAverage>[0] {
  return { current: specReplicas, pods: all, metrics, resource: name, tolerances, rules };
}

function whyNot(signal: Signal): string {
  return signal.kind === 'failed' ? signal.message : 'it was measured in another way';
}
