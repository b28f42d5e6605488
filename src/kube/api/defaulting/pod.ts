// Defaults of pods and of everything inside them, for pods themselves and for pod templates.
// Upstream source of the rules: pkg/apis/core/v1/defaults.go; admission (service account, priority) is elsewhere.
import type {
  Container,
  EnvVar,
  HTTPGetAction,
  LifecycleHandler,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Probe,
} from 'kubernetes-types/core/v1.js';
import { fill, fillZero } from './fill.ts';
import { defaultPullPolicy } from './image.ts';
import { volumeDefaults } from './volume.ts';

const gracePeriodSeconds = 30;

/** A pod of its own gets a little more than a template does. */
export function podDefaults(pod: Pod): void {
  const { spec } = pod;
  if (spec === undefined) return;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) requestsFromLimits(container);
  fill(spec, { enableServiceLinks: true });
  podSpecDefaults(spec);
  if (spec.hostNetwork === true) hostPorts(spec);
  fill(pod, { status: {} });
  fillZero(pod.status ?? {}, { phase: 'Pending' });
}

export function podTemplateDefaults(template: PodTemplateSpec | undefined): void {
  if (template?.spec !== undefined) podSpecDefaults(template.spec);
}

function podSpecDefaults(spec: PodSpec): void {
  fillZero(spec, { dnsPolicy: 'ClusterFirst', restartPolicy: 'Always', schedulerName: 'default-scheduler' });
  fill(spec, { securityContext: {}, terminationGracePeriodSeconds: gracePeriodSeconds });
  // Two names of one field: both are always written, the newer one counts.
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account) Object.assign(spec, { serviceAccountName: account, serviceAccount: account });
  spec.volumes?.forEach(volumeDefaults);
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) containerDefaults(container);
  for (const container of spec.ephemeralContainers ?? []) containerDefaults(container);
}

/** The fields that all three sorts of containers share. */
type AnyContainer = Omit<Container, 'name'>;

function containerDefaults(container: AnyContainer): void {
  fillZero(container, {
    imagePullPolicy: defaultPullPolicy(container.image),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  });
  fill(container, { resources: {} });
  for (const port of container.ports ?? []) fillZero(port, { protocol: 'TCP' });
  container.env?.forEach(envDefaults);
  probeDefaults(container.livenessProbe);
  probeDefaults(container.readinessProbe);
  probeDefaults(container.startupProbe);
  handlerDefaults(container.lifecycle?.postStart);
  handlerDefaults(container.lifecycle?.preStop);
}

/** With a source that the published types do not have yet. */
type ValueSource = NonNullable<EnvVar['valueFrom']> & { fileKeyRef?: { optional?: boolean } };

function envDefaults(variable: EnvVar): void {
  const { fieldRef, fileKeyRef, resourceFieldRef } = (variable.valueFrom ?? {}) as ValueSource;
  if (fieldRef !== undefined) fillZero(fieldRef, { apiVersion: 'v1' });
  if (fileKeyRef !== undefined) fill(fileKeyRef, { optional: false });
  if (resourceFieldRef !== undefined) fill(resourceFieldRef, { divisor: '0' });
}

function probeDefaults(probe: Probe | undefined): void {
  if (probe === undefined) return;
  fillZero(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  if (probe.grpc !== undefined) fill(probe.grpc, { service: '' });
  httpGetDefaults(probe.httpGet);
}

function handlerDefaults(handler: LifecycleHandler | undefined): void {
  httpGetDefaults(handler?.httpGet);
}

function httpGetDefaults(httpGet: HTTPGetAction | undefined): void {
  if (httpGet !== undefined) fillZero(httpGet, { path: '/', scheme: 'HTTP' });
}

/** Who limits a resource and does not say what it needs is taken to need the limit. */
function requestsFromLimits(container: Container): void {
  const { limits } = container.resources ?? {};
  if (container.resources === undefined || limits === undefined) return;
  container.resources.requests = { ...limits, ...container.resources.requests };
}

/** On the host's network a container's port is the host's. */
function hostPorts(spec: PodSpec): void {
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    for (const port of container.ports ?? []) fillZero(port, { hostPort: port.containerPort });
  }
}
