// How volumes, claims and storage classes are printed.
// Knows columns and cells only.
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { ageColumn, column, nameColumn, nameOf, objectAge, type Printer, printer, wide } from './printer.ts';

const shortModes: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
const legacyClass = 'volume.beta.kubernetes.io/storage-class';
const defaultClass = 'storageclass.kubernetes.io/is-default-class';

/** Upstream names modes in this order, whatever order the object has. */
function modesText(modes: readonly string[] | undefined): string {
  return Object.keys(shortModes)
    .filter((mode) => modes?.includes(mode))
    .map((mode) => shortModes[mode])
    .join(',');
}

/** A volume on its way out shows that instead of its phase. */
function phaseText(object: PersistentVolume | PersistentVolumeClaim): string {
  return object.metadata?.deletionTimestamp === undefined ? (object.status?.phase ?? '') : 'Terminating';
}

const persistentVolume = printer<PersistentVolume>(
  [
    nameColumn,
    column('Capacity', 'Size of the volume'),
    column('Access Modes', 'How it may be mounted'),
    column('Reclaim Policy', 'What happens when its claim goes'),
    column('Status', 'Phase of the volume'),
    column('Claim', 'Claim it is bound to'),
    column('StorageClass', 'Class of the volume'),
    column('VolumeAttributesClass', 'Class of its attributes'),
    column('Reason', 'Why it failed'),
    ageColumn,
    wide('VolumeMode', 'Filesystem or Block'),
  ],
  (object, now) => [
    nameOf(object),
    object.spec?.capacity?.storage ?? '',
    modesText(object.spec?.accessModes),
    object.spec?.persistentVolumeReclaimPolicy ?? '',
    phaseText(object),
    object.spec?.claimRef === undefined ? '' : `${object.spec.claimRef.namespace}/${object.spec.claimRef.name}`,
    object.metadata?.annotations?.[legacyClass] ?? object.spec?.storageClassName ?? '',
    object.spec?.volumeAttributesClassName ?? '<unset>',
    object.status?.reason ?? '',
    objectAge(object, now),
    object.spec?.volumeMode ?? '<unset>',
  ],
);

const persistentVolumeClaim = printer<PersistentVolumeClaim>(
  [
    nameColumn,
    column('Status', 'Phase of the claim'),
    column('Volume', 'Volume it is bound to'),
    column('Capacity', 'Size of that volume'),
    column('Access Modes', 'How it may be mounted'),
    column('StorageClass', 'Class that was asked for'),
    column('VolumeAttributesClass', 'Class of its attributes'),
    ageColumn,
    wide('VolumeMode', 'Filesystem or Block'),
  ],
  (object, now) => {
    const bound = (object.spec?.volumeName ?? '') !== '';
    return [
      nameOf(object),
      phaseText(object),
      object.spec?.volumeName ?? '',
      bound ? (object.status?.capacity?.storage ?? '') : '',
      bound ? modesText(object.status?.accessModes) : '',
      object.metadata?.annotations?.[legacyClass] ?? object.spec?.storageClassName ?? '',
      object.spec?.volumeAttributesClassName ?? '<unset>',
      objectAge(object, now),
      object.spec?.volumeMode ?? '<unset>',
    ];
  },
);

const storageClass = printer<StorageClass>(
  [
    nameColumn,
    column('Provisioner', 'Who makes the volumes'),
    column('ReclaimPolicy', 'What happens when a claim goes'),
    column('VolumeBindingMode', 'When a claim is bound'),
    column('AllowVolumeExpansion', 'Whether volumes can grow'),
    ageColumn,
  ],
  (object, now) => [
    object.metadata?.annotations?.[defaultClass] === 'true' ? `${nameOf(object)} (default)` : nameOf(object),
    object.provisioner ?? '',
    object.reclaimPolicy ?? 'Delete',
    object.volumeBindingMode ?? 'Immediate',
    object.allowVolumeExpansion ?? false,
    objectAge(object, now),
  ],
);

export const storagePrinters: Readonly<Record<string, Printer>> = {
  '/PersistentVolume': persistentVolume,
  '/PersistentVolumeClaim': persistentVolumeClaim,
  'storage.k8s.io/StorageClass': storageClass,
};
