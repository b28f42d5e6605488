// Defaults of volumes, inside pods and as PersistentVolumes.
// Upstream source of the rules: SetDefaults_*VolumeSource in pkg/apis/core/v1/defaults.go.
import type {
  AzureDiskVolumeSource,
  DownwardAPIVolumeFile,
  HostPathVolumeSource,
  ISCSIVolumeSource,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  RBDVolumeSource,
  ScaleIOVolumeSource,
  Volume,
  VolumeProjection,
} from 'kubernetes-types/core/v1.js';
import { fill, fillZero } from './fill.ts';
import { defaultPullPolicy } from './image.ts';

/** 0644: what a file of a ConfigMap, a Secret or the downward API may be used for. */
const fileMode = 0o644;
const projectedTokenSeconds = 3600;

/** The `image` source is newer than the types. */
type KnownVolume = Volume & { image?: { reference?: string; pullPolicy?: string } };

export function volumeDefaults(volume: KnownVolume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  if (volume.configMap !== undefined) fill(volume.configMap, { defaultMode: fileMode });
  if (volume.secret !== undefined) fill(volume.secret, { defaultMode: fileMode });
  if (volume.downwardAPI !== undefined) {
    fill(volume.downwardAPI, { defaultMode: fileMode });
    volume.downwardAPI.items?.forEach(downwardFileDefaults);
  }
  if (volume.projected !== undefined) {
    fill(volume.projected, { defaultMode: fileMode });
    volume.projected.sources?.forEach(projectionDefaults);
  }
  if (volume.image !== undefined) fillZero(volume.image, { pullPolicy: defaultPullPolicy(volume.image.reference) });
  const template = volume.ephemeral?.volumeClaimTemplate;
  if (template !== undefined) claimSpecDefaults(template.spec);
  sourceDefaults(volume);
}

function projectionDefaults(projection: VolumeProjection): void {
  projection.downwardAPI?.items?.forEach(downwardFileDefaults);
  const token = projection.serviceAccountToken;
  if (token !== undefined) fill(token, { expirationSeconds: projectedTokenSeconds });
}

function downwardFileDefaults(file: DownwardAPIVolumeFile): void {
  if (file.fieldRef !== undefined) fillZero(file.fieldRef, { apiVersion: 'v1' });
  if (file.resourceFieldRef !== undefined) fill(file.resourceFieldRef, { divisor: '0' });
}

/** Sources that pods and PersistentVolumes have in common. */
interface SharedSources {
  azureDisk?: AzureDiskVolumeSource;
  hostPath?: HostPathVolumeSource;
  iscsi?: Pick<ISCSIVolumeSource, 'iscsiInterface'>;
  rbd?: Pick<RBDVolumeSource, 'keyring' | 'pool' | 'user'>;
  scaleIO?: Pick<ScaleIOVolumeSource, 'fsType' | 'storageMode'>;
}

function sourceDefaults({ azureDisk, hostPath, iscsi, rbd, scaleIO }: SharedSources): void {
  if (azureDisk !== undefined) {
    fill(azureDisk, { cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'ext4', readOnly: false });
  }
  if (hostPath !== undefined) fill(hostPath, { type: '' });
  if (iscsi !== undefined) fillZero(iscsi, { iscsiInterface: 'default' });
  if (rbd !== undefined) fillZero(rbd, { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' });
  if (scaleIO !== undefined) fillZero(scaleIO, { storageMode: 'ThinProvisioned', fsType: 'xfs' });
}

export function persistentVolumeSpecDefaults(spec: PersistentVolumeSpec): void {
  fillZero(spec, { persistentVolumeReclaimPolicy: 'Retain' });
  fill(spec, { volumeMode: 'Filesystem' });
  sourceDefaults(spec);
}

export function claimSpecDefaults(spec: PersistentVolumeClaimSpec | undefined): void {
  if (spec !== undefined) fill(spec, { volumeMode: 'Filesystem' });
}
