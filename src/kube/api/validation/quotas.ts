// Rules of ResourceQuotas and LimitRanges.
// Knows nothing of what counts. Upstream source: pkg/apis/core/validation.
import type { LimitRange, LimitRangeItem, ResourceQuota } from 'kubernetes-types/core/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { amountOf, readAmounts } from '../quota/amounts.ts';
import { qualifiedName } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const SCOPES = [
  'BestEffort',
  'CrossNamespacePodAffinity',
  'NotBestEffort',
  'NotTerminating',
  'PriorityClass',
  'Terminating',
];
const CONTRARY = [
  ['BestEffort', 'NotBestEffort'],
  ['NotTerminating', 'Terminating'],
] as const;

const quota = rulesFor<ResourceQuota>({
  validate({ spec }, report) {
    for (const [name, text] of Object.entries(spec?.hard ?? {})) {
      const path = at(child('spec', 'hard'), name);
      report.each(path, name, qualifiedName(name));
      if (amountOf(readAmounts({ [name]: text }), name).nanos < 0n) {
        report.invalid(path, text, 'must be greater than or equal to 0');
      }
    }
    const scopes: readonly string[] = spec?.scopes ?? [];
    for (const [index, scope] of scopes.entries()) {
      if (!SCOPES.includes(scope)) report.invalid(at(child('spec', 'scopes'), index), scope, 'unsupported scope');
    }
    for (const pair of CONTRARY) {
      if (pair.every((scope) => scopes.includes(scope))) {
        report.invalid(child('spec', 'scopes'), scopes, 'conflicting scopes');
      }
    }
  },
  validateUpdate(next, previous, report) {
    if (!jsonEqual([...(next.spec?.scopes ?? [])].sort(), [...(previous.spec?.scopes ?? [])].sort())) {
      report.invalid(child('spec', 'scopes'), next.spec?.scopes ?? [], 'field is immutable');
    }
  },
});

const range = rulesFor<LimitRange>({
  validate({ spec }, report) {
    const seen = new Set<string>();
    for (const [index, item] of (spec?.limits ?? []).entries()) {
      const path = at(child('spec', 'limits'), index);
      if (seen.has(item.type)) report.duplicate(child(path, 'type'), item.type);
      seen.add(item.type);
      validateItem(item, path, report);
    }
  },
});

function validateItem(item: LimitRangeItem, path: FieldPath, report: Report): void {
  if (item.type === 'Pod') {
    for (const field of ['default', 'defaultRequest'] as const) {
      if (Object.keys(item[field] ?? {}).length > 0) {
        report.forbidden(child(path, field), 'may not be specified when `type` is "Pod"');
      }
    }
  }
  if (item.type === 'PersistentVolumeClaim' && item.min?.storage === undefined && item.max?.storage === undefined) {
    report.required(
      at(child(path, 'limits'), 'storage'),
      'either minimum or maximum storage value is required, but neither was provided',
    );
  }
  const [min, max, preset, request] = [item.min, item.max, item.default, item.defaultRequest].map(readAmounts);
  const ordered: [typeof min, typeof min, FieldPath, string][] = [
    [min, max, 'min', 'max'],
    [min, request, 'min', 'defaultRequest'],
    [request, preset, 'defaultRequest', 'default'],
    [request, max, 'defaultRequest', 'max'],
    [min, preset, 'min', 'default'],
    [preset, max, 'default', 'max'],
  ];
  for (const [low, high, lowName, highName] of ordered) {
    for (const [name, amount] of low ?? []) {
      const bound = high?.get(name);
      if (bound === undefined || amount.compare(bound) <= 0) continue;
      const field = lowName === 'min' && highName !== 'max' ? highName : lowName;
      const shown = field === lowName ? amount : bound;
      report.invalid(
        at(child(path, field), name),
        String(shown),
        `${lowName} value ${amount} is greater than ${highName} value ${bound}`,
      );
    }
  }
  for (const [name, amount] of readAmounts(item.maxLimitRequestRatio)) {
    if (amount.toNumber() < 1) {
      report.invalid(at(child(path, 'maxLimitRequestRatio'), name), String(amount), `ratio ${amount} is less than 1`);
    }
  }
}

export const quotaRules: Readonly<Record<string, KindRules>> = {
  '/LimitRange': range,
  '/ResourceQuota': quota,
};
