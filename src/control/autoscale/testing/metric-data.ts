// What each kind of metric proposes or why it cannot, in upstream's words.
// Data only: source, signal -> proposal or refusal.
import type { Current, Signal, Source, Target } from '../metric.ts';

export interface MetricRow {
  readonly what: string;
  readonly source: Source;
  readonly signal: Signal | 'pods';
  /** In the form of pods.ts; default three ready pods at half of what they request. */
  readonly pods?: string;
  readonly specReplicas?: number;
  readonly statusReplicas?: number;
  readonly replicas?: number;
  readonly metric?: string;
  readonly current?: Current;
  readonly reason?: string;
  readonly message?: string;
  readonly error?: string;
}

const percent = (averageUtilization: number): Target => ({ type: 'Utilization', averageUtilization });
const average = (averageValue: bigint): Target => ({ type: 'AverageValue', averageValue });
const whole = (value: bigint): Target => ({ type: 'Value', value });
const cpu = (target: Target): Source => ({ type: 'Resource', name: 'cpu', target });
const container = (target: Target, name = 'main'): Source => ({
  type: 'ContainerResource',
  name: 'cpu',
  container: name,
  target,
});
const perPod = (target: Target): Source => ({ type: 'Pods', name: 'rps', target });
const ingress = { kind: 'Ingress', name: 'main' };
const ofObject = (target: Target): Source => ({
  type: 'Object',
  name: 'rps',
  selector: 'nil',
  object: ingress,
  target,
});
const outside = (target: Target, selector = 'nil'): Source => ({ type: 'External', name: 'queue', selector, target });
const value = (amount: bigint): Signal => ({ kind: 'value', value: amount });
const down: Signal = { kind: 'failed', message: 'no route' };
const notFor = 'unable to get metric rps: Ingress on shop main/no route';
const notOutside = 'unable to get external metric shop/queue/nil: no route';
const neither =
  'invalid resource metric source: neither an average utilization target nor an average value (usage) target was set';

