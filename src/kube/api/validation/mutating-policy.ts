// Rules of MutatingAdmissionPolicy and its bindings: what they match, and mutations that compile.
// Knows their own fields. Upstream source: pkg/apis/admissionregistration/validation/validation.go.
import type { AdmissionRule } from '../admission/match-rules.ts';
import {
  type CompiledMutation,
  compileMutations,
  expressionOf,
  type MutatingAdmissionPolicy,
  type MutatingAdmissionPolicyBinding,
  type Mutation,
} from '../admission/mutating-policy.ts';
import {
  expectResult,
  validateConditions,
  validateConstraints,
  validateMatch,
  validateParamKind,
  validateParamRef,
  validateVariables,
} from './admission.ts';
import { oneOf } from './common.ts';
import { dnsSubdomain } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

/** What is deleted cannot be changed. */
const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'UPDATE'];
/** What each kind of patch has to come to, and the fields that go with it. */
const PATCHES = {
  ApplyConfiguration: { field: 'applyConfiguration', other: 'jsonPatch', result: 'Object' },
  JSONPatch: { field: 'jsonPatch', other: 'applyConfiguration', result: 'list(JSONPatch)' },
} as const;

function validateOperations(rules: readonly AdmissionRule[], path: FieldPath, report: Report): void {
  for (const { operations = [] } of rules) {
    for (const operation of operations) {
      if (!OPERATIONS.includes(operation)) report.notSupported(path, operation, OPERATIONS);
    }
  }
}

function validateMutation(
  mutation: Mutation,
  compiled: CompiledMutation | undefined,
  path: FieldPath,
  report: Report,
): void {
  const { patchType = '' } = mutation;
  if (patchType === '') {
    report.required(child(path, 'patchType'));
    return;
  }
  if (patchType !== 'ApplyConfiguration' && patchType !== 'JSONPatch') {
    report.notSupported(child(path, 'patchType'), patchType, Object.keys(PATCHES));
    return;
  }
  const { field, other, result } = PATCHES[patchType];
  const text = expressionOf(mutation);
  const here = child(path, field, 'expression');
  if (mutation[field] === undefined) {
    report.required(child(path, field), `must be specified when patchType is ${patchType}`);
  } else if (text === '') report.required(here);
  else if (compiled !== undefined) expectResult(compiled.program, text, [result], here, report);
  if (mutation[other] !== undefined) {
    report.invalid(child(path, other), `{${other}}`, `must not be specified when patchType is ${patchType}`);
  }
}

const policy = rulesFor<MutatingAdmissionPolicy>({
  validate({ spec = {} }, report) {
    const path = 'spec';
    const compiled = compileMutations(spec);
    oneOf(spec.failurePolicy, ['Fail', 'Ignore'], child(path, 'failurePolicy'), report, 'optional');
    validateParamKind(spec.paramKind, child(path, 'paramKind'), report);
    const constraints = child(path, 'matchConstraints');
    validateConstraints(spec.matchConstraints, constraints, report);
    validateOperations(
      spec.matchConstraints?.resourceRules ?? [],
      child(constraints, 'resourceRules', 'operations'),
      report,
    );
    validateConditions(
      spec.matchConditions ?? [],
      child(path, 'matchConditions'),
      report,
      (_, index) => compiled.conditions[index]?.program ?? { issue: '' },
    );
    validateVariables(spec.variables ?? [], compiled, child(path, 'variables'), report);
    const mutations = spec.mutations ?? [];
    if (mutations.length === 0) {
      report.required(child(path, 'mutations'), 'mutations must contain at least one item');
    }
    for (const [index, mutation] of mutations.entries()) {
      validateMutation(mutation, compiled.mutations[index], at(child(path, 'mutations'), index), report);
    }
    oneOf(spec.reinvocationPolicy, ['IfNeeded', 'Never'], child(path, 'reinvocationPolicy'), report);
  },
});

const binding = rulesFor<MutatingAdmissionPolicyBinding>({
  validate({ spec = {} }, report) {
    const { policyName = '', paramRef, matchResources } = spec;
    if (policyName === '') report.required(child('spec', 'policyName'));
    else report.each(child('spec', 'policyName'), policyName, dnsSubdomain(policyName));
    validateParamRef(paramRef, child('spec', 'paramRef'), report);
    if (matchResources === undefined) return;
    const path = child('spec', 'matchResources');
    validateMatch(matchResources, path, report);
    validateOperations(matchResources.resourceRules ?? [], child(path, 'resourceRules', 'operations'), report);
  },
});

export const mutatingPolicyRules: Readonly<Record<string, KindRules>> = {
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': policy,
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding': binding,
};
