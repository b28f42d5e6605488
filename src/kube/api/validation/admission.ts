// Rules of ValidatingAdmissionPolicy and its bindings: what they match, and expressions that compile.
// Knows their own fields. Upstream source: pkg/apis/admissionregistration/validation/validation.go.
import type {
  MatchCondition,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Variable,
} from 'kubernetes-types/admissionregistration/v1.js';
import type { AdmissionRule, MatchSpec } from '../admission/match-rules.ts';
import { type Compiled, compilePolicy, type SharedPrograms } from '../admission/policy.ts';
import { formatType } from '../cel/index.ts';
import { oneOf } from './common.ts';
import { dnsSubdomain, qualifiedName } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const REASONS = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
const ACTIONS = ['Audit', 'Deny', 'Warn'];
const MOST_CONDITIONS = 64;

/** Complains unless the expression compiles and comes to one of these types. */
export function expectResult(
  compiled: Compiled,
  text: string,
  types: readonly string[],
  path: FieldPath,
  report: Report,
): void {
  if ('issue' in compiled) {
    report.invalid(path, text, `compilation failed: ${compiled.issue}`);
    return;
  }
  const name = formatType(compiled.result);
  // An empty list is a list of anything.
  if (name === 'dyn' || types.includes(name) || (name === 'list(dyn)' && types[0]?.startsWith('list('))) return;
  const wanted = types.length === 1 ? `must evaluate to ${types[0]}` : `must evaluate to one of [${types.join(' ')}]`;
  report.invalid(path, text, wanted);
}

export function validateRule(rule: AdmissionRule, path: FieldPath, report: Report): void {
  const check = (field: 'apiGroups' | 'apiVersions' | 'resources', needed: boolean): void => {
    const values = rule[field] ?? [];
    const here = child(path, field);
    if (values.length === 0 && needed) report.required(here);
    if (values.length > 1 && values.includes('*')) {
      report.invalid(
        here,
        values,
        "if '*' is present, must not specify other " +
          (field === 'apiGroups' ? 'API groups' : field === 'apiVersions' ? 'API versions' : 'resources'),
      );
    }
    for (const [index, value] of values.entries())
      if (value === '' && field !== 'apiGroups') report.required(at(here, index));
  };
  check('apiGroups', true);
  check('apiVersions', true);
  check('resources', true);
  const operations = rule.operations ?? [];
  if (operations.length === 0) report.required(child(path, 'operations'));
  if (operations.length > 1 && operations.includes('*')) {
    report.invalid(child(path, 'operations'), operations, "if '*' is present, must not specify other operations");
  }
  for (const [index, operation] of operations.entries()) {
    if (!OPERATIONS.includes(operation))
      report.notSupported(at(child(path, 'operations'), index), operation, OPERATIONS);
  }
  oneOf(rule.scope, ['*', 'Cluster', 'Namespaced'], child(path, 'scope'), report, 'optional');
}

export function validateMatch(match: MatchSpec, path: FieldPath, report: Report): void {
  oneOf(match.matchPolicy, ['Equivalent', 'Exact'], child(path, 'matchPolicy'), report, 'optional');
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    for (const [index, rule] of (match[field] ?? []).entries())
      validateRule(rule, at(child(path, field), index), report);
  }
}

export function validateConditions(
  conditions: readonly MatchCondition[],
  path: FieldPath,
  report: Report,
  compile: (text: string, index: number) => Compiled,
): void {
  if (conditions.length > MOST_CONDITIONS) report.tooMany(path, conditions.length, MOST_CONDITIONS);
  const names = new Set<string>();
  for (const [index, { name = '', expression = '' }] of conditions.entries()) {
    const here = at(path, index);
    if (expression.trim() === '') report.required(child(here, 'expression'));
    else expectResult(compile(expression, index), expression, ['bool'], child(here, 'expression'), report);
    if (name === '') report.required(child(here, 'name'));
    else if (names.has(name)) report.duplicate(child(here, 'name'), name);
    else report.each(child(here, 'name'), name, qualifiedName(name));
    names.add(name);
  }
}

export function validateParamKind(kind: ParamKind | undefined, path: FieldPath, report: Report): void {
  if (kind === undefined) return;
  for (const field of ['apiVersion', 'kind'] as const) {
    if ((kind[field] ?? '') === '') report.required(child(path, field));
  }
}

export function validateConstraints(match: MatchSpec | undefined, path: FieldPath, report: Report): void {
  if (match === undefined) {
    report.required(path);
    return;
  }
  validateMatch(match, path, report);
  if ((match.resourceRules ?? []).length === 0) report.required(child(path, 'resourceRules'));
}

