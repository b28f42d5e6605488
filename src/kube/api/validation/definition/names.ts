// Names of a definition: group, scope, plural, kind, and what must not change once objects are stored under them.
// Knows those fields only. Upstream source: apiextensions/validation/validation.go.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import { oneOf } from '../common.ts';
import { immutable } from '../metadata.ts';
import { dns1035Label, dnsSubdomain } from '../names.ts';
import { at, child, type Report } from '../report.ts';

export type DefinitionSpec = NonNullable<CustomResourceDefinition['spec']>;

export function validateNames({ metadata, spec }: CustomResourceDefinition, report: Report): void {
  const { plural = '' } = spec?.names ?? {};
  const group = spec?.group ?? '';
  if (metadata?.name !== `${plural}.${group}`) {
    report.invalid(child('metadata', 'name'), metadata?.name, 'must be spec.names.plural+"."+spec.group');
  }
  const groupMessages = dnsSubdomain(group);
  if (group === '') report.required(child('spec', 'group'));
  else if (groupMessages.length > 0) report.invalid(child('spec', 'group'), group, groupMessages.join(','));
  else if (!group.includes('.')) {
    report.invalid(child('spec', 'group'), group, 'should be a domain with at least one dot');
  }
  oneOf(spec?.scope, ['Cluster', 'Namespaced'], child('spec', 'scope'), report);
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    if ((spec?.names?.[field] ?? '') === '') report.required(child('spec', 'names', field));
  }
  namesOf(spec?.names, report);
}

function namesOf(names: DefinitionSpec['names'] | undefined, report: Report): void {
  const path = child('spec', 'names');
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    const text = names?.[field] ?? '';
    if (text === '') continue;
    const upper = field === 'kind' || field === 'listKind';
    const messages = dns1035Label(upper ? text.toLowerCase() : text);
    const note = upper ? 'may have mixed case, but should otherwise match: ' : '';
    if (messages.length > 0) report.invalid(child(path, field), text, note + messages.join(','));
  }
  if (names?.listKind !== undefined && names.listKind !== '' && names.listKind === names.kind) {
    report.invalid(child(path, 'listKind'), names.listKind, 'kind and listKind may not be the same');
  }
  for (const field of ['shortNames', 'categories'] as const) {
    for (const [index, text] of (names?.[field] ?? []).entries()) {
      const messages = dns1035Label(text);
      if (messages.length > 0) report.invalid(at(child(path, field), index), text, messages.join(','));
    }
  }
}

export function validateNamesUpdate(
  next: CustomResourceDefinition,
  previous: CustomResourceDefinition,
  report: Report,
): void {
  const established = previous.status?.conditions?.some(
    ({ type, status }) => type === 'Established' && status === 'True',
  );
  const same = (path: string, now: unknown, before: unknown): void => {
    if (now !== before) report.invalid(path, now, immutable);
  };
  if (established === true) {
    same('spec.scope', next.spec?.scope, previous.spec?.scope);
    same('spec.names.kind', next.spec?.names?.kind, previous.spec?.names?.kind);
  }
  same('spec.group', next.spec?.group, previous.spec?.group);
  same('spec.names.plural', next.spec?.names?.plural, previous.spec?.names?.plural);
}

const APPROVAL = 'api-approved.kubernetes.io';

/** Groups of the Kubernetes community carry a note of their approval. */
export function validateApproval(
  next: CustomResourceDefinition,
  previous: CustomResourceDefinition | undefined,
  report: Report,
): void {
  const group = next.spec?.group ?? '';
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(group)) return;
  const approval = next.metadata?.annotations?.[APPROVAL];
  // What was let in without one, before this was asked for, may still be changed.
  if (previous !== undefined && previous.metadata?.annotations?.[APPROVAL] === approval) return;
  const path = at(child('metadata', 'annotations'), APPROVAL);
  const note = `protected groups must have approval annotation "${APPROVAL}"`;
  if (approval === undefined || approval === '') report.required(path, note);
  else if (!approval.startsWith('unapproved') && !/^https?:\/\/./.test(approval)) {
    report.invalid(path, approval, `${note} with either a URL or a reason starting with "unapproved"`);
  }
}
