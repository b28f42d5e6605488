// Rules of a pod's volumes and of the places where containers mount them.
// Knows the common sources in detail, the others by name only. Upstream source: ValidateVolumes in pkg/apis/core/validation.
import type {
  Container,
  KeyToPath,
  ServiceAccountTokenProjection,
  Volume,
  VolumeMount,
} from 'kubernetes-types/core/v1.js';
import { validateLocalPath } from '../common.ts';
import { configMapKey, dnsLabel } from '../names.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';
import { validateFieldRef, validateResourceRef } from './env.ts';

const downwardPaths = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];

/** Names of the volumes, for the mounts that refer to them. */
export function validateVolumes(volumes: readonly Volume[], path: FieldPath, report: Report): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [index, volume] of volumes.entries()) {
    const here = at(path, index);
    const { name = '', ...source } = volume;
    if (name === '') report.required(child(here, 'name'));
    else {
      report.each(child(here, 'name'), name, dnsLabel(name));
      if (names.has(name)) report.duplicate(child(here, 'name'), name);
    }
    names.add(name);
    const kinds = Object.keys(source).filter((kind) => (source as Record<string, unknown>)[kind] !== undefined);
    if (kinds.length === 0) report.required(here, 'must specify a volume type');
    for (const kind of kinds.slice(1)) report.forbidden(child(here, kind), 'may not specify more than 1 volume type');
    validateSource(volume, here, report);
  }
  return names;
}

function validateSource(volume: Volume, path: FieldPath, report: Report): void {
  const { configMap, secret, hostPath, persistentVolumeClaim, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    if ((configMap.name ?? '') === '') report.required(child(path, 'configMap', 'name'));
    validateItems(configMap.items, child(path, 'configMap'), report);
    validateMode(configMap.defaultMode, child(path, 'configMap', 'defaultMode'), report);
  }
  if (secret !== undefined) {
    if ((secret.secretName ?? '') === '') report.required(child(path, 'secret', 'secretName'));
    validateItems(secret.items, child(path, 'secret'), report);
    validateMode(secret.defaultMode, child(path, 'secret', 'defaultMode'), report);
  }
  if (hostPath !== undefined) {
    const text = hostPath.path ?? '';
    if (text === '') report.required(child(path, 'hostPath', 'path'));
    else if (text.split('/').includes('..'))
      report.invalid(child(path, 'hostPath', 'path'), text, "must not contain '..'");
  }
  if (persistentVolumeClaim !== undefined && (persistentVolumeClaim.claimName ?? '') === '') {
    report.required(child(path, 'persistentVolumeClaim', 'claimName'));
  }
  if (downwardAPI !== undefined) {
    validateDownward(downwardAPI.items ?? [], child(path, 'downwardAPI'), report);
    validateMode(downwardAPI.defaultMode, child(path, 'downwardAPI', 'defaultMode'), report);
  }
  for (const [index, part] of (projected?.sources ?? []).entries()) {
    const here = at(child(path, 'projected', 'sources'), index);
    for (const kind of ['configMap', 'secret'] as const) {
      const ref = part[kind];
      if (ref === undefined) continue;
      if ((ref.name ?? '') === '') report.required(child(here, kind, 'name'));
      validateItems(ref.items, child(here, kind), report);
    }
    if (part.downwardAPI !== undefined)
      validateDownward(part.downwardAPI.items ?? [], child(here, 'downwardAPI'), report);
    if (part.serviceAccountToken !== undefined) {
      validateToken(part.serviceAccountToken, child(here, 'serviceAccountToken'), report);
    }
  }
}

function validateToken(
  { path: file = '', expirationSeconds: seconds = 3600 }: ServiceAccountTokenProjection,
  path: FieldPath,
  report: Report,
): void {
  if (file === '') report.required(child(path, 'path'));
  else validateLocalPath(file, child(path, 'path'), report);
  const here = child(path, 'expirationSeconds');
  if (seconds < 600) report.invalid(here, seconds, 'may not specify a duration less than 10 minutes');
  if (seconds > 2 ** 32) report.invalid(here, seconds, 'may not specify a duration larger than 2^32 seconds');
}

