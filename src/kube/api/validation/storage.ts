// Rules of PersistentVolumeClaim and PersistentVolume.
// Knows no storage system. Upstream source: ValidatePersistentVolumeClaimSpec, ValidatePersistentVolume in pkg/apis/core/validation.
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { parseQuantity } from '../quantity.ts';
import { oneOf, validateSelector } from './common.ts';
import { dnsSubdomain } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];
const VOLUME_MODES = ['Block', 'Filesystem'];
const immutableClaim =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

function validateModes(modes: readonly string[] | undefined, path: FieldPath, report: Report): void {
  if ((modes ?? []).length === 0) report.required(path, 'at least 1 access mode is required');
  for (const [index, mode] of (modes ?? []).entries()) {
    if (!MODES.includes(mode)) report.notSupported(at(path, index), mode, MODES);
  }
  if ((modes ?? []).length > 1 && modes?.includes('ReadWriteOncePod') === true) {
    report.forbidden(path, 'may not use ReadWriteOncePod with other access modes');
  }
}

function validateSize(size: string | undefined, path: FieldPath, report: Report): void {
  if (size === undefined) report.required(path);
  else if (parseQuantity(size).value() <= 0) report.invalid(path, size, 'must be greater than zero');
}

const claim = rulesFor<PersistentVolumeClaim>({
  validate({ spec }, report) {
    const path = child('spec');
    validateModes(spec?.accessModes, child(path, 'accessModes'), report);
    if (spec?.selector !== undefined) validateSelector(spec.selector, child(path, 'selector'), report);
    validateSize(spec?.resources?.requests?.storage, at(child(path, 'resources'), 'storage'), report);
    oneOf(spec?.volumeMode, VOLUME_MODES, child(path, 'volumeMode'), report, 'optional');
    const name = spec?.storageClassName ?? '';
    if (name !== '') report.each(child(path, 'storageClassName'), name, dnsSubdomain(name));
  },
  validateUpdate(next, previous, report) {
    const fixed = ({ spec }: PersistentVolumeClaim): unknown => {
      const { resources, volumeName, ...rest } = spec ?? {};
      const { requests: _, ...kept } = resources ?? {};
      // A binder fills the name in; from then on it stays.
      const named = (previous.spec?.volumeName ?? '') === '' ? undefined : volumeName;
      const { volumeAttributesClassName: __, ...last } = rest as Record<string, unknown>;
      return JSON.parse(JSON.stringify({ ...last, resources: kept, named }));
    };
    if (!jsonEqual(fixed(next), fixed(previous))) report.forbidden('spec', immutableClaim);
  },
});

const NO_SOURCES = new Set([
  'accessModes',
  'capacity',
  'claimRef',
  'mountOptions',
  'nodeAffinity',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'volumeAttributesClassName',
  'volumeMode',
]);

function sourceOf({ spec }: PersistentVolume): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec ?? {}).filter(([key, value]) => !NO_SOURCES.has(key) && value));
}

const volume = rulesFor<PersistentVolume>({
  validate(object, report) {
    const { spec } = object;
    validateModes(spec?.accessModes, child('spec', 'accessModes'), report);
    if (Object.keys(spec?.capacity ?? {}).length === 0) report.required(child('spec', 'capacity'));
    else validateSize(spec?.capacity?.storage, at(child('spec', 'capacity'), 'storage'), report);
    const [kind, ...more] = Object.keys(sourceOf(object));
    if (kind === undefined) report.required('spec', 'must specify a volume type');
    for (const each of more) report.forbidden(child('spec', each), 'may not specify more than 1 volume type');
    const path = spec?.hostPath?.path ?? '';
    if (spec?.hostPath !== undefined) {
      const here = child('spec', 'hostPath', 'path');
      if (path === '') report.required(here);
      else if (path.split('/').includes('..')) report.invalid(here, path, "must not contain '..'");
    }
    if (spec?.local !== undefined && spec.nodeAffinity?.required === undefined) {
      report.required(child('spec', 'nodeAffinity'), 'Local volume requires node affinity');
    }
    const policies = ['Delete', 'Recycle', 'Retain'];
    oneOf(
      spec?.persistentVolumeReclaimPolicy,
      policies,
      child('spec', 'persistentVolumeReclaimPolicy'),
      report,
      'optional',
    );
    oneOf(spec?.volumeMode, VOLUME_MODES, child('spec', 'volumeMode'), report, 'optional');
  },
  validateUpdate(next, previous, report) {
    if (!jsonEqual(sourceOf(next), sourceOf(previous))) {
      report.forbidden(
        child('spec', 'persistentvolumesource'),
        'spec.persistentvolumesource is immutable after creation',
      );
    }
  },
});

export const storageRules: Readonly<Record<string, KindRules>> = {
  '/PersistentVolumeClaim': claim,
  '/PersistentVolume': volume,
};
