// Fills in what a client left out, kind by kind, as the API promises; the table here is the whole list.
// Decides nothing that depends on other objects: that is admission and allocation.
import type { KubeObject } from '../object.ts';
import {
  mutatingAdmissionPolicyBindingDefaults,
  mutatingAdmissionPolicyDefaults,
  mutatingWebhookDefaults,
  validatingAdmissionPolicyBindingDefaults,
  validatingAdmissionPolicyDefaults,
  validatingWebhookDefaults,
} from './admission.ts';
import { daemonSetDefaults, deploymentDefaults, replicaSetDefaults, statefulSetDefaults } from './apps.ts';
import { horizontalPodAutoscalerDefaults, olderAutoscalerDefaults } from './autoscaling.ts';
import { cronJobDefaults, jobDefaults } from './batch.ts';
import { bindingDefaults, priorityClassDefaults, storageClassDefaults, tokenRequestDefaults } from './cluster.ts';
import {
  endpointsDefaults,
  limitRangeDefaults,
  namespaceDefaults,
  nodeDefaults,
  persistentVolumeClaimDefaults,
  persistentVolumeDefaults,
  replicationControllerDefaults,
  secretDefaults,
  serviceDefaults,
  standalonePodTemplateDefaults,
} from './core.ts';
import { customResourceDefinitionDefaults } from './custom-resource-definition.ts';
import { flowSchemaDefaults, priorityLevelDefaults } from './flow-control.ts';
import { endpointSliceDefaults, ingressClassDefaults, ingressDefaults, networkPolicyDefaults } from './networking.ts';
import { podDefaults } from './pod.ts';

type Defaulter = (object: KubeObject) => void;

/** The table below pairs each function with the kind whose type it takes; this is the one place that says so. */
function of<T extends KubeObject>(defaults: (object: T) => void): Defaulter {
  return defaults as Defaulter;
}

const defaulters: Readonly<Record<string, Defaulter>> = {
  'v1/Endpoints': of(endpointsDefaults),
  'v1/LimitRange': of(limitRangeDefaults),
  'v1/Namespace': of(namespaceDefaults),
  'v1/Node': of(nodeDefaults),
  'v1/PersistentVolume': of(persistentVolumeDefaults),
  'v1/PersistentVolumeClaim': of(persistentVolumeClaimDefaults),
  'v1/Pod': of(podDefaults),
  'v1/PodTemplate': of(standalonePodTemplateDefaults),
  'v1/ReplicationController': of(replicationControllerDefaults),
  'v1/Secret': of(secretDefaults),
  'v1/Service': of(serviceDefaults),
  'apps/v1/DaemonSet': of(daemonSetDefaults),
  'apps/v1/Deployment': of(deploymentDefaults),
  'apps/v1/ReplicaSet': of(replicaSetDefaults),
  'apps/v1/StatefulSet': of(statefulSetDefaults),
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy': of(mutatingAdmissionPolicyDefaults),
  'admissionregistration.k8s.io/v1/MutatingAdmissionPolicyBinding': of(mutatingAdmissionPolicyBindingDefaults),
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': of(validatingAdmissionPolicyDefaults),
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': of(validatingAdmissionPolicyBindingDefaults),
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': of(mutatingWebhookDefaults),
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': of(validatingWebhookDefaults),
  'apiextensions.k8s.io/v1/CustomResourceDefinition': of(customResourceDefinitionDefaults),
  'authentication.k8s.io/v1/TokenRequest': of(tokenRequestDefaults),
  'autoscaling/v1/HorizontalPodAutoscaler': of(olderAutoscalerDefaults),
  'autoscaling/v2/HorizontalPodAutoscaler': of(horizontalPodAutoscalerDefaults),
  'batch/v1/CronJob': of(cronJobDefaults),
  'batch/v1/Job': of(jobDefaults),
  'discovery.k8s.io/v1/EndpointSlice': of(endpointSliceDefaults),
  'flowcontrol.apiserver.k8s.io/v1/FlowSchema': of(flowSchemaDefaults),
  'flowcontrol.apiserver.k8s.io/v1/PriorityLevelConfiguration': of(priorityLevelDefaults),
  'networking.k8s.io/v1/Ingress': of(ingressDefaults),
  'networking.k8s.io/v1/IngressClass': of(ingressClassDefaults),
  'networking.k8s.io/v1/NetworkPolicy': of(networkPolicyDefaults),
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': of(bindingDefaults),
  'rbac.authorization.k8s.io/v1/RoleBinding': of(bindingDefaults),
  'scheduling.k8s.io/v1/PriorityClass': of(priorityClassDefaults),
  'storage.k8s.io/v1/StorageClass': of(storageClassDefaults),
};

/**
 * Fills in the defaults of a built-in kind, in place; doing it twice changes nothing. Kinds without defaults stay
 * as they are. The object must have passed `decodeObject`: a value of a wrong type is not looked at again here.
 */
export function applyDefaults(object: KubeObject): void {
  const key = `${object.apiVersion}/${object.kind}`;
  if (Object.hasOwn(defaulters, key)) defaulters[key]?.(object);
}