export function validateParamRef(paramRef: ParamRef | undefined, path: FieldPath, report: Report): void {
  if (paramRef === undefined) return;
  if ((paramRef.name ?? '') === '' && paramRef.selector === undefined) {
    report.required(path, 'one of name or selector must be specified');
  } else if ((paramRef.name ?? '') !== '' && paramRef.selector !== undefined) {
    report.forbidden(child(path, 'name'), 'name and selector are mutually exclusive');
  }
  oneOf(paramRef.parameterNotFoundAction, ['Allow', 'Deny'], child(path, 'parameterNotFoundAction'), report);
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function validateVariables(
  variables: readonly Variable[],
  compiled: SharedPrograms,
  path: FieldPath,
  report: Report,
): void {
  const names = new Set<string>();
  for (const [index, { name = '', expression = '' }] of variables.entries()) {
    const here = at(path, index);
    if (name === '') report.required(child(here, 'name'), 'name is not specified');
    else if (!IDENTIFIER.test(name)) report.invalid(child(here, 'name'), name, 'name is not a valid CEL identifier');
    if (names.has(name)) report.duplicate(here, name);
    names.add(name);
    const program = compiled.variables[index]?.program;
    if (expression.trim() === '') report.required(child(here, 'expression'), 'expression is not specified');
    else if (program !== undefined && 'issue' in program) {
      report.invalid(child(here, 'expression'), expression, `compilation failed: ${program.issue}`);
    }
  }
}

const policy = rulesFor<ValidatingAdmissionPolicy>({
  validate({ spec = {} }, report) {
    const path = 'spec';
    const compiled = compilePolicy(spec);
    oneOf(spec.failurePolicy, ['Fail', 'Ignore'], child(path, 'failurePolicy'), report, 'optional');
    validateParamKind(spec.paramKind, child(path, 'paramKind'), report);
    validateConstraints(spec.matchConstraints, child(path, 'matchConstraints'), report);
    validateConditions(
      spec.matchConditions ?? [],
      child(path, 'matchConditions'),
      report,
      (_, index) => compiled.conditions[index]?.program ?? { issue: '' },
    );
    validateVariables(spec.variables ?? [], compiled, child(path, 'variables'), report);
    if ((spec.validations ?? []).length === 0 && (spec.auditAnnotations ?? []).length === 0) {
      const text = 'validations or auditAnnotations must contain at least one item';
      report.required(child(path, 'validations'), text);
      report.required(child(path, 'auditAnnotations'), text);
    }
    for (const [index, check] of (spec.validations ?? []).entries()) {
      const here = at(child(path, 'validations'), index);
      const found = compiled.checks[index];
      const { expression = '', message = '', messageExpression = '', reason } = check;
      if (expression.trim() === '') report.required(child(here, 'expression'), 'expression is not specified');
      else if (found !== undefined)
        expectResult(found.program, expression, ['bool'], child(here, 'expression'), report);
      if (message !== '' && message.trim() === '') {
        report.invalid(child(here, 'message'), message, 'message must be non-empty if specified');
      } else if (/\n/.test(message.trim())) {
        report.invalid(child(here, 'message'), message, 'message must not contain line breaks');
      } else if (/\n/.test(expression.trim()) && message.trim() === '') {
        report.required(child(here, 'message'), 'message must be specified if expression contains line breaks');
      }
      if (found?.messageProgram !== undefined) {
        expectResult(found.messageProgram, messageExpression, ['string'], child(here, 'messageExpression'), report);
      }
      if (reason !== undefined && !REASONS.includes(reason))
        report.notSupported(child(here, 'reason'), reason, REASONS);
    }
    for (const [index, { key = '', valueExpression = '' }] of (spec.auditAnnotations ?? []).entries()) {
      const here = at(child(path, 'auditAnnotations'), index);
      if (key === '') report.required(child(here, 'key'));
      else report.each(child(here, 'key'), key, qualifiedName(key));
      const program = compiled.annotations[index]?.program;
      if (valueExpression.trim() === '')
        report.required(child(here, 'valueExpression'), 'valueExpression is not specified');
      else if (program !== undefined) {
        expectResult(program, valueExpression, ['string', 'null'], child(here, 'valueExpression'), report);
      }
    }
  },
});

const binding = rulesFor<ValidatingAdmissionPolicyBinding>({
  validate({ spec = {} as NonNullable<ValidatingAdmissionPolicyBinding['spec']> }, report) {
    const { policyName = '', paramRef, validationActions = [], matchResources } = spec as Partial<typeof spec>;
    if (policyName === '') report.required(child('spec', 'policyName'));
    else report.each(child('spec', 'policyName'), policyName, dnsSubdomain(policyName));
    validateParamRef(paramRef, child('spec', 'paramRef'), report);
    if (matchResources !== undefined) validateMatch(matchResources, child('spec', 'matchResources'), report);
    const path = child('spec', 'validationActions');
    if (validationActions.length === 0) report.required(path, 'at least one validation action is required');
    for (const [index, action] of validationActions.entries()) {
      if (!ACTIONS.includes(action)) report.notSupported(at(path, index), action, ACTIONS);
      if (validationActions.indexOf(action) < index) report.duplicate(at(path, index), action);
    }
    if (validationActions.includes('Deny') && validationActions.includes('Warn')) {
      const text =
        'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';
      report.invalid(path, validationActions, text);
    }
  },
});

export const admissionRules: Readonly<Record<string, KindRules>> = {
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': policy,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding': binding,
};
