// Pods and autoscalers of the API in the terms of the mathematics: wall times, and exact thousandths.
// Pure; knows both sides and decides nothing.
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricSpec,
  MetricTarget,
} from 'kubernetes-types/autoscaling/v2.js';
import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import type { Autoscaler, Behavior, PodFacts, Requests, Source, Target } from '#control/autoscale/index.ts';
import { parseQuantity } from '#kube/api/quantity.ts';
import { podCondition } from '../common/pods.ts';
import { podRequests } from '../scheduler/state/requests.ts';
import { goSelector } from './go-text.ts';

/** Thousandths, rounded up as upstream does. */
export function milliOf(text: string): bigint {
  return BigInt(parseQuantity(text).milli());
}

export function podFacts(pod: Pod): PodFacts {
  const { metadata, spec, status } = pod;
  const ready = podCondition(pod, 'Ready');
  return {
    name: metadata?.name ?? '',
    phase: status?.phase ?? '',
    deleting: metadata?.deletionTimestamp !== undefined,
    startedAt: status?.startTime === undefined ? undefined : Date.parse(status.startTime),
    ready: ready && { status: ready.status, since: Date.parse(ready.lastTransitionTime ?? '') || 0 },
    containers: [
      ...(spec?.containers ?? []),
      ...(spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
    ].map((container) => ({ name: container.name, requests: requestsOf(container) })),
    podRequests: wholePod(pod),
  };
}

function requestsOf({ resources }: Container): Requests {
  const entries = Object.entries(resources?.requests ?? {});
  return Object.fromEntries(entries.map(([name, text]) => [name, milliOf(String(text))]));
}

/** Only of pods that request something as a whole; what they leave open is the sum of their containers. */
function wholePod(pod: Pod): Requests | undefined {
  const { resources } = (pod.spec ?? {}) as { resources?: Container['resources'] };
  const named = Object.keys(resources?.requests ?? {});
  if (!named.some((name) => name === 'cpu' || name === 'memory' || name.startsWith('hugepages-'))) return undefined;
  const entries = Object.entries(podRequests(pod));
  return Object.fromEntries(
    entries.map(([name, amount]) => [name, BigInt(Math.ceil(name === 'cpu' ? amount : amount * 1000))]),
  );
}

export function autoscalerOf({ spec, status }: HorizontalPodAutoscaler): Autoscaler {
  const { minReplicas = 1, maxReplicas = 1, metrics = [], behavior } = spec ?? {};
  const zero = status?.conditions?.find(({ type }) => type === 'ScaledToZero');
  return {
    minReplicas,
    maxReplicas,
    behavior: behavior && behaviorOf(behavior),
    seesWithoutPods: metrics.some(({ type }) => type === 'Object' || type === 'External'),
    scaledToZero: zero?.status === 'True',
  };
}

function behaviorOf({ scaleUp, scaleDown }: { scaleUp?: HPAScalingRules; scaleDown?: HPAScalingRules }): Behavior {
  const rules = (from: HPAScalingRules & { tolerance?: string }): NonNullable<Behavior['scaleUp']> => ({
    ...from,
    tolerance: from.tolerance === undefined ? undefined : parseQuantity(from.tolerance).toNumber(),
  });
  return { scaleUp: scaleUp && rules(scaleUp), scaleDown: scaleDown && rules(scaleDown) };
}

export function sourceOf(metric: MetricSpec): Source {
  const { type, resource, containerResource, pods, object, external } = metric;
  if (type === 'Resource' && resource !== undefined) {
    return { type, name: resource.name, target: targetOf(resource.target) };
  }
  if (type === 'ContainerResource' && containerResource !== undefined) {
    const { name, container, target } = containerResource;
    return { type, name, container, target: targetOf(target) };
  }
  if (type === 'Pods' && pods !== undefined) {
    return { type, name: pods.metric.name, target: targetOf(pods.target) };
  }
  if (type === 'Object' && object !== undefined) {
    const { kind, name } = object.describedObject;
    const selector = goSelector(object.metric.selector);
    return { type, name: object.metric.name, selector, object: { kind, name }, target: targetOf(object.target) };
  }
  if (type === 'External' && external !== undefined) {
    const { name, selector } = external.metric;
    return { type, name, selector: goSelector(selector), target: targetOf(external.target) };
  }
  return { type: 'unknown', word: type };
}

function targetOf({ type, value, averageValue, averageUtilization }: MetricTarget): Target {
  return {
    type,
    value: value === undefined ? undefined : milliOf(value),
    averageValue: averageValue === undefined ? undefined : milliOf(averageValue),
    averageUtilization,
  };
}

export type TargetRef = CrossVersionObjectReference;
