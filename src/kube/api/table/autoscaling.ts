// How HorizontalPodAutoscalers and PodDisruptionBudgets are printed.
// Knows columns and cells only. Upstream source: formatHPAMetrics in pkg/printers/internalversion/printers.go.
import type {
  HorizontalPodAutoscalerSpec as OlderSpec,
  HorizontalPodAutoscalerStatus as OlderStatus,
} from 'kubernetes-types/autoscaling/v1.js';
import type {
  HorizontalPodAutoscaler,
  MetricSpec,
  MetricStatus,
  MetricTarget,
  MetricValueStatus,
} from 'kubernetes-types/autoscaling/v2.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { ageColumn, column, nameColumn, nameOf, objectAge, type Printer, printer } from './printer.ts';

const integer = { type: 'integer' } as const;

const autoscaler = printer<HorizontalPodAutoscaler>(
  [
    nameColumn,
    column('Reference', 'What it scales'),
    column('Targets', 'Metrics: now/wanted'),
    column('MinPods', 'Least number of pods', integer),
    column('MaxPods', 'Greatest number of pods', integer),
    column('Replicas', 'Pods there are', integer),
    ageColumn,
  ],
  (object, now) => [
    nameOf(object),
    `${object.spec?.scaleTargetRef?.kind ?? ''}/${object.spec?.scaleTargetRef?.name ?? ''}`,
    targetsText(object),
    object.spec?.minReplicas ?? '<unset>',
    object.spec?.maxReplicas ?? 0,
    object.status?.currentReplicas ?? 0,
    objectAge(object, now),
  ],
);

/** In the older form CPU has a place of its own, and the other metrics are annotations. */
function targetsText({ apiVersion, spec, status }: HorizontalPodAutoscaler): string {
  if (apiVersion !== ('autoscaling/v1' as string))
    return metricsText(spec?.metrics ?? [], status?.currentMetrics ?? []);
  const { targetCPUUtilizationPercentage: target } = (spec ?? {}) as OlderSpec;
  const { currentCPUUtilizationPercentage: current } = (status ?? {}) as Partial<OlderStatus>;
  if (target === undefined) return '<none>';
  return `cpu: ${current === undefined ? '<unknown>' : `${current}%`}/${target}%`;
}

/** Two metrics are shown, the others counted. */
function metricsText(specs: readonly MetricSpec[], statuses: readonly MetricStatus[]): string {
  if (specs.length === 0) return '<none>';
  const texts = specs.slice(0, 2).map((spec, index) => metricText(spec, statuses[index]));
  const rest = specs.length - 2;
  return texts.join(', ') + (rest > 0 ? ` + ${rest} more...` : '');
}

function metricText(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case 'Resource':
      return `${spec.resource?.name}: ${valueText(spec.resource?.target, status?.resource?.current)}`;
    case 'ContainerResource':
      return `${spec.containerResource?.name}: ${valueText(spec.containerResource?.target, status?.containerResource?.current)}`;
    case 'Pods':
      return `${status?.pods?.current?.averageValue ?? '<unknown>'}/${spec.pods?.target?.averageValue}`;
    case 'Object':
      return averageText(spec.object?.target, status?.object?.current);
    case 'External':
      return averageText(spec.external?.target, status?.external?.current);
    default:
      return '<unknown type>';
  }
}

function valueText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? '<unknown>'}/${target.averageValue}`;
  const now = current?.averageUtilization === undefined ? '<unknown>' : `${current.averageUtilization}%`;
  return `${now}/${target?.averageUtilization === undefined ? '<auto>' : `${target.averageUtilization}%`}`;
}

function averageText(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) {
    return `${current?.averageValue ?? '<unknown>'}/${target.averageValue} (avg)`;
  }
  return `${current?.value ?? '<unknown>'}/${target?.value ?? '<unset>'}`;
}

const disruptionBudget = printer<PodDisruptionBudget>(
  [
    nameColumn,
    column('Min Available', 'Pods that must stay available'),
    column('Max Unavailable', 'Pods that may be unavailable'),
    column('Allowed Disruptions', 'Pods that may be evicted now', integer),
    ageColumn,
  ],
  (object, now) => [
    nameOf(object),
    `${object.spec?.minAvailable ?? 'N/A'}`,
    `${object.spec?.maxUnavailable ?? 'N/A'}`,
    object.status?.disruptionsAllowed ?? 0,
    objectAge(object, now),
  ],
);

export const autoscalingPrinters: Readonly<Record<string, Printer>> = {
  'autoscaling/HorizontalPodAutoscaler': autoscaler,
  'policy/PodDisruptionBudget': disruptionBudget,
};
