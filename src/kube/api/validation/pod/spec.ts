// Rules of a pod's spec as a whole, and of the template that workloads carry.
// Knows its parts by their own files. Upstream source: ValidatePodSpec in pkg/apis/core/validation.
import type { PodSpec, PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import { isIpAddress, notNegative, oneOf } from '../common.ts';
import { validateAnnotations, validateLabels } from '../metadata.ts';
import { dnsLabel, dnsSubdomain, labelValueText, qualifiedName } from '../names.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';
import { validateContainers } from './containers.ts';
import { validateScheduling } from './scheduling.ts';
import { validateVolumes } from './volumes.ts';

const restartPolicies = ['Always', 'Never', 'OnFailure'];
const dnsPolicies = ['ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'];
const maxDeadline = 2 ** 31 - 1;

export function validatePodSpec(spec: PodSpec, path: FieldPath, report: Report): void {
  const volumes = validateVolumes(spec.volumes ?? [], child(path, 'volumes'), report);
  validateContainers(spec, volumes, path, report);
  oneOf(spec.restartPolicy, restartPolicies, child(path, 'restartPolicy'), report, 'optional');
  oneOf(spec.dnsPolicy, dnsPolicies, child(path, 'dnsPolicy'), report, 'optional');
  if (spec.dnsPolicy === 'None' && (spec.dnsConfig?.nameservers?.length ?? 0) === 0) {
    report.required(
      child(path, 'dnsConfig', 'nameservers'),
      'must provide at least one DNS nameserver when `dnsPolicy` is None',
    );
  }
  notNegative(spec.terminationGracePeriodSeconds, child(path, 'terminationGracePeriodSeconds'), report);
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxDeadline)) {
    report.invalid(child(path, 'activeDeadlineSeconds'), deadline, `must be between 1 and ${maxDeadline}, inclusive`);
  }
  for (const field of ['serviceAccountName', 'nodeName', 'priorityClassName', 'runtimeClassName'] as const) {
    const name = spec[field] ?? '';
    if (name !== '') report.each(child(path, field), name, dnsSubdomain(name));
  }
  for (const field of ['hostname', 'subdomain'] as const) {
    const name = spec[field] ?? '';
    if (name !== '') report.each(child(path, field), name, dnsLabel(name));
  }
  for (const [key, value] of Object.entries(spec.nodeSelector ?? {})) {
    report.each(child(path, 'nodeSelector'), key, qualifiedName(key));
    report.each(child(path, 'nodeSelector'), value, labelValueText(value));
  }
  for (const [index, { ip = '', hostnames = [] }] of (spec.hostAliases ?? []).entries()) {
    const here = at(child(path, 'hostAliases'), index);
    if (!isIpAddress(ip))
      report.invalid(child(here, 'ip'), ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
    for (const name of hostnames) report.each(child(here, 'hostnames'), name, dnsSubdomain(name));
  }
  for (const [index, { conditionType = '' }] of (spec.readinessGates ?? []).entries()) {
    report.each(at(child(path, 'readinessGates'), index), conditionType, qualifiedName(conditionType));
  }
  for (const [index, { name = '' }] of (spec.imagePullSecrets ?? []).entries()) {
    if (name === '') report.required(child(at(child(path, 'imagePullSecrets'), index), 'name'));
  }
  validateScheduling(spec, path, report);
}

/** The template of a workload; `path` is that of the template. */
export function validateTemplate(template: PodTemplateSpec | undefined, path: FieldPath, report: Report): void {
  validateLabels(template?.metadata?.labels, child(path, 'metadata', 'labels'), report);
  validateAnnotations(template?.metadata?.annotations, child(path, 'metadata', 'annotations'), report);
  if (template?.spec === undefined) report.required(child(path, 'spec', 'containers'));
  else validatePodSpec(template.spec, child(path, 'spec'), report);
}