export const metricRows: readonly MetricRow[] = [
  {
    what: 'a share of the requested CPU',
    source: cpu(percent(25)),
    signal: 'pods',
    replicas: 6,
    metric: 'cpu resource utilization (percentage of request)',
    current: { averageUtilization: 50, averageValue: 500n },
  },
  {
    what: 'CPU a pod',
    source: cpu(average(250n)),
    signal: 'pods',
    replicas: 6,
    metric: 'cpu resource',
    current: { averageValue: 500n },
  },
  {
    what: 'both targets: the amount counts',
    source: cpu({ type: 'AverageValue', averageValue: 250n, averageUtilization: 50 }),
    signal: 'pods',
    replicas: 6,
    metric: 'cpu resource',
    current: { averageValue: 500n },
  },
  {
    what: 'a share of what one container requests',
    source: container(percent(25)),
    signal: 'pods',
    replicas: 6,
    metric: 'cpu container resource utilization (percentage of request)',
    current: { averageUtilization: 50, averageValue: 500n },
  },
  {
    what: 'CPU of one container a pod',
    source: container(average(250n)),
    signal: 'pods',
    replicas: 6,
    metric: 'cpu resource',
    current: { averageValue: 500n },
  },
  {
    what: 'CPU cannot be measured',
    source: cpu(percent(50)),
    signal: down,
    reason: 'FailedGetResourceMetric',
    message: 'failed to get cpu utilization: unable to get metrics for resource cpu: no route',
    error:
      'failed to get cpu resource metric value: failed to get cpu utilization: unable to get metrics for resource cpu: no route',
  },
  {
    what: 'CPU a pod cannot be measured',
    source: cpu(average(50n)),
    signal: down,
    reason: 'FailedGetResourceMetric',
    message: 'failed to get cpu usage: unable to get metrics for resource cpu: no route',
    error:
      'failed to get cpu resource metric value: failed to get cpu usage: unable to get metrics for resource cpu: no route',
  },
  {
    what: 'CPU of a container cannot be measured',
    source: container(percent(50)),
    signal: down,
    reason: 'FailedGetContainerResourceMetric',
    message: 'failed to get cpu utilization: unable to get metrics for resource cpu: no route',
    error:
      'failed to get main container metric value: failed to get cpu utilization: unable to get metrics for resource cpu: no route',
  },
  {
    what: 'a container without a request',
    source: cpu(percent(50)),
    signal: 'pods',
    pods: '500',
    reason: 'FailedGetResourceMetric',
    message: 'failed to get cpu utilization: missing request for cpu in container main of Pod pod-0',
    error:
      'failed to get cpu resource metric value: failed to get cpu utilization: missing request for cpu in container main of Pod pod-0',
  },
  {
    what: 'no such container',
    source: container(percent(50), 'proxy'),
    signal: 'pods',
    reason: 'FailedGetContainerResourceMetric',
    message: 'failed to get cpu utilization: container proxy not found in Pod pod-0',
    error:
      'failed to get proxy container metric value: failed to get cpu utilization: container proxy not found in Pod pod-0',
  },
  {
    what: 'no pods',
    source: cpu(average(50n)),
    signal: 'pods',
    pods: '',
    reason: 'FailedGetResourceMetric',
    message: 'failed to get cpu usage: no pods returned by selector while calculating replica count',
    error:
      'failed to get cpu resource metric value: failed to get cpu usage: no pods returned by selector while calculating replica count',
  },
  {
    what: 'a resource without any target',
    source: cpu({ type: 'Value', value: 5n }),
    signal: 'pods',
    reason: 'FailedGetResourceMetric',
    message: neither,
    error: `failed to get cpu resource metric value: ${neither}`,
  },
  {
    what: 'a figure of each pod',
    source: perPod(average(250n)),
    signal: 'pods',
    replicas: 6,
    metric: 'pods metric rps',
    current: { averageValue: 500n },
  },
  {
    what: 'a figure of each pod cannot be had',
    source: perPod(average(250n)),
    signal: down,
    reason: 'FailedGetPodsMetric',
    message: 'unable to get metric rps: no route',
    error: 'failed to get pods metric value: unable to get metric rps: no route',
  },
  {
    what: 'a figure of each pod, and there are none',
    source: perPod(average(250n)),
    signal: 'pods',
    pods: '',
    reason: 'FailedGetPodsMetric',
    message: 'no pods returned by selector while calculating replica count',
    error: 'failed to get pods metric value: no pods returned by selector while calculating replica count',
  },
  {
    what: 'a figure of an object',
    source: ofObject(whole(1000n)),
    signal: value(2000n),
    replicas: 6,
    metric: 'Ingress metric rps',
    current: { value: 2000n },
  },
  {
    what: 'a figure of an object, shared by its pods',
    source: ofObject(average(1000n)),
    signal: value(6000n),
    replicas: 6,
    metric: 'external metric rps(nil)',
    current: { averageValue: 2000n },
  },
  {
    what: 'a figure of an object, shared by the pods that there are',
    source: ofObject(average(1000n)),
    signal: value(6000n),
    statusReplicas: 6,
    replicas: 6,
    metric: 'external metric rps(nil)',
    current: { averageValue: 1000n },
  },
  {
    what: 'a figure of an object, from nothing',
    source: ofObject(whole(1000n)),
    signal: value(1n),
    specReplicas: 0,
    statusReplicas: 0,
    pods: '',
    replicas: 1,
    metric: 'Ingress metric rps',
    current: { value: 1n },
  },
  {
    what: 'a figure of an object cannot be had',
    source: ofObject(whole(1000n)),
    signal: down,
    reason: 'FailedGetObjectMetric',
    message: notFor,
    error: `failed to get object metric value: ${notFor}`,
  },
  {
    what: "a share of an object's figure cannot be had",
    source: ofObject(average(1000n)),
    signal: down,
    reason: 'FailedGetObjectMetric',
    message: notFor,
    error: `failed to get object metric value: failed to get rps object metric: ${notFor}`,
  },
  {
    what: "the type of an object's target says one thing, its fields another",
    source: ofObject({ type: 'Value', averageValue: 5n }),
    signal: value(5n),
    reason: 'FailedGetObjectMetric',
    message: 'invalid object metric source: neither a value target nor an average value target was set',
    error:
      'failed to get object metric value: invalid object metric source: neither a value target nor an average value target was set',
  },
  {
    what: 'a figure of an object whose pods are gone',
    source: ofObject(whole(1000n)),
    signal: value(5000n),
    pods: '',
    reason: 'FailedGetObjectMetric',
    message: 'unable to calculate ready pods: no pods returned by selector while calculating replica count',
    error:
      'failed to get object metric value: unable to calculate ready pods: no pods returned by selector while calculating replica count',
  },
  {
    what: 'something outside',
    source: outside(whole(1000n)),
    signal: value(2000n),
    replicas: 6,
    metric: 'external metric queue(nil)',
    current: { value: 2000n },
  },
  {
    what: 'something outside, narrowed down',
    source: outside(
      average(1000n),
      '&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},}',
    ),
    signal: value(6000n),
    replicas: 6,
    metric:
      'external metric queue(&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},})',
    current: { averageValue: 2000n },
  },
  {
    what: 'something outside cannot be had',
    source: outside(whole(1000n)),
    signal: down,
    reason: 'FailedGetExternalMetric',
    message: notOutside,
    error: `failed to get queue external metric value: failed to get external metric queue: ${notOutside}`,
  },
  {
    what: 'a share of something outside cannot be had',
    source: outside(average(1000n)),
    signal: down,
    reason: 'FailedGetExternalMetric',
    message: notOutside,
    error: `failed to get queue external metric value: failed to get queue external metric: ${notOutside}`,
  },
  {
    what: 'something outside without any target',
    source: outside({ type: 'Utilization', averageUtilization: 5 }),
    signal: value(5n),
    reason: 'FailedGetExternalMetric',
    message: 'invalid external metric source: neither a value target nor an average value target was set',
    error:
      'failed to get queue external metric value: invalid external metric source: neither a value target nor an average value target was set',
  },
  {
    what: 'a kind that nobody knows',
    source: { type: 'unknown', word: 'Weather' },
    signal: down,
    reason: 'InvalidMetricSourceType',
    message: 'unknown metric source type "Weather"',
    error: 'unknown metric source type "Weather"',
  },
];
