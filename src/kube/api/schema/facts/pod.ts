// How the fields of pods, containers and volumes merge, and which words some of them take.
// Facts of the API (core/v1 types); nothing here decides what to do with them.
import {
  appliedBy,
  atomicList,
  atomicMap,
  atomicMergedBy,
  type FactTable,
  fields,
  mergedBy,
  mergedByRetaining,
  oneOf,
  setList,
} from './make.ts';

const protocol = { ...oneOf('TCP', 'UDP', 'SCTP'), default: 'TCP' };

function container(definition: string): FactTable {
  return {
    ...fields(definition, atomicList, 'args', 'command', 'envFrom', 'resizePolicy', 'restartPolicyRules'),
    [`${definition}.env`]: mergedBy('name'),
    [`${definition}.ports`]: mergedBy('containerPort', 'protocol'),
    [`${definition}.volumeDevices`]: mergedBy('devicePath'),
    [`${definition}.volumeMounts`]: mergedBy('mountPath'),
    [`${definition}.imagePullPolicy`]: oneOf('Always', 'IfNotPresent', 'Never'),
    [`${definition}.terminationMessagePolicy`]: oneOf('FallbackToLogsOnError', 'File'),
  };
}

export const podFacts: FactTable = {
  ...container('core.v1.Container'),
  ...container('core.v1.EphemeralContainer'),
  'core.v1.ContainerPort.protocol': protocol,
  'core.v1.ResourceRequirements.claims': appliedBy('name'),
  ...fields('core.v1.Capabilities', atomicList, 'add', 'drop'),
  'core.v1.ExecAction.command': atomicList,
  'core.v1.HTTPGetAction.httpHeaders': atomicList,
  'core.v1.HTTPGetAction.scheme': oneOf('HTTP', 'HTTPS'),
  'core.v1.ContainerRestartRuleOnExitCodes.values': setList,

  'core.v1.PodSpec.containers': mergedBy('name'),
  'core.v1.PodSpec.initContainers': mergedBy('name'),
  'core.v1.PodSpec.ephemeralContainers': mergedBy('name'),
  'core.v1.PodSpec.volumes': mergedByRetaining('name'),
  'core.v1.PodSpec.resourceClaims': mergedByRetaining('name'),
  'core.v1.PodSpec.imagePullSecrets': mergedBy('name'),
  'core.v1.PodSpec.hostAliases': mergedBy('ip'),
  'core.v1.PodSpec.schedulingGates': mergedBy('name'),
  'core.v1.PodSpec.topologySpreadConstraints': mergedBy('topologyKey', 'whenUnsatisfiable'),
  ...fields('core.v1.PodSpec', atomicList, 'readinessGates', 'tolerations'),
  'core.v1.PodSpec.nodeSelector': atomicMap,
  'core.v1.PodSpec.restartPolicy': oneOf('Always', 'Never', 'OnFailure'),
  'core.v1.PodSpec.dnsPolicy': oneOf('ClusterFirst', 'ClusterFirstWithHostNet', 'Default', 'None'),
  'core.v1.PodSpec.preemptionPolicy': oneOf('Never', 'PreemptLowerPriority'),
  'core.v1.HostAlias.hostnames': atomicList,
  ...fields('core.v1.PodDNSConfig', atomicList, 'nameservers', 'options', 'searches'),
  ...fields('core.v1.PodSecurityContext', atomicList, 'supplementalGroups', 'sysctls'),
  'core.v1.TopologySpreadConstraint.matchLabelKeys': atomicList,
  'core.v1.TopologySpreadConstraint.whenUnsatisfiable': oneOf('DoNotSchedule', 'ScheduleAnyway'),
  'core.v1.Toleration.operator': oneOf('Equal', 'Exists'),
  'core.v1.Toleration.effect': oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'),

  'core.v1.NodeAffinity.preferredDuringSchedulingIgnoredDuringExecution': atomicList,
  'core.v1.NodeSelector': atomicMap,
  'core.v1.NodeSelector.nodeSelectorTerms': atomicList,
  'core.v1.NodeSelectorTerm': atomicMap,
  ...fields('core.v1.NodeSelectorTerm', atomicList, 'matchExpressions', 'matchFields'),
  'core.v1.NodeSelectorRequirement.operator': oneOf('DoesNotExist', 'Exists', 'Gt', 'In', 'Lt', 'NotIn'),
  'core.v1.NodeSelectorRequirement.values': atomicList,
  ...affinity('core.v1.PodAffinity'),
  ...affinity('core.v1.PodAntiAffinity'),
  ...fields('core.v1.PodAffinityTerm', atomicList, 'matchLabelKeys', 'mismatchLabelKeys', 'namespaces'),

  ...fields('core.v1.ConfigMapVolumeSource', atomicList, 'items'),
  ...fields('core.v1.SecretVolumeSource', atomicList, 'items'),
  ...fields('core.v1.DownwardAPIVolumeSource', atomicList, 'items'),
  ...fields('core.v1.ConfigMapProjection', atomicList, 'items'),
  ...fields('core.v1.SecretProjection', atomicList, 'items'),
  ...fields('core.v1.DownwardAPIProjection', atomicList, 'items'),
  'core.v1.ProjectedVolumeSource.sources': atomicList,
  'core.v1.CephFSVolumeSource.monitors': atomicList,
  'core.v1.RBDVolumeSource.monitors': atomicList,
  'core.v1.ISCSIVolumeSource.portals': atomicList,
  ...fields('core.v1.FCVolumeSource', atomicList, 'targetWWNs', 'wwids'),
  'core.v1.ConfigMapKeySelector': atomicMap,
  'core.v1.SecretKeySelector': atomicMap,
  'core.v1.ObjectFieldSelector': atomicMap,
  'core.v1.ResourceFieldSelector': atomicMap,
  'core.v1.FileKeySelector': atomicMap,

  'core.v1.PodStatus.conditions': mergedBy('type'),
  'core.v1.PodStatus.hostIPs': atomicMergedBy('ip'),
  'core.v1.PodStatus.podIPs': mergedBy('ip'),
  'core.v1.PodStatus.resourceClaimStatuses': mergedByRetaining('name'),
  ...fields(
    'core.v1.PodStatus',
    atomicList,
    'containerStatuses',
    'ephemeralContainerStatuses',
    'initContainerStatuses',
    'nodeAllocatableResourceClaimStatuses',
  ),
  'core.v1.PodStatus.phase': oneOf('Failed', 'Pending', 'Running', 'Succeeded', 'Unknown'),
  'core.v1.ContainerStatus.allocatedResourcesStatus': mergedBy('name'),
  'core.v1.ContainerStatus.volumeMounts': mergedBy('mountPath'),
  'core.v1.LinuxContainerUser.supplementalGroups': atomicList,
  'core.v1.NodeAllocatableResourceClaimStatus.containers': setList,
  'core.v1.PodExtendedResourceClaimStatus.requestMappings': atomicList,
  'core.v1.ResourceStatus.resources': appliedBy('resourceID'),
};

function affinity(definition: string): FactTable {
  return fields(
    definition,
    atomicList,
    'preferredDuringSchedulingIgnoredDuringExecution',
    'requiredDuringSchedulingIgnoredDuringExecution',
  );
}
