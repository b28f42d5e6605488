// What the server says about a policy itself: whether its expressions fit the kinds that it is about.
// Knows policies and types of kinds; upstream's controller does the same a moment later.
import type { ValidatingAdmissionPolicySpec } from 'kubernetes-types/admissionregistration/v1.js';
import { kindType } from '#kube/api/admission/kind-type.ts';
import type { AdmissionRule } from '#kube/api/admission/match-rules.ts';
import { type Compiled, compilePolicy } from '#kube/api/admission/policy.ts';
import { apiVersionOf, builtinResources, type ResourceDefinition } from '#kube/api/resources.ts';
import { schemaFor } from '#kube/api/schema/index.ts';
import { jsonEqual } from '#lib/json.ts';
import type { AnyObject } from '../../registry/any-object.ts';
import type { Strategy } from '../../strategies/strategy.ts';

export const admissionPolicyStrategy: Strategy = {
  countsGenerations: true,
  prepareForCreate(policy) {
    policy.status = statusOf(policy, 1);
  },
  prepareForUpdate(next, current) {
    const generation = current.metadata?.generation ?? 0;
    const changed = !jsonEqual(next.spec, current.spec);
    if (changed) next.status = { ...next.status, ...statusOf(next, generation + 1) };
  },
};

interface ExpressionWarning {
  readonly fieldRef: string;
  readonly warning: string;
}

function statusOf(policy: AnyObject, observedGeneration: number): Record<string, unknown> {
  const spec = policy.spec as ValidatingAdmissionPolicySpec | undefined;
  // Nothing has been validated yet: what has no spec is refused later.
  const expressionWarnings = spec === undefined ? [] : warningsOf(spec);
  return {
    observedGeneration,
    typeChecking: expressionWarnings.length === 0 ? {} : { expressionWarnings },
  };
}

/** Kinds that are named without wildcards, and built in. */
function kindsOf({ matchConstraints }: ValidatingAdmissionPolicySpec): ResourceDefinition[] {
  const rules: readonly AdmissionRule[] = matchConstraints?.resourceRules ?? [];
  return builtinResources.filter((each) =>
    rules.some(
      (rule) =>
        rule.apiGroups?.includes(each.group) === true &&
        rule.apiVersions?.includes(each.version) === true &&
        rule.resources?.includes(each.resource) === true,
    ),
  );
}

function warningsOf(spec: ValidatingAdmissionPolicySpec): ExpressionWarning[] {
  const plain = compilePolicy(spec);
  const found = new Map<string, string[]>();
  for (const definition of kindsOf(spec)) {
    const schema = schemaFor(apiVersionOf(definition), definition.kind);
    if (schema === undefined) continue;
    const typed = compilePolicy(spec, kindType(schema));
    const note = (fieldRef: string, loose: Compiled | undefined, strict: Compiled | undefined): void => {
      // What does not compile at all is refused elsewhere.
      if (loose === undefined || strict === undefined || 'issue' in loose || !('issue' in strict)) return;
      const text = `${apiVersionOf(definition)}, Kind=${definition.kind}: ${strict.issue}\n`;
      found.set(fieldRef, [...(found.get(fieldRef) ?? []), text]);
    };
    for (const [index, { program }] of typed.checks.entries()) {
      note(`spec.validations[${index}].expression`, plain.checks[index]?.program, program);
    }
    for (const [index, { program }] of typed.variables.entries()) {
      note(`spec.variables[${index}].expression`, plain.variables[index]?.program, program);
    }
  }
  return [...found].map(([fieldRef, texts]) => ({ fieldRef, warning: texts.join('') }));
}
