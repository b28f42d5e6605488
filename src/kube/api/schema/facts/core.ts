// How the fields of core kinds other than pods merge: services, nodes, volumes, quotas, and metadata itself.
// Facts of the API (core/v1 and meta/v1 types); nothing here decides what to do with them.
import { atomicList, atomicMap, type FactTable, fields, mergedBy, mergedSet, oneOf } from './make.ts';

export const metaFacts: FactTable = {
  'meta.v1.ObjectMeta.finalizers': mergedSet,
  'meta.v1.ObjectMeta.managedFields': atomicList,
  'meta.v1.ObjectMeta.ownerReferences': mergedBy('uid'),
  'meta.v1.OwnerReference': atomicMap,
  'meta.v1.LabelSelector': atomicMap,
  'meta.v1.LabelSelector.matchExpressions': atomicList,
  'meta.v1.LabelSelectorRequirement.values': atomicList,
  'meta.v1.FieldSelectorRequirement.values': atomicList,
  'meta.v1.DeleteOptions.dryRun': atomicList,
  'meta.v1.StatusDetails.causes': atomicList,
};

export const coreFacts: FactTable = {
  'core.v1.ServiceSpec.ports': mergedBy('port', 'protocol'),
  'core.v1.ServicePort.protocol': { ...oneOf('TCP', 'UDP', 'SCTP'), default: 'TCP' },
  ...fields('core.v1.ServiceSpec', atomicList, 'clusterIPs', 'externalIPs', 'ipFamilies', 'loadBalancerSourceRanges'),
  'core.v1.ServiceSpec.selector': atomicMap,
  'core.v1.ServiceSpec.type': oneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'),
  'core.v1.ServiceSpec.sessionAffinity': oneOf('ClientIP', 'None'),
  'core.v1.ServiceSpec.externalTrafficPolicy': oneOf('Cluster', 'Local'),
  'core.v1.ServiceSpec.internalTrafficPolicy': oneOf('Cluster', 'Local'),
  'core.v1.ServiceSpec.ipFamilyPolicy': oneOf('PreferDualStack', 'RequireDualStack', 'SingleStack'),
  'core.v1.ServiceStatus.conditions': mergedBy('type'),
  'core.v1.LoadBalancerStatus.ingress': atomicList,
  'core.v1.LoadBalancerIngress.ports': atomicList,

  'core.v1.Endpoints.subsets': atomicList,
  ...fields('core.v1.EndpointSubset', atomicList, 'addresses', 'notReadyAddresses', 'ports'),
  'core.v1.EndpointAddress': atomicMap,
  'core.v1.EndpointPort': atomicMap,

  'core.v1.ServiceAccount.secrets': mergedBy('name'),
  'core.v1.ServiceAccount.imagePullSecrets': atomicList,

  'core.v1.NamespaceSpec.finalizers': atomicList,
  'core.v1.NamespaceStatus.conditions': mergedBy('type'),
  'core.v1.NamespaceStatus.phase': oneOf('Active', 'Terminating'),

  'core.v1.NodeSpec.podCIDRs': mergedSet,
  'core.v1.NodeSpec.taints': atomicList,
  'core.v1.Taint.effect': oneOf('NoExecute', 'NoSchedule', 'PreferNoSchedule'),
  'core.v1.NodeStatus.addresses': mergedBy('type'),
  'core.v1.NodeStatus.conditions': mergedBy('type'),
  ...fields(
    'core.v1.NodeStatus',
    atomicList,
    'declaredFeatures',
    'images',
    'runtimeHandlers',
    'volumesAttached',
    'volumesInUse',
  ),
  'core.v1.ContainerImage.names': atomicList,

  ...fields('core.v1.PersistentVolumeSpec', atomicList, 'accessModes', 'mountOptions'),
  // A reference, yet owned field by field: the binder and its users write to it both.
  'core.v1.PersistentVolumeSpec.claimRef': { mapType: 'granular' },
  'core.v1.CephFSPersistentVolumeSource.monitors': atomicList,
  'core.v1.RBDPersistentVolumeSource.monitors': atomicList,
  'core.v1.ISCSIPersistentVolumeSource.portals': atomicList,
  'core.v1.PersistentVolumeClaimSpec.accessModes': atomicList,
  'core.v1.PersistentVolumeClaimStatus.accessModes': atomicList,
  'core.v1.PersistentVolumeClaimStatus.allocatedResourceStatuses': { mapType: 'granular' },
  'core.v1.PersistentVolumeClaimStatus.conditions': mergedBy('type'),
  'core.v1.TopologySelectorTerm': atomicMap,
  'core.v1.TopologySelectorTerm.matchLabelExpressions': atomicList,
  'core.v1.TopologySelectorLabelRequirement.values': atomicList,

  'core.v1.ReplicationControllerSpec.selector': atomicMap,
  'core.v1.ReplicationControllerStatus.conditions': mergedBy('type'),
  'core.v1.LimitRangeSpec.limits': atomicList,
  'core.v1.ResourceQuotaSpec.scopes': atomicList,
  'core.v1.ScopeSelector': atomicMap,
  'core.v1.ScopeSelector.matchExpressions': atomicList,
  'core.v1.ScopedResourceSelectorRequirement.values': atomicList,

  'core.v1.LocalObjectReference': atomicMap,
  'core.v1.ObjectReference': atomicMap,
  'core.v1.SecretReference': atomicMap,
  'core.v1.TypedLocalObjectReference': atomicMap,
};
