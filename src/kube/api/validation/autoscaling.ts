// Rules of HorizontalPodAutoscalers and PodDisruptionBudgets.
// Knows shapes and bounds, not metrics. Upstream source: pkg/apis/autoscaling/validation, pkg/apis/policy/validation.
import type {
  HorizontalPodAutoscaler,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from 'kubernetes-types/autoscaling/v2.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { parseQuantity } from '../quantity.ts';
import { notAboveHundredPercent, oneOf, validateIntOrPercent, validateSelector } from './common.ts';
import { pathSegment } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const maxWindowSeconds = 3600;
const maxPeriodSeconds = 1800;
const metricTypes = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
const bodyOf: Readonly<Record<string, 'containerResource' | 'external' | 'object' | 'pods' | 'resource'>> = {
  ContainerResource: 'containerResource',
  External: 'external',
  Object: 'object',
  Pods: 'pods',
  Resource: 'resource',
};

const autoscaler = rulesFor<HorizontalPodAutoscaler>({
  validate({ spec }, report) {
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    const { minReplicas, maxReplicas = 0 } = spec;
    if (minReplicas !== undefined && minReplicas < 0) {
      report.invalid(child('spec', 'minReplicas'), minReplicas, 'must be greater than or equal to 0');
    }
    if (maxReplicas < 1) report.invalid(child('spec', 'maxReplicas'), maxReplicas, 'must be greater than 0');
    if (minReplicas !== undefined && maxReplicas < minReplicas) {
      report.invalid(child('spec', 'maxReplicas'), maxReplicas, 'must be greater than or equal to `minReplicas`');
    }
    for (const field of ['kind', 'name'] as const) {
      const text = spec.scaleTargetRef?.[field] ?? '';
      const path = child('spec', 'scaleTargetRef', field);
      if (text === '') report.required(path);
      else report.each(path, text, pathSegment(text));
    }
    for (const [index, metric] of (spec.metrics ?? []).entries()) {
      validateMetric(metric, at(child('spec', 'metrics'), index), report);
    }
    const seesWithoutPods = spec.metrics?.some(({ type }) => type === 'Object' || type === 'External') === true;
    if (minReplicas === 0 && !seesWithoutPods) {
      report.forbidden(
        child('spec', 'metrics'),
        'must specify at least one Object or External metric to support scaling to zero replicas',
      );
    }
    for (const direction of ['scaleUp', 'scaleDown'] as const) {
      const rules = spec.behavior?.[direction];
      if (rules !== undefined) validateScaling(rules, child('spec', 'behavior', direction), report);
    }
  },
});

function validateMetric(metric: MetricSpec, path: FieldPath, report: Report): void {
  if ((metric.type ?? '') === '') {
    report.required(child(path, 'type'), 'must specify a metric source type');
    return;
  }
  const body = bodyOf[metric.type];
  if (body === undefined) {
    report.notSupported(child(path, 'type'), metric.type, metricTypes);
    return;
  }
  for (const other of Object.values(bodyOf)) {
    if (other !== body && metric[other] !== undefined) {
      report.forbidden(child(path, other), `must populate the given metric source only`);
    }
  }
  const here = child(path, body);
  const { resource, containerResource, pods, object, external } = metric;
  if (metric[body] === undefined) {
    report.required(here, 'must populate information for the given metric source');
  } else if (body === 'resource' || body === 'containerResource') {
    const source = body === 'resource' ? resource : containerResource;
    if ((source?.name ?? '') === '') report.required(child(here, 'name'), 'must specify a resource name');
    if (body === 'containerResource' && (containerResource?.container ?? '') === '') {
      report.required(child(here, 'container'), 'must specify a container');
    }
    validateTarget(source?.target, child(here, 'target'), report);
    const { averageUtilization, averageValue } = source?.target ?? {};
    if (averageUtilization === undefined && averageValue === undefined) {
      report.required(
        child(here, 'target', 'averageUtilization'),
        'must set either a target raw value or a target utilization',
      );
    } else if (averageUtilization !== undefined && averageValue !== undefined) {
      report.forbidden(
        child(here, 'target', 'averageValue'),
        'may not set both a target raw value and a target utilization',
      );
    }
  } else {
    const source = pods ?? object ?? external;
    validateIdentifier(source?.metric, child(here, 'metric'), report);
    validateTarget(source?.target, child(here, 'target'), report);
    const { value, averageValue } = source?.target ?? {};
    if (body === 'pods') {
      if (averageValue === undefined) {
        report.required(child(here, 'target', 'averageValue'), 'must specify a positive target averageValue');
      }
    } else if (value === undefined && averageValue === undefined) {
      report.required(
        child(here, 'target', 'averageValue'),
        'must set either a target value for metric or a per-pod target',
      );
    }
  }
}

function validateIdentifier(metric: MetricIdentifier | undefined, path: FieldPath, report: Report): void {
  if ((metric?.name ?? '') === '') report.required(child(path, 'name'), 'must specify a metric name');
  else report.each(child(path, 'name'), metric?.name, pathSegment(metric?.name ?? ''));
  if (metric?.selector !== undefined) validateSelector(metric.selector, child(path, 'selector'), report);
}

function validateTarget(target: MetricTarget | undefined, path: FieldPath, report: Report): void {
  if ((target?.type ?? '') === '') report.required(child(path, 'type'), 'must specify a metric target type');
  else if (!['Utilization', 'Value', 'AverageValue'].includes(target?.type ?? '')) {
    report.invalid(child(path, 'type'), target?.type, 'must be either Utilization, Value, or AverageValue');
  }
  for (const field of ['value', 'averageValue'] as const) {
    const text = target?.[field];
    if (text !== undefined && !isPositive(text)) report.invalid(child(path, field), text, 'must be positive');
  }
  const utilization = target?.averageUtilization;
  if (utilization !== undefined && utilization < 1) {
    report.invalid(child(path, 'averageUtilization'), utilization, 'must be greater than 0');
  }
}

function isPositive(text: string): boolean {
  try {
    return parseQuantity(text).milli() > 0;
  } catch {
    // What is no quantity has been refused by the structural check, with a better text than this one could give.
    return true;
  }
}

function isNegative(text: string): boolean {
  try {
    return parseQuantity(text).nanos < 0n;
  } catch {
    // As above.
    return false;
  }
}

function validateScaling(rules: HPAScalingRules, path: FieldPath, report: Report): void {
  const window = rules.stabilizationWindowSeconds;
  if (window !== undefined && window < 0) {
    report.invalid(child(path, 'stabilizationWindowSeconds'), window, 'must be greater than or equal to zero');
  } else if (window !== undefined && window > maxWindowSeconds) {
    report.invalid(
      child(path, 'stabilizationWindowSeconds'),
      window,
      `must be less than or equal to ${maxWindowSeconds}`,
    );
  }
  const { tolerance } = rules as { tolerance?: string };
  if (tolerance !== undefined && isNegative(tolerance)) {
    report.invalid(child(path, 'tolerance'), tolerance, 'must be greater or equal to zero');
  }
  oneOf(rules.selectPolicy, ['Disabled', 'Max', 'Min'], child(path, 'selectPolicy'), report, 'optional');
  if ((rules.policies?.length ?? 0) === 0) report.required(child(path, 'policies'), 'must specify at least one Policy');
  for (const [index, { type, value, periodSeconds }] of (rules.policies ?? []).entries()) {
    const here = at(child(path, 'policies'), index);
    oneOf(type, ['Percent', 'Pods'], child(here, 'type'), report);
    if (value <= 0) report.invalid(child(here, 'value'), value, 'must be greater than zero');
    if (periodSeconds <= 0) report.invalid(child(here, 'periodSeconds'), periodSeconds, 'must be greater than zero');
    if (periodSeconds > maxPeriodSeconds) {
      report.invalid(child(here, 'periodSeconds'), periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`);
    }
  }
}

const disruptionBudget = rulesFor<PodDisruptionBudget>({
  validate({ spec }, report) {
    if (spec?.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
      report.invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set');
    }
    for (const field of ['minAvailable', 'maxUnavailable'] as const) {
      validateIntOrPercent(spec?.[field], child('spec', field), report);
      notAboveHundredPercent(spec?.[field], child('spec', field), report);
    }
    validateSelector(spec?.selector, child('spec', 'selector'), report);
    oneOf(
      spec?.unhealthyPodEvictionPolicy,
      ['AlwaysAllow', 'IfHealthyBudget'],
      child('spec', 'unhealthyPodEvictionPolicy'),
      report,
      'optional',
    );
  },
});

export const autoscalingRules: Readonly<Record<string, KindRules>> = {
  'autoscaling/HorizontalPodAutoscaler': autoscaler,
  'policy/PodDisruptionBudget': disruptionBudget,
};
