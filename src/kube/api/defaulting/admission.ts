// Defaults of what says who is admitted: policies, their bindings and webhooks.
// Upstream source of the rules: pkg/apis/admissionregistration/v1/defaults.go.
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from 'kubernetes-types/admissionregistration/v1.js';
import type { AdmissionRule, MatchSpec } from '../admission/match-rules.ts';
import type { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../admission/mutating-policy.ts';
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

/** Whether it is asked again is for its author to say. */
export function mutatingAdmissionPolicyDefaults({ spec }: MutatingAdmissionPolicy): void {
  if (spec === undefined) return;
  fill(spec, { failurePolicy: 'Fail' });
  matchDefaults(spec.matchConstraints);
}

export function mutatingAdmissionPolicyBindingDefaults({ spec }: MutatingAdmissionPolicyBinding): void {
  matchDefaults(spec?.matchResources);
}

const httpsPort = 443;

function webhookDefaults(webhook: ValidatingWebhook | MutatingWebhook): void {
  fill(webhook, {
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  });
  const { service } = webhook.clientConfig ?? {};
  if (service !== undefined) fill(service, { port: httpsPort });
  for (const rule of webhook.rules ?? []) fill<AdmissionRule>(rule, { scope: '*' });
}

export function validatingWebhookDefaults({ webhooks }: ValidatingWebhookConfiguration): void {
  for (const webhook of webhooks ?? []) webhookDefaults(webhook);
}

export function mutatingWebhookDefaults({ webhooks }: MutatingWebhookConfiguration): void {
  for (const webhook of webhooks ?? []) {
    webhookDefaults(webhook);
    fill(webhook, { reinvocationPolicy: 'Never' });
  }
}
