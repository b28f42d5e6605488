// What becomes of the fields of a container: what it runs, how it is asked whether it is well, and what it may.
// Verdicts only.
import { everyHonoured, everyIgnored, everyRefused, honoured, ignored, moot, type Verdicts } from '../verdict.ts';

const KUBELET = 'src/kube/kubelet/kubelet.test.ts';
const ISOLATION = 'src/kube/kubelet/isolation.test.ts';
const IN_NAMESPACES = 'src/kube/kubelet/process/isolation.test.ts';
const TERMINATION = 'src/kube/kubelet/termination.test.ts';
const FIELDS = 'src/kube/kubelet/fields.test.ts';
const ENV = 'src/kube/kubelet/env/env.test.ts';
const PROBES = 'src/kube/kubelet/prober/probes.test.ts';
const PROBE_WORKER = 'src/kube/kubelet/prober/probe-worker.test.ts';
const HOST_PORTS = 'src/kube/kubelet/network/netns-network.test.ts';
const NO_RESTART_RULES = 'a container restarts by its restartPolicy alone';
const NO_RESIZE = 'requests and limits are set when a container starts';
const NO_DEVICES = 'there are no device drivers that could allocate a claim';

export const containerVerdicts: Verdicts = {
  'core.v1.Container': {
    ...honoured(KUBELET, 'args', 'command', 'env', 'image', 'livenessProbe', 'name', 'readinessProbe', 'restartPolicy'),
    ...honoured(KUBELET, 'volumeMounts'),
    ...honoured(ENV, 'envFrom'),
    ...honoured(FIELDS, 'imagePullPolicy', 'terminationMessagePolicy', 'workingDir'),
    ...honoured(TERMINATION, 'lifecycle', 'startupProbe'),
    ...honoured('src/kube/kubelet/limits.test.ts', 'resources'),
    ...honoured(ISOLATION, 'securityContext', 'terminationMessagePath'),
    ...honoured('src/kube/kubelet/streams.contract.ts', 'stdin', 'stdinOnce', 'tty'),
    ...honoured('src/kube/kubelet/env/env.test.ts', 'ports'),
    ...ignored(NO_RESIZE, 'resizePolicy'),
    ...ignored(NO_RESTART_RULES, 'restartPolicyRules'),
    ...ignored('there are no block devices to be had', 'volumeDevices'),
  },
  'core.v1.EnvVar': everyHonoured(ENV),
  'core.v1.EnvVarSource': {
    ...honoured(ENV, 'configMapKeyRef', 'fieldRef', 'resourceFieldRef', 'secretKeyRef'),
    ...ignored('variables come from the API, not from files of a volume', 'fileKeyRef'),
  },
  'core.v1.ConfigMapKeySelector': everyHonoured(ENV),
  'core.v1.SecretKeySelector': everyHonoured(ENV),
  'core.v1.ObjectFieldSelector': {
    ...honoured(ENV, 'fieldPath'),
    ...moot('there is one version of the fields of a pod', 'apiVersion'),
  },
  'core.v1.FileKeySelector': everyIgnored('variables come from the API, not from files of a volume'),
  'core.v1.ResourceFieldSelector': {
    ...honoured(ENV, 'divisor', 'resource'),
    ...honoured(FIELDS, 'containerName'),
  },
  'core.v1.EnvFromSource': everyHonoured(ENV),
  'core.v1.ConfigMapEnvSource': everyHonoured(ENV),
  'core.v1.SecretEnvSource': everyHonoured(ENV),
  'core.v1.Lifecycle': {
    ...honoured(TERMINATION, 'postStart', 'preStop'),
    ...ignored('containers are asked to end by SIGTERM', 'stopSignal'),
  },
  'core.v1.LifecycleHandler': {
    ...honoured(TERMINATION, 'exec'),
    ...honoured(FIELDS, 'httpGet', 'sleep'),
    ...moot('upstream has never acted on it', 'tcpSocket'),
  },
  'core.v1.ExecAction': everyHonoured(TERMINATION),
  'core.v1.HTTPGetAction': everyHonoured(FIELDS),
  'core.v1.HTTPHeader': everyHonoured(FIELDS),
  'core.v1.SleepAction': everyHonoured(FIELDS),
  'core.v1.TCPSocketAction': everyHonoured(FIELDS),
  'core.v1.Probe': {
    ...honoured(PROBES, 'grpc', 'tcpSocket'),
    ...honoured(KUBELET, 'exec', 'httpGet'),
    ...honoured(PROBE_WORKER, 'failureThreshold', 'initialDelaySeconds', 'periodSeconds', 'successThreshold'),
    ...honoured(FIELDS, 'timeoutSeconds', 'terminationGracePeriodSeconds'),
  },
  'core.v1.GRPCAction': everyHonoured(PROBES),
  'core.v1.ContainerPort': {
    ...honoured(HOST_PORTS, 'containerPort', 'hostIP', 'hostPort', 'protocol'),
    ...honoured('src/control/controllers/endpointslice/endpointslice.test.ts', 'name'),
  },
  'core.v1.ContainerResizePolicy': everyIgnored(NO_RESIZE),
  'core.v1.ResourceRequirements': {
    ...honoured('src/kube/kubelet/limits.test.ts', 'limits'),
    ...honoured('src/kube/kubelet/cgroup/limits.test.ts', 'requests'),
    ...ignored(NO_DEVICES, 'claims'),
  },
  'core.v1.ResourceClaim': everyIgnored(NO_DEVICES),
  'core.v1.ContainerRestartRule': everyIgnored(NO_RESTART_RULES),
  'core.v1.ContainerRestartRuleOnExitCodes': everyIgnored(NO_RESTART_RULES),
  'core.v1.SecurityContext': {
    ...honoured(ISOLATION, 'runAsGroup', 'runAsNonRoot', 'runAsUser'),
    ...honoured(IN_NAMESPACES, 'capabilities', 'privileged'),
    ...honoured(FIELDS, 'allowPrivilegeEscalation', 'procMount', 'readOnlyRootFilesystem'),
    ...moot(
      'containers run under the security profile of the machine; no other is loaded for them',
      'appArmorProfile',
      'seLinuxOptions',
      'seccompProfile',
    ),
    ...ignored('nodes run Linux', 'windowsOptions'),
  },
  'core.v1.Capabilities': everyHonoured(FIELDS),
  'core.v1.VolumeDevice': everyRefused('there are no block devices to be had'),
};