function validateDownward(
  items: readonly {
    path: string;
    mode?: number;
    fieldRef?: { fieldPath: string };
    resourceFieldRef?: { resource: string };
  }[],
  path: FieldPath,
  report: Report,
): void {
  for (const item of items) {
    if ((item.path ?? '') === '') report.required(child(path, 'path'));
    else validateLocalPath(item.path, child(path, 'path'), report);
    if (item.fieldRef !== undefined) {
      validateFieldRef(item.fieldRef.fieldPath, child(path, 'fieldRef'), report, downwardPaths);
      if (item.resourceFieldRef !== undefined) {
        report.invalid(path, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
      }
    } else if (item.resourceFieldRef !== undefined) {
      validateResourceRef(item.resourceFieldRef.resource, child(path, 'resourceFieldRef'), report);
    } else {
      report.required(path, 'one of fieldRef and resourceFieldRef is required');
    }
    validateMode(item.mode, child(path, 'mode'), report);
  }
}

function validateItems(items: readonly KeyToPath[] | undefined, path: FieldPath, report: Report): void {
  for (const [index, item] of (items ?? []).entries()) {
    const here = at(child(path, 'items'), index);
    if ((item.key ?? '') === '') report.required(child(here, 'key'));
    else report.each(child(here, 'key'), item.key, configMapKey(item.key));
    if ((item.path ?? '') === '') report.required(child(here, 'path'));
    else validateLocalPath(item.path, child(here, 'path'), report);
    validateMode(item.mode, child(here, 'mode'), report);
  }
}

function validateMode(mode: number | undefined, path: FieldPath, report: Report): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    report.invalid(path, mode, 'must be a number between 0 and 0777 (octal), both inclusive');
  }
}

/** Mounts of one container. */
export function validateMounts(
  container: Container,
  volumes: ReadonlySet<string>,
  path: FieldPath,
  report: Report,
): void {
  const places = new Set<string>();
  for (const [index, mount] of (container.volumeMounts ?? []).entries()) {
    const here = at(child(path, 'volumeMounts'), index);
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount;
    if (name === '') report.required(child(here, 'name'));
    else if (!volumes.has(name)) report.notFound(child(here, 'name'), name);
    if (mountPath === '') report.required(child(here, 'mountPath'));
    if (places.has(mountPath)) report.invalid(child(here, 'mountPath'), mountPath, 'must be unique');
    places.add(mountPath);
    if (subPath !== '') validateLocalPath(subPath, child(here, 'subPath'), report);
    if (subPathExpr !== '') {
      if (subPath !== '')
        report.invalid(child(here, 'subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive');
      validateLocalPath(subPathExpr, child(here, 'subPathExpr'), report);
    }
    validatePropagation(mount, container, here, report);
    validateRecursiveReadOnly(mount, here, report);
  }
}

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];
const RECURSIVE_MODES = ['Disabled', 'Enabled', 'IfPossible'];

function validatePropagation(
  { mountPropagation }: VolumeMount,
  { securityContext }: Container,
  path: FieldPath,
  report: Report,
): void {
  const here = child(path, 'mountPropagation');
  if (mountPropagation === undefined) return;
  if (!PROPAGATIONS.includes(mountPropagation)) report.notSupported(here, mountPropagation, PROPAGATIONS);
  if (mountPropagation === 'Bidirectional' && securityContext?.privileged !== true) {
    report.forbidden(here, 'Bidirectional mount propagation is available only to privileged containers');
  }
}

function validateRecursiveReadOnly(mount: VolumeMount, path: FieldPath, report: Report): void {
  const { recursiveReadOnly, readOnly, mountPropagation = 'None' } = mount;
  const here = child(path, 'recursiveReadOnly');
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return;
  if (!RECURSIVE_MODES.includes(recursiveReadOnly)) {
    report.notSupported(here, recursiveReadOnly, RECURSIVE_MODES);
    return;
  }
  if (readOnly !== true) report.forbidden(here, 'may only be specified when readOnly is true');
  if (mountPropagation !== 'None') {
    report.forbidden(here, 'may only be specified when mountPropagation is None or not specified');
  }
}
