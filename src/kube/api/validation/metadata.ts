// What ObjectMeta must hold, on its own and against the object it replaces.
// Knows no kind but by the name rule it is handed. Upstream source: apimachinery/pkg/api/validation/objectmeta.go.

import { jsonEqual } from '#lib/json.ts';
import type { ObjectMeta, OwnerReference } from '../object.ts';
import type { StatusCause } from '../status.ts';
import { byteLength, dnsLabel, labelValueText, qualifiedName, type TextRule } from './names.ts';
import { child, type FieldPath, Report } from './report.ts';

const annotationBytes = 256 * 1024;
const coreFinalizers = new Set([
  'kubernetes',
  'orphan',
  'foregroundDeletion',
  'customresourcecleanup.apiextensions.k8s.io',
]);

export const atLeastZero = 'must be greater than or equal to 0';
export const immutable = 'field is immutable';

export interface MetadataRules {
  nameRule: TextRule;
  /** Undefined when the kind is not known: the namespace is then checked only if it is there. */
  namespaced: boolean | undefined;
}

/** `metadata` of a new object. */
export function validateMetadata(metadata: ObjectMeta, rules: MetadataRules, path: FieldPath, report: Report): void {
  const { name = '', generateName = '', namespace = '' } = metadata;
  if (generateName !== '') {
    // A generated suffix follows, so a trailing dash is no mistake here.
    const masked = generateName.endsWith('-') ? `${generateName.slice(0, -1)}a` : generateName;
    report.each(child(path, 'generateName'), generateName, rules.nameRule(masked));
  }
  if (name === '') report.required(child(path, 'name'), 'name or generateName is required');
  else report.each(child(path, 'name'), name, rules.nameRule(name));

  if (rules.namespaced === false && namespace !== '') {
    report.forbidden(child(path, 'namespace'), 'not allowed on this type');
  } else if (rules.namespaced === true && namespace === '') {
    report.required(child(path, 'namespace'));
  } else if (namespace !== '') {
    report.each(child(path, 'namespace'), namespace, dnsLabel(namespace));
  }
  if ((metadata.generation ?? 0) < 0) report.invalid(child(path, 'generation'), metadata.generation, atLeastZero);
  validateLabels(metadata.labels, child(path, 'labels'), report);
  validateAnnotations(metadata.annotations, child(path, 'annotations'), report);
  validateOwners(metadata.ownerReferences ?? [], child(path, 'ownerReferences'), report);
  for (const finalizer of metadata.finalizers ?? []) validateFinalizer(finalizer, child(path, 'finalizers'), report);
}

export function validateLabels(labels: Record<string, string> | undefined, path: FieldPath, report: Report): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    report.each(path, key, qualifiedName(key));
    report.each(path, value, labelValueText(value));
  }
}

export function validateAnnotations(
  annotations: Record<string, string> | undefined,
  path: FieldPath,
  report: Report,
): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    report.each(path, key, qualifiedName(key.toLowerCase()));
    bytes += byteLength(key) + byteLength(value);
  }
  if (bytes > annotationBytes) report.tooLong(path, annotationBytes);
}

function validateFinalizer(finalizer: string, path: FieldPath, report: Report): void {
  const messages = qualifiedName(finalizer);
  report.each(path, finalizer, messages);
  if (messages.length === 0 && !finalizer.includes('/') && !coreFinalizers.has(finalizer)) {
    report.invalid(path, finalizer, 'name is neither a standard finalizer name nor is it fully qualified');
  }
}

function validateOwners(owners: readonly OwnerReference[], path: FieldPath, report: Report): void {
  let controller: OwnerReference | undefined;
  for (const owner of owners) {
    const slash = owner.apiVersion?.split('/') ?? [];
    if ((slash.at(-1) ?? '') === '')
      report.invalid(child(path, 'apiVersion'), owner.apiVersion, 'version must not be empty');
    for (const field of ['kind', 'name', 'uid'] as const) {
      if ((owner[field] ?? '') === '') report.invalid(child(path, field), owner[field] ?? '', 'must not be empty');
    }
    if (owner.controller !== true) continue;
    if (controller === undefined) controller = owner;
    else {
      report.invalid(
        path,
        owners,
        `Only one reference can have Controller set to true. Found "true" in references for ${controller.kind}/${controller.name} and ${owner.kind}/${owner.name}`,
      );
    }
  }
}

const fixedFields = ['name', 'namespace', 'uid', 'creationTimestamp'] as const;
const deletionFields = ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const;

/** What an update may not do to `metadata`. A field that the client left out is the server's to fill in, not a change. */
export function validateMetadataUpdate(next: ObjectMeta, previous: ObjectMeta, path: FieldPath, report: Report): void {
  for (const field of [...fixedFields, ...deletionFields]) {
    const value = next[field];
    if (value === undefined || value === null) continue;
    const before = previous[field];
    const added = before === undefined || before === null;
    // A deletion is requested by DELETE, never by writing its mark.
    if (added && field !== 'deletionTimestamp') continue;
    if (!jsonEqual(value, before)) report.invalid(child(path, field), value, immutable);
  }
  if ((next.generation ?? Number.POSITIVE_INFINITY) < (previous.generation ?? 0)) {
    report.invalid(child(path, 'generation'), next.generation, 'must not be decremented');
  }
  if (previous.deletionTimestamp === undefined || previous.deletionTimestamp === null) return;
  const known = new Set(previous.finalizers);
  const added = (next.finalizers ?? []).filter((finalizer) => !known.has(finalizer));
  if (added.length > 0) {
    const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
    report.forbidden(
      child(path, 'finalizers'),
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
    );
  }
}

/** What is wrong with labels or annotations by themselves, as upstream names their place. */
export function textMistakes(field: 'labels' | 'annotations', texts: Record<string, string>): StatusCause[] {
  const report = new Report();
  if (field === 'labels') validateLabels(texts, 'metadata.labels', report);
  else validateAnnotations(texts, 'metadata.annotation', report);
  return report.causes;
}
