// MutatingAdmissionPolicy and its bindings as they stand on the wire, and a policy as programs.
// Knows expressions; what becomes of a patch is the server's matter. The published types are older than these kinds.
import type { MatchCondition, ParamKind, ParamRef, Variable } from 'kubernetes-types/admissionregistration/v1.js';
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';
import type { MatchSpec } from './match-rules.ts';
import { type Compiled, compileShared, type SharedPrograms } from './policy.ts';

export interface Mutation {
  readonly patchType?: string;
  readonly applyConfiguration?: { readonly expression?: string };
  readonly jsonPatch?: { readonly expression?: string };
}

export interface MutatingAdmissionPolicySpec {
  failurePolicy?: string;
  matchConditions?: MatchCondition[];
  matchConstraints?: MatchSpec;
  mutations?: Mutation[];
  paramKind?: ParamKind;
  reinvocationPolicy?: string;
  variables?: Variable[];
}

export interface MutatingAdmissionPolicy {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
  readonly spec?: MutatingAdmissionPolicySpec;
}

export interface MutatingAdmissionPolicyBinding {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
  readonly spec?: { readonly policyName?: string; readonly paramRef?: ParamRef; readonly matchResources?: MatchSpec };
}

export interface CompiledMutation {
  readonly type: 'ApplyConfiguration' | 'JSONPatch';
  readonly program: Compiled;
}

export interface CompiledMutations extends SharedPrograms {
  readonly mutations: readonly CompiledMutation[];
}

export function expressionOf({ patchType, applyConfiguration, jsonPatch }: Mutation): string {
  return (patchType === 'JSONPatch' ? jsonPatch : applyConfiguration)?.expression?.trim() ?? '';
}

export function compileMutations(spec: MutatingAdmissionPolicySpec): CompiledMutations {
  const { compile, ...shared } = compileShared(spec);
  const mutations = (spec.mutations ?? []).map((mutation): CompiledMutation => {
    const type = mutation.patchType === 'JSONPatch' ? 'JSONPatch' : 'ApplyConfiguration';
    return { type, program: compile(expressionOf(mutation), true) };
  });
  return { ...shared, mutations };
}
