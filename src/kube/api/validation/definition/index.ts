// Rules of CustomResourceDefinition, in upstream's words.
// Puts the parts together; each knows its own fields. Upstream source: apiextensions/validation/validation.go.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import { at, child, type Report } from '../report.ts';
import { type KindRules, rulesFor } from '../rules.ts';
import { validateClient } from '../webhooks.ts';
import { validateApproval, validateNames, validateNamesUpdate } from './names.ts';
import { validateVersions } from './versions.ts';

const definition = rulesFor<CustomResourceDefinition>({
  validate(next, report) {
    validateNames(next, report);
    validateVersions(next, report);
    validateConversion(next, report);
    const { preserveUnknownFields } = next.spec ?? {};
    if (preserveUnknownFields === true) {
      const text =
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead';
      report.invalid(child('spec', 'preserveUnknownFields'), true, text);
    }
  },
  validateCreate(next, report) {
    validateApproval(next, undefined, report);
  },
  validateUpdate(next, previous, report) {
    validateNamesUpdate(next, previous, report);
    validateApproval(next, previous, report);
    validateStoredVersions(next, report);
  },
});

/** Versions of ConversionReview that this server speaks. */
const REVIEWS = ['v1', 'v1beta1'];

function validateConversion({ spec }: CustomResourceDefinition, report: Report): void {
  const { conversion } = spec ?? {};
  if (conversion === undefined) return;
  const path = child('spec', 'conversion');
  const { strategy, webhook } = conversion;
  if ((strategy ?? '') === '') report.required(child(path, 'strategy'));
  else if (strategy !== 'None' && strategy !== 'Webhook') {
    report.notSupported(child(path, 'strategy'), strategy, ['None', 'Webhook']);
  } else if (strategy === 'None') {
    if (webhook === undefined) return;
    report.forbidden(child(path, 'webhookClientConfig'), 'should not be set when strategy is not set to Webhook');
  } else if (webhook?.clientConfig === undefined) {
    report.required(child(path, 'webhookClientConfig'), 'required when strategy is set to Webhook');
  } else if ((webhook.clientConfig.url === undefined) === (webhook.clientConfig.service === undefined)) {
    report.required(child(path, 'webhookClientConfig'), 'exactly one of url or service is required');
  } else if ((webhook.conversionReviewVersions ?? []).length === 0) {
    report.required(child(path, 'conversionReviewVersions'));
  } else {
    validateClient(webhook.clientConfig, child(path, 'webhookClientConfig'), report);
    const versions = webhook.conversionReviewVersions ?? [];
    if (!versions.some((version) => REVIEWS.includes(version))) {
      const text = `must include at least one of ${REVIEWS.join(', ')}`;
      report.invalid(child(path, 'conversionReviewVersions'), versions, text);
    }
  }
}

function validateStoredVersions({ spec, status }: CustomResourceDefinition, report: Report): void {
  const path = child('status', 'storedVersions');
  const stored = status?.storedVersions ?? [];
  if (stored.length === 0) {
    report.invalid(path, stored, 'must have at least one stored version');
    return;
  }
  for (const { name = '', storage } of spec?.versions ?? []) {
    // One without a name is told of where its name is missing.
    if (storage && name !== '' && !stored.includes(name))
      report.invalid(path, name, `must have the storage version ${name}`);
  }
  for (const [index, name] of stored.entries()) {
    if (spec?.versions?.some((version) => version.name === name) === true) continue;
    report.invalid(at(path, index), name, 'must appear in spec.versions');
  }
}

export const definitionRules: Readonly<Record<string, KindRules>> = {
  'apiextensions.k8s.io/CustomResourceDefinition': definition,
};
