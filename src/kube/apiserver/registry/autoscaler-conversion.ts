// HorizontalPodAutoscalers in the older form, autoscaling/v1: one CPU target in the spec, all else in annotations.
// Knows the two forms and nothing else. (Upstream: pkg/apis/autoscaling/v1/conversion.go.)
import { applyDefaults } from '#kube/api/defaulting/index.ts';
import { type AnyObject, deepFreeze, dig, digArray, digNumber, type Fields, isFields } from './any-object.ts';
import { behaviorFromText, behaviorText, metricsFromText, metricsText } from './autoscaler-annotations.ts';

const PREFIX = 'autoscaling.alpha.kubernetes.io/';
const ANNOTATIONS = {
  metrics: `${PREFIX}metrics`,
  currentMetrics: `${PREFIX}current-metrics`,
  conditions: `${PREFIX}conditions`,
  behavior: `${PREFIX}behavior`,
} as const;

/** A metric that v1 has fields of its own for. */
const isCpu = (metric: unknown, amounts: 'target' | 'current'): boolean =>
  dig(metric, 'type') === 'Resource' &&
  dig(metric, 'resource', 'name') === 'cpu' &&
  dig(metric, 'resource', amounts, 'averageUtilization') !== undefined;

/** The stored form as autoscaling/v1 shows it. */
export function toOlder(stored: AnyObject): AnyObject {
  const { metrics = [], behavior, ...spec } = stored.spec ?? {};
  const { currentMetrics, conditions, ...status } = stored.status ?? {};
  const cpu = (metrics as unknown[]).find((metric) => isCpu(metric, 'target'));
  const others = (metrics as unknown[]).filter((metric) => metric !== cpu);
  const seen = Array.isArray(currentMetrics) ? currentMetrics : [];
  const cpuNow = seen.find((metric) => isCpu(metric, 'current'));
  const annotations = {
    ...stored.metadata?.annotations,
    ...(others.length === 0 ? {} : { [ANNOTATIONS.metrics]: metricsText(others, 'target') }),
    ...(seen.length === 0 ? {} : { [ANNOTATIONS.currentMetrics]: metricsText(seen, 'current') }),
    ...(Array.isArray(conditions) && conditions.length > 0
      ? { [ANNOTATIONS.conditions]: JSON.stringify(conditions) }
      : {}),
    ...(isFields(behavior) ? { [ANNOTATIONS.behavior]: behaviorText(behavior) } : {}),
  };
  const target = digNumber(cpu, 'resource', 'target', 'averageUtilization');
  const current = digNumber(cpuNow, 'resource', 'current', 'averageUtilization');
  return deepFreeze({
    ...stored,
    apiVersion: 'autoscaling/v1',
    metadata: { ...stored.metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: {
      ...status,
      currentReplicas: status.currentReplicas ?? 0,
      desiredReplicas: status.desiredReplicas ?? 0,
      ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
    },
  });
}

/** An object of autoscaling/v1 as it is stored; annotations that cannot be read are as if they were not there. */
export function toStored(older: AnyObject): AnyObject {
  const { targetCPUUtilizationPercentage: cpu, ...spec } = older.spec ?? {};
  const { currentCPUUtilizationPercentage: _, ...status } = older.status ?? {};
  const { annotations = {} } = older.metadata ?? {};
  const behavior = behaviorFromText(annotations[ANNOTATIONS.behavior]);
  const conditions = listFrom(annotations[ANNOTATIONS.conditions]);
  const metrics = [
    ...(cpu === undefined ? [] : [cpuMetric(cpu)]),
    ...metricsFromText(annotations[ANNOTATIONS.metrics], 'target'),
  ];
  const own = new Set<string>(Object.values(ANNOTATIONS));
  const kept = Object.entries(annotations).filter(([name]) => !own.has(name));
  const { annotations: _gone, ...metadata } = older.metadata ?? {};
  const stored: AnyObject = structuredClone({
    ...older,
    apiVersion: 'autoscaling/v2',
    metadata: { ...metadata, ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }) },
    spec: { ...spec, metrics, ...(behavior === undefined ? {} : { behavior }) },
    status: {
      ...status,
      currentMetrics: metricsFromText(annotations[ANNOTATIONS.currentMetrics], 'current'),
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  });
  applyDefaults(stored);
  return stored;
}

const cpuMetric = (averageUtilization: unknown): Fields => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

function listFrom(text: string | undefined): readonly unknown[] {
  try {
    return digArray({ all: JSON.parse(text ?? '[]') }, 'all');
  } catch {
    // Upstream refuses to convert; here the object stays readable and the annotation has no effect.
    return [];
  }
}
