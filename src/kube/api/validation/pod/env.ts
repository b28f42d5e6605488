// Rules of a container's environment: variables, and where their values come from.
// Knows one container at a time. Upstream source: validateEnv in pkg/apis/core/validation.
import type { Container, EnvVar, EnvVarSource } from 'kubernetes-types/core/v1.js';
import { configMapKey, dnsSubdomain, environmentVariable, qualifiedName } from '../names.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';

const fieldPaths = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const resourcePattern = /^((limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+))$/;
const resourceFields = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const sources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;

export function validateEnvironment(container: Container, path: FieldPath, report: Report): void {
  for (const [index, variable] of (container.env ?? []).entries()) {
    validateVariable(variable, at(child(path, 'env'), index), report);
  }
  for (const [index, { prefix = '', configMapRef, secretRef }] of (container.envFrom ?? []).entries()) {
    const here = at(child(path, 'envFrom'), index);
    if (prefix !== '') report.each(child(here, 'prefix'), prefix, environmentVariable(prefix));
    if (configMapRef === undefined && secretRef === undefined) {
      report.invalid(here, '', 'must specify one of: `configMapRef` or `secretRef`');
    } else if (configMapRef !== undefined && secretRef !== undefined) {
      report.invalid(here, '', 'may not have more than one field specified at a time');
    }
    if (configMapRef !== undefined) validateName(configMapRef.name, child(here, 'configMapRef', 'name'), report);
    if (secretRef !== undefined) validateName(secretRef.name, child(here, 'secretRef', 'name'), report);
  }
}

function validateVariable(variable: EnvVar, path: FieldPath, report: Report): void {
  const name = variable.name ?? '';
  if (name === '') report.required(child(path, 'name'));
  else report.each(child(path, 'name'), name, environmentVariable(name));
  if (variable.valueFrom !== undefined) validateSource(variable, variable.valueFrom, child(path, 'valueFrom'), report);
}

function validateSource(variable: EnvVar, source: EnvVarSource, path: FieldPath, report: Report): void {
  const given = sources.filter((name) => (source as Record<string, unknown>)[name] !== undefined);
  if (given.length === 0) {
    report.invalid(
      path,
      '',
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
    );
  } else if ((variable.value ?? '') !== '') {
    report.invalid(path, '', 'may not be specified when `value` is not empty');
  } else if (given.length > 1) {
    report.invalid(path, '', 'may not have more than one field specified at a time');
  }
  if (source.fieldRef !== undefined)
    validateFieldRef(source.fieldRef.fieldPath, child(path, 'fieldRef'), report, fieldPaths);
  if (source.resourceFieldRef !== undefined) {
    validateResourceRef(source.resourceFieldRef.resource, child(path, 'resourceFieldRef'), report);
  }
  for (const kind of ['configMapKeyRef', 'secretKeyRef'] as const) {
    const ref = source[kind];
    if (ref === undefined) continue;
    validateName(ref.name, child(path, kind, 'name'), report);
    if ((ref.key ?? '') === '') report.required(child(path, kind, 'key'));
    else report.each(child(path, kind, 'key'), ref.key, configMapKey(ref.key));
  }
}

function validateName(name: string | undefined, path: FieldPath, report: Report): void {
  if (name === undefined || name === '') report.required(path);
  else report.each(path, name, dnsSubdomain(name));
}

export function validateResourceRef(resource: string | undefined, path: FieldPath, report: Report): void {
  if (resource === undefined || resource === '') report.required(child(path, 'resource'));
  else if (!resourcePattern.test(resource)) report.notSupported(child(path, 'resource'), resource, resourceFields);
}

/** `supported` differs between environment and volumes; one label or annotation may be named in both. */
export function validateFieldRef(
  fieldPath: string | undefined,
  path: FieldPath,
  report: Report,
  supported: readonly string[],
): void {
  if (fieldPath === undefined || fieldPath === '') {
    report.required(child(path, 'fieldPath'));
    return;
  }
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const key = subscript[2] ?? '';
    report.each(path, key, qualifiedName(subscript[1] === 'annotations' ? key.toLowerCase() : key));
  } else if (!supported.includes(fieldPath)) {
    report.notSupported(child(path, 'fieldPath'), fieldPath, supported);
  }
}
