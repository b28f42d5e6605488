// Rules of leases, priority and storage classes.
// Knows their own fields only. Upstream source: the validation packages of their groups.
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { notNegative, oneOf } from './common.ts';
import { immutable } from './metadata.ts';
import { qualifiedName } from './names.ts';
import { child } from './report.ts';
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

export const clusterRules: Readonly<Record<string, KindRules>> = {
  'coordination.k8s.io/Lease': lease,
  'scheduling.k8s.io/PriorityClass': priorityClass,
  'storage.k8s.io/StorageClass': storageClass,
};
