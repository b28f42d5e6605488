// Rules of what a Job does about failed pods, and of when it has succeeded.
// Knows the spec of a Job only. Upstream source: pkg/apis/batch/validation.
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from 'kubernetes-types/batch/v1.js';
import { notNegative } from '../common.ts';
import { byteLength, qualifiedName } from '../names.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';
import { countIndexes } from './indexes.ts';

const most = { rules: 20, exitCodes: 255, patterns: 20, indexesBytes: 64 * 1024 } as const;
const actions = ['Count', 'FailIndex', 'FailJob', 'Ignore'];
const operators = ['In', 'NotIn'];
const statuses = ['False', 'True', 'Unknown'];

/** A text out of a closed list, where upstream tells the list also to who left it out. */
function oneOfThese(value: string | undefined, supported: readonly string[], path: FieldPath, report: Report): void {
  if ((value ?? '') === '') report.required(path, `valid values: [${supported.map((text) => `"${text}"`).join(' ')}]`);
  else if (!supported.includes(value ?? '')) report.notSupported(path, value, supported);
}

export function validateFailurePolicy(spec: JobSpec, path: FieldPath, report: Report): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const rulesPath = child(path, 'rules');
  if (rules.length > most.rules) report.tooMany(rulesPath, rules.length, most.rules);
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  for (const [index, rule] of rules.entries()) validateFailureRule(spec, rule, names, at(rulesPath, index), report);
}

function validateFailureRule(
  spec: JobSpec,
  { action, onExitCodes, onPodConditions = [] }: PodFailurePolicyRule,
  containers: ReadonlySet<string>,
  path: FieldPath,
  report: Report,
): void {
  const actionPath = child(path, 'action');
  if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
    report.invalid(actionPath, action, 'requires the backoffLimitPerIndex to be set');
  oneOfThese(action, actions, actionPath, report);
  if (onExitCodes !== undefined) validateExitCodes(onExitCodes, containers, child(path, 'onExitCodes'), report);
  validateConditions(onPodConditions, child(path, 'onPodConditions'), report);
  const ways = Number(onExitCodes !== undefined) + Number(onPodConditions.length > 0);
  if (ways === 2) report.invalidAsWhole(path, 'specifying both OnExitCodes and OnPodConditions is not supported');
  if (ways === 0) report.invalidAsWhole(path, 'specifying one of OnExitCodes and OnPodConditions is required');
}

function validateExitCodes(
  { operator, containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement,
  containers: ReadonlySet<string>,
  path: FieldPath,
  report: Report,
): void {
  oneOfThese(operator, operators, child(path, 'operator'), report);
  if (containerName !== undefined && !containers.has(containerName)) {
    const text = 'must be one of the container or initContainer names in the pod template';
    report.invalid(child(path, 'containerName'), containerName, text);
  }
  const valuesPath = child(path, 'values');
  if (values.length === 0) report.invalid(valuesPath, values, 'at least one value is required');
  else if (values.length > most.exitCodes) report.tooMany(valuesPath, values.length, most.exitCodes);
  const seen = new Set<number>();
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0)
      report.invalid(at(valuesPath, index), value, 'must not be 0 for the In operator');
    if (seen.has(value)) report.duplicate(at(valuesPath, index), value);
    seen.add(value);
  }
  if (values.some((value, index) => index > 0 && (values[index - 1] ?? 0) > value))
    report.invalid(valuesPath, values, 'must be ordered');
}

function validateConditions(
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
  path: FieldPath,
  report: Report,
): void {
  if (patterns.length > most.patterns) report.tooMany(path, patterns.length, most.patterns);
  for (const [index, { type, status }] of patterns.entries()) {
    report.each(child(at(path, index), 'type'), type, qualifiedName(type ?? ''));
    oneOfThese(status, statuses, child(at(path, index), 'status'), report);
  }
}

/** For a Job with indexes; without, the policy as a whole is refused. */
export function validateSuccessPolicy(spec: JobSpec, path: FieldPath, report: Report): void {
  const rules = spec.successPolicy?.rules ?? [];
  const rulesPath = child(path, 'rules');
  if (rules.length === 0)
    report.required(rulesPath, 'at least one rules must be specified when the successPolicy is specified');
  if (rules.length > most.rules) report.tooMany(rulesPath, rules.length, most.rules);
  for (const [index, rule] of rules.entries())
    validateSuccessRule(rule, spec.completions, at(rulesPath, index), report);
}

function validateSuccessRule(
  { succeededCount, succeededIndexes }: SuccessPolicyRule,
  completions: number | undefined,
  path: FieldPath,
  report: Report,
): void {
  if (succeededCount === undefined && succeededIndexes === undefined)
    report.required(path, 'at least one of succeededCount or succeededIndexes must be specified');
  // That they are missing is told elsewhere, and nothing can be compared with them.
  if (completions === undefined) return;
  let total = 0;
  if (succeededIndexes !== undefined) {
    const here = child(path, 'succeededIndexes');
    if (byteLength(succeededIndexes) > most.indexesBytes) report.tooLong(here, most.indexesBytes);
    const counted = countIndexes(succeededIndexes, completions);
    if (typeof counted === 'number') total = counted;
    else report.invalid(here, succeededIndexes, `error parsing succeededIndexes: ${counted.error}`);
  }
  if (succeededCount === undefined) return;
  const here = child(path, 'succeededCount');
  const atMost = (limit: number, what: string): void => {
    if (succeededCount > limit)
      report.invalid(here, succeededCount, `must be less than or equal to ${limit} (the number of ${what})`);
  };
  notNegative(succeededCount, here, report);
  atMost(completions, 'specified completions');
  if (succeededIndexes !== undefined) atMost(total, 'indexes in the specified succeededIndexes field');
}
