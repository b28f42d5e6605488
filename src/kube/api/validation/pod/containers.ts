// Rules of containers: names, images, ports, policies, and what only some containers may have.
// Knows a pod's containers together. Upstream source: validateContainers in pkg/apis/core/validation.
import type { Container, PodSpec } from 'kubernetes-types/core/v1.js';
import { oneOf, validatePort } from '../common.ts';
import { dnsLabel, portName } from '../names.ts';
import { at, child, type FieldPath, type Report } from '../report.ts';
import { validateEnvironment } from './env.ts';
import { validateEphemeral } from './ephemeral.ts';
import { validateLifecycle, validateProbes } from './probes.ts';
import { validateResources } from './resources.ts';
import { validateMounts } from './volumes.ts';

const protocols = ['SCTP', 'TCP', 'UDP'];

/** All containers of a pod; names are unique over all of them. */
export function validateContainers(spec: PodSpec, volumes: ReadonlySet<string>, path: FieldPath, report: Report): void {
  const names = new Set<string>();
  const hostPorts = new Set<string>();
  if ((spec.containers?.length ?? 0) === 0) report.required(child(path, 'containers'));
  for (const [index, container] of (spec.containers ?? []).entries()) {
    const here = at(child(path, 'containers'), index);
    validateContainer(container, spec, volumes, names, here, report);
    validateHostPorts(container, hostPorts, here, report);
    validateLifecycle(container, spec.terminationGracePeriodSeconds, here, report);
    validateProbes(container, here, report);
    if (container.restartPolicy !== undefined) {
      report.forbidden(child(here, 'restartPolicy'), 'may not be set for non-init containers');
    }
  }
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const here = at(child(path, 'initContainers'), index);
    validateContainer(container, spec, volumes, names, here, report);
    validateInit(container, spec, here, report);
  }
  for (const [index, container] of (spec.ephemeralContainers ?? []).entries()) {
    const here = at(child(path, 'ephemeralContainers'), index);
    validateContainer(container, spec, volumes, names, here, report);
    validateEphemeral(container, spec, here, report);
  }
}

function validateContainer(
  container: Container,
  spec: PodSpec,
  volumes: ReadonlySet<string>,
  names: Set<string>,
  path: FieldPath,
  report: Report,
): void {
  const { name = '', image = '' } = container;
  if (name === '') report.required(child(path, 'name'));
  else {
    report.each(child(path, 'name'), name, dnsLabel(name));
    if (names.has(name)) report.duplicate(child(path, 'name'), name);
  }
  names.add(name);
  if (image === '') report.required(child(path, 'image'));
  else if (image.trim() !== image) {
    report.invalid(child(path, 'image'), image, 'must not have leading or trailing whitespace');
  }
  oneOf(
    container.terminationMessagePolicy,
    ['FallbackToLogsOnError', 'File'],
    child(path, 'terminationMessagePolicy'),
    report,
    'optional',
  );
  oneOf(
    container.imagePullPolicy,
    ['Always', 'IfNotPresent', 'Never'],
    child(path, 'imagePullPolicy'),
    report,
    'optional',
  );
  validatePorts(container, spec, path, report);
  validateEnvironment(container, path, report);
  validateMounts(container, volumes, path, report);
  validateResources(container.resources, child(path, 'resources'), report);
}

function validatePorts(container: Container, spec: PodSpec, path: FieldPath, report: Report): void {
  const names = new Set<string>();
  for (const [index, port] of (container.ports ?? []).entries()) {
    const here = at(child(path, 'ports'), index);
    const { name = '', containerPort = 0, hostPort = 0 } = port;
    if (name !== '') {
      report.each(child(here, 'name'), name, portName(name));
      if (names.has(name)) report.duplicate(child(here, 'name'), name);
      names.add(name);
    }
    if (containerPort === 0) report.required(child(here, 'containerPort'));
    else validatePort(containerPort, child(here, 'containerPort'), report);
    if (hostPort !== 0) {
      validatePort(hostPort, child(here, 'hostPort'), report);
      if (spec.hostNetwork === true && hostPort !== containerPort) {
        report.invalid(child(here, 'containerPort'), containerPort, 'must match `hostPort` when `hostNetwork` is true');
      }
    }
    oneOf(port.protocol, protocols, child(here, 'protocol'), report, 'optional');
  }
}

function validateHostPorts(container: Container, taken: Set<string>, path: FieldPath, report: Report): void {
  for (const [index, { hostPort = 0, hostIP = '', protocol = 'TCP' }] of (container.ports ?? []).entries()) {
    if (hostPort === 0) continue;
    const text = `${protocol}/${hostIP}/${hostPort}`;
    if (taken.has(text)) report.duplicate(child(at(child(path, 'ports'), index), 'hostPort'), text);
    taken.add(text);
  }
}

const runToEnd = 'may not be set for init containers without restartPolicy=Always';

function validateInit(container: Container, spec: PodSpec, path: FieldPath, report: Report): void {
  oneOf(container.restartPolicy, ['Always'], child(path, 'restartPolicy'), report, 'optional');
  if (container.restartPolicy === 'Always') {
    validateLifecycle(container, spec.terminationGracePeriodSeconds, path, report);
    validateProbes(container, path, report);
    return;
  }
  for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    if (container[name] !== undefined) report.forbidden(child(path, name), runToEnd);
  }
}
