// What becomes of the fields of a pod as a whole: identity, names, users, life.
// Verdicts only.
import {
  everyHonoured,
  everyIgnored,
  honoured,
  honouredWhere,
  ignored,
  moot,
  refused,
  type Verdicts,
} from '../verdict.ts';

const KUBELET = 'src/kube/kubelet/kubelet.test.ts';
const ISOLATION = 'src/kube/kubelet/isolation.test.ts';
const FIELDS = 'src/kube/kubelet/fields.test.ts';
const SHARED = 'but for containers of an engine on `loopback`, and those of docker beside processes';
const NO_WINDOWS = 'nodes run Linux';
const NO_SECURITY_MODULE = 'containers run under the security profile of the machine; no other is loaded for them';
const EPHEMERAL = 'src/kube/kubelet/ephemeral.test.ts';
const NOT_EPHEMERAL = 'the API refuses it of a container that is added to a pod, as upstream';
const NO_DEVICES = 'there are no device drivers that could allocate a claim';

export const podVerdicts: Verdicts = {
  'core.v1.PodSpec': {
    ...honoured(
      KUBELET,
      'activeDeadlineSeconds',
      'containers',
      'initContainers',
      'readinessGates',
      'restartPolicy',
      'volumes',
    ),
    ...honoured(ISOLATION, 'dnsConfig', 'dnsPolicy', 'hostAliases', 'hostname', 'securityContext', 'setHostnameAsFQDN'),
    ...honoured(ISOLATION, 'subdomain'),
    ...honouredWhere(SHARED, ISOLATION, 'shareProcessNamespace'),
    ...honoured(FIELDS, 'enableServiceLinks', 'hostNetwork', 'hostPID', 'hostIPC'),
    ...honoured('src/kube/kubelet/termination.test.ts', 'terminationGracePeriodSeconds'),
    ...honoured('src/kube/kubelet/env/env.test.ts', 'serviceAccountName'),
    ...honoured('src/control/controllers/scheduler/filters/filters.test.ts', 'affinity', 'nodeSelector', 'tolerations'),
    ...honoured('src/control/controllers/scheduler/filters/filters.test.ts', 'topologySpreadConstraints'),
    ...honoured('src/control/controllers/scheduler/scheduler.test.ts', 'nodeName', 'schedulerName', 'schedulingGates'),
    ...honoured('src/control/controllers/scheduler/preemption.test.ts', 'preemptionPolicy', 'priority'),
    ...honoured('src/control/controllers/scheduler/state/requests.test.ts', 'overhead'),
    ...honoured('test/scheduling/scheduling.test.ts', 'priorityClassName'),
    ...moot('the name that serviceAccountName had before; it is kept in step with it', 'serviceAccount'),
    ...honoured('src/kube/apiserver/subresources/token.test.ts', 'automountServiceAccountToken'),
    ...moot(
      'images are mapped to commands, or pulled with the credentials that the container engine has',
      'imagePullSecrets',
    ),
    ...moot('every node runs Linux', 'os'),
    ...ignored('pods share the user namespace of the node', 'hostUsers'),
    ...ignored('names come from hostname and subdomain', 'hostnameOverride'),
    ...ignored('limits are those of the containers, and of the pod as their sum', 'resources'),
    ...ignored('there is one way to run containers on a node', 'runtimeClassName'),
    ...ignored('pods are scheduled one by one', 'schedulingGroup'),
    ...honoured(EPHEMERAL, 'ephemeralContainers'),
    ...refused(NO_DEVICES, 'resourceClaims'),
  },
  'core.v1.EphemeralContainer': {
    ...honoured(EPHEMERAL, 'args', 'image', 'name', 'targetContainerName'),
    // What follows is as for any container: the same code reads it.
    ...honoured(KUBELET, 'command', 'env', 'volumeMounts'),
    ...honoured('src/kube/kubelet/env/env.test.ts', 'envFrom'),
    ...honoured(FIELDS, 'imagePullPolicy', 'terminationMessagePolicy', 'workingDir'),
    ...honoured(ISOLATION, 'securityContext', 'terminationMessagePath'),
    ...honoured('src/kube/kubelet/streams.contract.ts', 'stdin', 'stdinOnce', 'tty'),
    ...refused(NOT_EPHEMERAL, 'lifecycle', 'livenessProbe', 'ports', 'readinessProbe', 'resources', 'startupProbe'),
    ...refused(NOT_EPHEMERAL, 'restartPolicy'),
    ...ignored('it runs once', 'restartPolicyRules'),
    ...ignored('requests and limits are set when a container starts', 'resizePolicy'),
    ...ignored('there are no block devices to be had', 'volumeDevices'),
  },
  'core.v1.HostAlias': everyHonoured(ISOLATION),
  'core.v1.LocalObjectReference': everyIgnored('see the field that holds it'),
  'core.v1.PodOS': everyIgnored('every node runs Linux'),
  'core.v1.PodReadinessGate': everyHonoured(KUBELET),
  'core.v1.PodResourceClaim': everyIgnored(NO_DEVICES),
  'core.v1.PodSchedulingGroup': everyIgnored('pods are scheduled one by one'),
  'core.v1.PodDNSConfig': {
    ...honoured(ISOLATION, 'nameservers', 'searches', 'options'),
  },
  'core.v1.PodDNSConfigOption': everyHonoured(ISOLATION),
  'core.v1.PodSecurityContext': {
    ...honoured(ISOLATION, 'fsGroup', 'runAsGroup', 'runAsNonRoot', 'runAsUser'),
    ...honoured(FIELDS, 'supplementalGroups', 'supplementalGroupsPolicy'),
    ...honoured('src/kube/kubelet/process/isolation.test.ts', 'sysctls'),
    ...ignored('the group of a volume is set at every start', 'fsGroupChangePolicy'),
    ...moot(NO_SECURITY_MODULE, 'appArmorProfile', 'seLinuxChangePolicy', 'seLinuxOptions', 'seccompProfile'),
    ...ignored(NO_WINDOWS, 'windowsOptions'),
  },
  'core.v1.Sysctl': everyHonoured('src/kube/kubelet/pod/security.test.ts'),
  'core.v1.SELinuxOptions': everyIgnored(NO_SECURITY_MODULE),
  'core.v1.SeccompProfile': everyIgnored(NO_SECURITY_MODULE),
  'core.v1.AppArmorProfile': everyIgnored(NO_SECURITY_MODULE),
  'core.v1.WindowsSecurityContextOptions': everyIgnored(NO_WINDOWS),
};
