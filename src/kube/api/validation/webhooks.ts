// Rules of webhook configurations: who is asked, about what, and how long that may take.
// Knows their own fields. Upstream source: pkg/apis/admissionregistration/validation, apiserver/pkg/util/webhook/validation.go.
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from 'kubernetes-types/admissionregistration/v1.js';
import { compileForAdmission } from '../admission/environment.ts';
import type { Compiled } from '../admission/policy.ts';
import { validateConditions, validateRule } from './admission.ts';
import { oneOf } from './common.ts';
import { dnsSubdomain, portNumber } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

/** Conditions of webhooks see no namespace, variables or parameters. */
export function compileWebhookCondition(text: string): Compiled {
  return compileForAdmission(text, { params: false, variables: new Map(), namespaceObject: false });
}

function validateWebhook(webhook: ValidatingWebhook | MutatingWebhook, path: FieldPath, report: Report): void {
  const { name = '', timeoutSeconds, admissionReviewVersions = [] } = webhook;
  const namePath = child(path, 'name');
  if (name === '') report.required(namePath);
  else if (name.split('.').length < 3) {
    report.invalid(namePath, name, 'should be a domain with at least three segments separated by dots');
  } else report.each(namePath, name, dnsSubdomain(name));
  const versionsPath = child(path, 'admissionReviewVersions');
  if (admissionReviewVersions.length === 0) report.required(versionsPath, 'must specify one of v1, v1beta1');
  else if (!admissionReviewVersions.includes('v1')) {
    report.invalid(versionsPath, admissionReviewVersions, 'must include at least one of v1');
  }
  for (const [index, rule] of (webhook.rules ?? []).entries())
    validateRule(rule, at(child(path, 'rules'), index), report);
  oneOf(webhook.failurePolicy, ['Fail', 'Ignore'], child(path, 'failurePolicy'), report, 'optional');
  oneOf(webhook.matchPolicy, ['Equivalent', 'Exact'], child(path, 'matchPolicy'), report, 'optional');
  oneOf(webhook.sideEffects, ['None', 'NoneOnDryRun'], child(path, 'sideEffects'), report);
  if (timeoutSeconds !== undefined && (timeoutSeconds < 1 || timeoutSeconds > 30)) {
    report.invalid(child(path, 'timeoutSeconds'), timeoutSeconds, 'the timeout value must be between 1 and 30 seconds');
  }
  validateClient(webhook.clientConfig, child(path, 'clientConfig'), report);
  const conditions = webhook.matchConditions ?? [];
  validateConditions(conditions, child(path, 'matchConditions'), report, (text) => compileWebhookCondition(text));
}

export function validateClient(
  config: ValidatingWebhook['clientConfig'] | undefined,
  path: FieldPath,
  report: Report,
): void {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined)) {
    report.required(path, 'exactly one of url or service is required');
    return;
  }
  if (url !== undefined) validateUrl(url, child(path, 'url'), report);
  if (service === undefined) return;
  const here = child(path, 'service');
  if ((service.name ?? '') === '') report.required(child(here, 'name'), 'service name is required');
  if ((service.namespace ?? '') === '') report.required(child(here, 'namespace'), 'service namespace is required');
  if (service.port !== undefined) report.each(child(here, 'port'), service.port, portNumber(service.port));
  if (service.path !== undefined && !service.path.startsWith('/')) {
    report.invalid(child(here, 'path'), service.path, "must start with a '/'");
  }
}

function validateUrl(text: string, path: FieldPath, report: Report): void {
  const form = 'desired format: https://host[/path]';
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) report.required(path, `url must be a valid URL: ${form}`);
  else if (url.protocol !== 'https:') {
    const scheme = url.protocol.replace(/:$/, '');
    report.invalid(path, scheme, `'https' is the only allowed URL scheme; ${form}`);
  } else if (url.username !== '' || url.password !== '') {
    report.invalid(path, url.username, 'user information is not permitted in the URL');
  } else if (url.search !== '')
    report.invalid(path, url.search.slice(1), 'query parameters are not permitted in the URL');
  else if (url.hash !== '') report.invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL');
}

function validateAll(webhooks: readonly (ValidatingWebhook | MutatingWebhook)[], report: Report): void {
  const names = new Set<string>();
  for (const [index, webhook] of webhooks.entries()) {
    const path = at('webhooks', index);
    validateWebhook(webhook, path, report);
    if (names.has(webhook.name)) report.duplicate(child(path, 'name'), webhook.name);
    names.add(webhook.name);
  }
}

const validating = rulesFor<ValidatingWebhookConfiguration>({
  validate: ({ webhooks = [] }, report) => validateAll(webhooks, report),
});

const mutating = rulesFor<MutatingWebhookConfiguration>({
  validate({ webhooks = [] }, report) {
    validateAll(webhooks, report);
    for (const [index, { reinvocationPolicy }] of webhooks.entries()) {
      const path = child(at('webhooks', index), 'reinvocationPolicy');
      oneOf(reinvocationPolicy, ['IfNeeded', 'Never'], path, report, 'optional');
    }
  },
});

export const webhookRules: Readonly<Record<string, KindRules>> = {
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': validating,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': mutating,
};
