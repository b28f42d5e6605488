// Which strategy each resource has; a resource that is not named here takes the plain path.
// Knows names only.

import { apiVersionOf, type ResourceDefinition } from '#kube/api/resources.ts';
import { admissionPolicyStrategy } from '../admission/policy/strategy.ts';
import { bindingStrategy, roleStrategy } from '../authz/escalation.ts';
import { certificateRequestStrategy } from '../certificates/strategy.ts';
import { customResourceDefinitionStrategy } from '../crd/strategy.ts';
import { type AnyObject, dig, digString } from '../registry/any-object.ts';
import { jobStrategy } from './job.ts';
import { namespaceStrategy } from './namespace.ts';
import { podStrategy } from './pod.ts';
import { secretStrategy } from './secret.ts';
import { serviceStrategy } from './service/strategy.ts';
import type { Strategy } from './strategy.ts';

const byField =
  (...path: string[]) =>
  (object: AnyObject): string =>
    String(dig(object, ...path) ?? '');

const REFERENCE_FIELDS = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const;

function eventFields(reference: 'involvedObject' | 'regarding'): NonNullable<Strategy['selectableFields']> {
  return {
    ...Object.fromEntries(REFERENCE_FIELDS.map((field) => [`${reference}.${field}`, byField(reference, field)])),
    reason: byField('reason'),
    type: byField('type'),
    reportingComponent: (event) => digString(event, 'reportingComponent') || digString(event, 'reportingController'),
    source: (event) => digString(event, 'source', 'component') || digString(event, 'reportingComponent'),
  };
}

const parentFields = Object.fromEntries(
  ['group', 'resource', 'namespace', 'name'].map((field) => [
    `spec.parentRef.${field}`,
    byField('spec', 'parentRef', field),
  ]),
);

const noPods = { replicas: 0 };
const strategies: Readonly<Record<string, Strategy>> = {
  'v1/namespaces': namespaceStrategy,
  'v1/pods': podStrategy,
  'v1/services': serviceStrategy,
  'v1/secrets': secretStrategy,
  // A kubelet registers its Node with a status.
  'v1/nodes': {
    selectableFields: { 'spec.unschedulable': (node) => String(dig(node, 'spec', 'unschedulable') === true) },
  },
  'v1/endpoints': { createOnUpdate: true },
  'v1/events': { createOnUpdate: true, selectableFields: eventFields('involvedObject') },
  'events.k8s.io/v1/events': { createOnUpdate: true, selectableFields: eventFields('regarding') },
  'v1/limitranges': { createOnUpdate: true },
  'v1/podtemplates': { createOnUpdate: true, returnsDeleted: true, countsGenerations: true },
  'v1/serviceaccounts': { returnsDeleted: true },
  'v1/resourcequotas': { returnsDeleted: true, initialStatus: {} },
  'v1/persistentvolumes': { returnsDeleted: true, initialStatus: { phase: 'Pending' } },
  'v1/persistentvolumeclaims': { returnsDeleted: true, initialStatus: { phase: 'Pending' } },
  'v1/replicationcontrollers': {
    countsGenerations: true,
    initialStatus: noPods,
    selectableFields: { 'status.replicas': byField('status', 'replicas') },
  },
  'apps/v1/deployments': { countsGenerations: true, initialStatus: {} },
  'apps/v1/replicasets': {
    countsGenerations: true,
    initialStatus: noPods,
    selectableFields: { 'status.replicas': byField('status', 'replicas') },
  },
  'apps/v1/statefulsets': { countsGenerations: true, initialStatus: { replicas: 0, availableReplicas: 0 } },
  'apps/v1/daemonsets': {
    countsGenerations: true,
    initialStatus: { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
  },
  'batch/v1/jobs': jobStrategy,
  'batch/v1/cronjobs': { countsGenerations: true, initialStatus: {} },
  'autoscaling/v2/horizontalpodautoscalers': {
    countsGenerations: true,
    initialStatus: { currentMetrics: null, desiredReplicas: 0 },
  },
  'autoscaling/v1/horizontalpodautoscalers': {
    countsGenerations: true,
    initialStatus: { currentReplicas: 0, desiredReplicas: 0 },
  },
  'networking.k8s.io/v1/ingresses': { countsGenerations: true, initialStatus: { loadBalancer: {} } },
  'networking.k8s.io/v1/ingressclasses': { countsGenerations: true },
  'networking.k8s.io/v1/networkpolicies': { countsGenerations: true },
  'networking.k8s.io/v1/ipaddresses': { countsGenerations: true, selectableFields: parentFields },
  'networking.k8s.io/v1/servicecidrs': { countsGenerations: true, initialStatus: {}, returnsDeleted: true },
  'networking.k8s.io/v1beta1/ipaddresses': { countsGenerations: true, selectableFields: parentFields },
  'networking.k8s.io/v1beta1/servicecidrs': { countsGenerations: true, initialStatus: {}, returnsDeleted: true },
  'discovery.k8s.io/v1/endpointslices': { countsGenerations: true },
  'policy/v1/poddisruptionbudgets': {
    countsGenerations: true,
    initialStatus: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
  },
  'coordination.k8s.io/v1/leases': { createOnUpdate: true, requiresResourceVersion: true },
  'scheduling.k8s.io/v1/priorityclasses': { countsGenerations: true },
  'rbac.authorization.k8s.io/v1/roles': roleStrategy('roles'),
  'rbac.authorization.k8s.io/v1/rolebindings': bindingStrategy('rolebindings'),
  'rbac.authorization.k8s.io/v1/clusterroles': roleStrategy('clusterroles'),
  'rbac.authorization.k8s.io/v1/clusterrolebindings': bindingStrategy('clusterrolebindings'),
  'flowcontrol.apiserver.k8s.io/v1/flowschemas': { countsGenerations: true, initialStatus: {} },
  'flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations': { countsGenerations: true, initialStatus: {} },
  'certificates.k8s.io/v1/certificatesigningrequests': certificateRequestStrategy,
  'admissionregistration.k8s.io/v1/validatingadmissionpolicies': admissionPolicyStrategy,
  'admissionregistration.k8s.io/v1/validatingadmissionpolicybindings': { countsGenerations: true },
  'admissionregistration.k8s.io/v1/validatingwebhookconfigurations': { countsGenerations: true },
  'admissionregistration.k8s.io/v1/mutatingwebhookconfigurations': { countsGenerations: true },
  'apiextensions.k8s.io/v1/customresourcedefinitions': customResourceDefinitionStrategy,
};

const plain: Strategy = {};

export function strategyFor(definition: ResourceDefinition): Strategy {
  return strategies[`${apiVersionOf(definition)}/${definition.resource}`] ?? plain;
}
