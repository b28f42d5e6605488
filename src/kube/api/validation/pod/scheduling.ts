// Rules of where a pod may run: tolerations, affinity, spreading.
// Knows the terms, not the nodes. Upstream source: ValidateTolerations, validateAffinity and
// validateTopologySpreadConstraints in pkg/apis/core/validation.
import type {
  NodeSelectorTerm,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from 'kubernetes-types/core/v1.js';
import { oneOf, validateSelector } from '../common.ts';
import { labelValueText, qualifiedName } from '../names.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';

export function validateScheduling(spec: PodSpec, path: FieldPath, report: Report): void {
  for (const [index, toleration] of (spec.tolerations ?? []).entries()) {
    validateToleration(toleration, at(child(path, 'tolerations'), index), report);
  }
  for (const [index, constraint] of (spec.topologySpreadConstraints ?? []).entries()) {
    validateSpread(constraint, at(child(path, 'topologySpreadConstraints'), index), report);
  }
  validateAffinity(spec, child(path, 'affinity'), report);
}

function validateToleration(toleration: Toleration, path: FieldPath, report: Report): void {
  const { key = '', operator = '', value = '', effect, tolerationSeconds } = toleration;
  if (key !== '') report.each(child(path, 'key'), key, qualifiedName(key));
  if (key === '' && operator !== 'Exists') {
    report.invalid(
      child(path, 'operator'),
      operator,
      'operator must be Exists when `key` is empty, which means "match all values and all keys"',
    );
  }
  if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
    report.invalid(child(path, 'effect'), effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (operator === 'Equal' || operator === '') report.each(child(path, 'operator'), value, labelValueText(value));
  else if (operator === 'Exists') {
    if (value !== '') report.invalid(child(path, 'operator'), value, "value must be empty when `operator` is 'Exists'");
  } else report.notSupported(child(path, 'operator'), operator, ['Equal', 'Exists']);
  if (effect !== undefined && effect !== '') {
    oneOf(effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute'], child(path, 'effect'), report);
  }
}

function validateSpread(constraint: TopologySpreadConstraint, path: FieldPath, report: Report): void {
  if ((constraint.maxSkew ?? 0) <= 0)
    report.invalid(child(path, 'maxSkew'), constraint.maxSkew, 'must be greater than zero');
  if ((constraint.topologyKey ?? '') === '') report.required(child(path, 'topologyKey'), 'can not be empty');
  oneOf(constraint.whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway'], child(path, 'whenUnsatisfiable'), report);
  validateSelector(constraint.labelSelector, child(path, 'labelSelector'), report);
}

const [required, preferred] = [
  'requiredDuringSchedulingIgnoredDuringExecution',
  'preferredDuringSchedulingIgnoredDuringExecution',
] as const;

function validateAffinity(spec: PodSpec, path: FieldPath, report: Report): void {
  const node = spec.affinity?.nodeAffinity;
  const terms = node?.[required];
  const requiredPath = child(path, 'nodeAffinity', required);
  if (terms !== undefined && (terms.nodeSelectorTerms?.length ?? 0) === 0) {
    report.required(child(requiredPath, 'nodeSelectorTerms'), 'must have at least one node selector term');
  }
  for (const [index, term] of (terms?.nodeSelectorTerms ?? []).entries()) {
    validateNodeTerm(term, at(child(requiredPath, 'nodeSelectorTerms'), index), report);
  }
  for (const [index, { weight, preference }] of (node?.[preferred] ?? []).entries()) {
    const here = at(child(path, 'nodeAffinity', preferred), index);
    validateWeight(weight, child(here, 'weight'), report);
    if (preference !== undefined) validateNodeTerm(preference, child(here, 'preference'), report);
  }
  for (const name of ['podAffinity', 'podAntiAffinity'] as const) {
    const affinity = spec.affinity?.[name];
    for (const [index, term] of (affinity?.[required] ?? []).entries()) {
      validatePodTerm(term, at(child(path, name, required), index), report);
    }
    for (const [index, { weight, podAffinityTerm }] of (affinity?.[preferred] ?? []).entries()) {
      const here = at(child(path, name, preferred), index);
      validateWeight(weight, child(here, 'weight'), report);
      if (podAffinityTerm !== undefined) validatePodTerm(podAffinityTerm, child(here, 'podAffinityTerm'), report);
    }
  }
}

function validateWeight(weight: number | undefined, path: FieldPath, report: Report): void {
  if (weight === undefined || weight < 1 || weight > 100)
    report.invalid(path, weight ?? 0, 'must be in the range 1-100');
}

function validatePodTerm(term: PodAffinityTerm, path: FieldPath, report: Report): void {
  validateSelector(term.labelSelector, child(path, 'labelSelector'), report);
  if ((term.topologyKey ?? '') === '') report.required(child(path, 'topologyKey'), 'can not be empty');
  else report.each(child(path, 'topologyKey'), term.topologyKey, qualifiedName(term.topologyKey));
}

function validateNodeTerm(term: NodeSelectorTerm, path: FieldPath, report: Report): void {
  for (const [index, { key, operator, values = [] }] of (term.matchExpressions ?? []).entries()) {
    const here = at(child(path, 'matchExpressions'), index);
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (values.length === 0) {
          report.required(child(here, 'values'), "must be specified when `operator` is 'In' or 'NotIn'");
        }
        break;
      case 'Exists':
      case 'DoesNotExist':
        if (values.length > 0) {
          report.forbidden(child(here, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        break;
      case 'Gt':
      case 'Lt':
        if (values.length !== 1) {
          report.required(child(here, 'values'), "must be specified single value when `operator` is 'Lt' or 'Gt'");
        }
        break;
      default:
        report.invalid(child(here, 'operator'), operator, 'not a valid selector operator');
    }
    report.each(child(here, 'key'), key, qualifiedName(key ?? ''));
  }
}
