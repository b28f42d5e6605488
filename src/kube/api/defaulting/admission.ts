// Defaults of what says who is admitted: policies, their bindings and webhooks.
// Upstream source of the rules: pkg/apis/admissionregistration/v1/defaults.go.
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from 'kubernetes-types/admissionregistration/v1.js';
import type { AdmissionRule, MatchSpec } from '../admission/match-rules.ts';
import { fill } from './fill.ts';

function matchDefaults(match: MatchSpec | undefined): void {
  if (match === undefined) return;
  fill(match, { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} });
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])])
    fill<AdmissionRule>(rule, { scope: '*' });
}

export function validatingAdmissionPolicyDefaults({ spec }: ValidatingAdmissionPolicy): void {
  if (spec === undefined) return;
  fill(spec, { failurePolicy: 'Fail' });
  matchDefaults(spec.matchConstraints);
}

export function validatingAdmissionPolicyBindingDefaults({ spec }: ValidatingAdmissionPolicyBinding): void {
  matchDefaults(spec?.matchResources);
}
