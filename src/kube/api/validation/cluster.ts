// Rules of leases, priority and storage classes, and custom resource definitions.
// Knows their own fields only. Upstream source: the validation packages of their groups.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { notNegative, oneOf } from './common.ts';
import { immutable } from './metadata.ts';
import { dns1035Label, dnsSubdomain, qualifiedName } from './names.ts';
import { at, child, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const lease = rulesFor<Lease>({
  validate({ spec }, report) {
    const seconds = spec?.leaseDurationSeconds;
    if (seconds !== undefined && seconds <= 0) {
      report.invalid(child('spec', 'leaseDurationSeconds'), seconds, 'must be greater than 0');
    }
    notNegative(spec?.leaseTransitions, child('spec', 'leaseTransitions'), report);
  },
});

/** Highest priority that users may give; above it stands what the system itself needs. */
const highestPriority = 1_000_000_000;

const priorityClass = rulesFor<PriorityClass>({
  validate(object, report) {
    const name = object.metadata?.name ?? '';
    if (name.startsWith('system-')) {
      if (name !== 'system-node-critical' && name !== 'system-cluster-critical') {
        report.forbidden(
          child('metadata', 'name'),
          "priority class names with 'system-' prefix are reserved for system use only",
        );
      }
    } else if (object.value > highestPriority) {
      report.forbidden('value', `maximum allowed value of a user defined priority is ${highestPriority}`);
    }
    oneOf(object.preemptionPolicy, ['Never', 'PreemptLowerPriority'], 'preemptionPolicy', report, 'optional');
  },
  validateUpdate(next, previous, report) {
    if (next.value !== previous.value) report.forbidden('value', 'may not be changed in an update.');
    if (next.preemptionPolicy !== previous.preemptionPolicy) {
      report.invalid('preemptionPolicy', next.preemptionPolicy, immutable);
    }
  },
});

const storageClass = rulesFor<StorageClass>({
  validate(object, report) {
    if ((object.provisioner ?? '') === '') report.required('provisioner', object.provisioner ?? '');
    else report.each('provisioner', object.provisioner, qualifiedName(object.provisioner.toLowerCase()));
    oneOf(object.reclaimPolicy, ['Delete', 'Retain'], 'reclaimPolicy', report, 'optional');
    oneOf(object.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'], 'volumeBindingMode', report, 'optional');
  },
  validateUpdate(next, previous, report) {
    if (!jsonEqual(next.parameters ?? {}, previous.parameters ?? {})) {
      report.forbidden('parameters', 'updates to parameters are forbidden.');
    }
    for (const field of ['provisioner', 'reclaimPolicy'] as const) {
      if (next[field] !== previous[field]) report.forbidden(field, `updates to ${field} are forbidden.`);
    }
    if (next.volumeBindingMode !== previous.volumeBindingMode) {
      report.invalid('volumeBindingMode', next.volumeBindingMode, immutable);
    }
  },
});

const definition = rulesFor<CustomResourceDefinition>({
  validate({ metadata, spec }, report) {
    const { plural = '' } = spec?.names ?? {};
    const group = spec?.group ?? '';
    if (metadata?.name !== `${plural}.${group}`) {
      report.invalid(child('metadata', 'name'), metadata?.name, 'must be spec.names.plural+"."+spec.group');
    }
    if (group === '') report.required(child('spec', 'group'));
    else if (!group.includes('.')) {
      report.invalid(child('spec', 'group'), group, 'should be a domain with at least one dot');
    } else report.each(child('spec', 'group'), group, dnsSubdomain(group));
    oneOf(spec?.scope, ['Cluster', 'Namespaced'], child('spec', 'scope'), report);
    validateNames(spec?.names, report);
    validateVersions(spec?.versions ?? [], report);
  },
  validateUpdate(next, previous, report) {
    const established = previous.status?.conditions?.some(
      ({ type, status }) => type === 'Established' && status === 'True',
    );
    if (next.spec?.group !== previous.spec?.group) report.invalid(child('spec', 'group'), next.spec?.group, immutable);
    if (next.spec?.names?.plural !== previous.spec?.names?.plural) {
      report.invalid(child('spec', 'names', 'plural'), next.spec?.names?.plural, immutable);
    }
    if (established !== true) return;
    if (next.spec?.scope !== previous.spec?.scope) report.invalid(child('spec', 'scope'), next.spec?.scope, immutable);
    if (next.spec?.names?.kind !== previous.spec?.names?.kind) {
      report.invalid(child('spec', 'names', 'kind'), next.spec?.names?.kind, immutable);
    }
  },
});

type DefinitionSpec = NonNullable<CustomResourceDefinition['spec']>;

function validateNames(names: DefinitionSpec['names'] | undefined, report: Report): void {
  const path = child('spec', 'names');
  for (const field of ['plural', 'kind'] as const) {
    if ((names?.[field] ?? '') === '') report.required(child(path, field));
  }
  for (const field of ['plural', 'singular', 'kind', 'listKind'] as const) {
    const text = names?.[field] ?? '';
    if (text === '') continue;
    const upper = field === 'kind' || field === 'listKind';
    const messages = dns1035Label(upper ? text.toLowerCase() : text);
    const note = upper ? 'may have mixed case, but should otherwise match: ' : '';
    report.each(
      child(path, field),
      text,
      messages.map((message) => note + message),
    );
  }
  if (names?.listKind !== undefined && names.listKind === names.kind) {
    report.invalid(child(path, 'listKind'), names.listKind, 'kind and listKind may not be the same');
  }
  for (const [index, text] of (names?.shortNames ?? []).entries()) {
    report.each(at(child(path, 'shortNames'), index), text, dns1035Label(text));
  }
}

function validateVersions(versions: DefinitionSpec['versions'], report: Report): void {
  const path = child('spec', 'versions');
  const names = new Set<string>();
  for (const [index, version] of versions.entries()) {
    const here = at(path, index);
    report.each(child(here, 'name'), version.name, dns1035Label(version.name ?? ''));
    if (names.has(version.name)) report.invalid(path, version.name, 'must contain unique version names');
    names.add(version.name);
    if (version.schema?.openAPIV3Schema === undefined) {
      report.required(child(here, 'schema', 'openAPIV3Schema'), 'schemas are required');
    } else if (version.schema.openAPIV3Schema.type !== 'object') {
      const type = version.schema.openAPIV3Schema.type ?? '';
      const field = child(here, 'schema', 'openAPIV3Schema', 'type');
      if (type === '') report.required(field, 'must not be empty at the root');
      else report.invalid(field, type, 'must be object at the root');
    }
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    report.invalid(
      path,
      versions.map(({ name }) => name),
      'must have exactly one version marked as storage version',
    );
  }
}

export const clusterRules: Readonly<Record<string, KindRules>> = {
  'coordination.k8s.io/Lease': lease,
  'scheduling.k8s.io/PriorityClass': priorityClass,
  'storage.k8s.io/StorageClass': storageClass,
  'apiextensions.k8s.io/CustomResourceDefinition': definition,
};
