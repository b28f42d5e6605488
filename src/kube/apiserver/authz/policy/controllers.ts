// Roles for the service accounts of upstream's controllers, `system:controller:*`, each bound to its account.
// Data only. Upstream source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/controller_policy.go.
import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import { account, type BindingData, eventsRule, GROUP, READ, type RoleData, rule } from './rule.ts';

const PREFIX = 'system:controller:';
const APPS = [GROUP.apps, GROUP.extensions];
const metrics = 'custom.metrics.k8s.io';
const externalMetrics = 'external.metrics.k8s.io';

/** Account -> what it may do besides writing events. */
const rights: Readonly<Record<string, readonly PolicyRule[]>> = {
  'attachdetach-controller': [
    rule('list watch', GROUP.core, 'persistentvolumes persistentvolumeclaims'),
    rule(READ, GROUP.core, 'nodes'),
    rule('patch update', GROUP.core, 'nodes/status'),
    rule('list watch', GROUP.core, 'pods'),
    rule('create delete get list watch', GROUP.storage, 'volumeattachments'),
    rule(READ, GROUP.storage, 'csidrivers csinodes'),
  ],
  'clusterrole-aggregation-controller': [rule(`escalate patch update ${READ}`, GROUP.rbac, 'clusterroles')],
  'cronjob-controller': [
    rule(`update ${READ}`, GROUP.batch, 'cronjobs'),
    rule(`create delete patch update ${READ}`, GROUP.batch, 'jobs'),
    rule('update', GROUP.batch, 'cronjobs/status cronjobs/finalizers'),
    rule('delete list watch', GROUP.core, 'pods'),
  ],
  'daemon-set-controller': [
    rule(READ, APPS, 'daemonsets'),
    rule('update', APPS, 'daemonsets/status daemonsets/finalizers'),
    rule('list watch', GROUP.core, 'nodes'),
    rule('create delete list patch watch', GROUP.core, 'pods'),
    rule('create', GROUP.core, 'pods/binding'),
    rule(`create delete patch update ${READ}`, GROUP.apps, 'controllerrevisions'),
  ],
  'deployment-controller': [
    rule(`update ${READ}`, APPS, 'deployments'),
    rule('update', APPS, 'deployments/status deployments/finalizers'),
    rule(`create delete patch update ${READ}`, APPS, 'replicasets'),
    rule(`update ${READ}`, GROUP.core, 'pods'),
  ],
  'disruption-controller': [
    rule(READ, APPS, 'deployments replicasets'),
    rule(READ, GROUP.core, 'replicationcontrollers'),
    rule(READ, GROUP.policy, 'poddisruptionbudgets'),
    rule(READ, GROUP.apps, 'statefulsets'),
    rule('update', GROUP.policy, 'poddisruptionbudgets/status'),
    rule('patch update', GROUP.core, 'pods/status'),
    rule('get', '*', '*/scale'),
  ],
  'endpoint-controller': [
    rule(READ, GROUP.core, 'pods services'),
    rule(`create delete update ${READ}`, GROUP.core, 'endpoints'),
    rule('create', GROUP.core, 'endpoints/restricted'),
  ],
  'endpointslice-controller': [
    rule(READ, GROUP.core, 'nodes pods services'),
    rule('update', GROUP.core, 'services/finalizers'),
    rule(`create delete update ${READ}`, GROUP.discovery, 'endpointslices'),
  ],
  'endpointslicemirroring-controller': [
    rule(READ, GROUP.core, 'endpoints services'),
    rule('update', GROUP.core, 'services/finalizers endpoints/finalizers'),
    rule(`create delete update ${READ}`, GROUP.discovery, 'endpointslices'),
  ],
  'expand-controller': [
    rule(`patch update ${READ}`, GROUP.core, 'persistentvolumes'),
    rule('patch update', GROUP.core, 'persistentvolumeclaims/status'),
    rule(READ, GROUP.core, 'persistentvolumeclaims'),
    rule('get', GROUP.core, 'services'),
  ],
  'ephemeral-volume-controller': [
    rule(READ, GROUP.core, 'pods'),
    rule('update', GROUP.core, 'pods/finalizers'),
    rule(`create ${READ}`, GROUP.core, 'persistentvolumeclaims'),
  ],
  'resource-claim-controller': [
    rule(READ, GROUP.core, 'pods'),
    rule('update', GROUP.core, 'pods/finalizers'),
    rule(`create delete ${READ}`, GROUP.resource, 'resourceclaims'),
    rule('patch update', GROUP.resource, 'resourceclaims resourceclaims/status'),
    rule('patch update', GROUP.core, 'pods/status'),
  ],
  'generic-garbage-collector': [rule(`delete patch update ${READ}`, '*', '*')],
  'horizontal-pod-autoscaler': [
    rule(READ, GROUP.autoscaling, 'horizontalpodautoscalers'),
    rule('update', GROUP.autoscaling, 'horizontalpodautoscalers/status'),
    rule('get update', '*', '*/scale'),
    rule('list watch', GROUP.core, 'pods'),
    rule('list watch', 'metrics.k8s.io', 'pods'),
    rule(READ, metrics, '*'),
    rule(READ, externalMetrics, '*'),
  ],
  'job-controller': [
    rule(`patch update ${READ}`, GROUP.batch, 'jobs'),
    rule('update', GROUP.batch, 'jobs/status jobs/finalizers'),
    rule('create delete list patch watch', GROUP.core, 'pods'),
  ],
  'namespace-controller': [
    rule(`delete ${READ}`, GROUP.core, 'namespaces'),
    rule('update', GROUP.core, 'namespaces/finalize namespaces/status'),
    rule(`delete deletecollection ${READ}`, '*', '*'),
  ],
  'node-controller': [
    rule(`delete patch update ${READ}`, GROUP.core, 'nodes'),
    rule('patch update', GROUP.core, 'nodes/status'),
    rule('patch update', GROUP.core, 'pods/status'),
    rule(`delete ${READ}`, GROUP.core, 'pods'),
  ],
  'persistent-volume-binder': [
    rule(`create delete update ${READ}`, GROUP.core, 'persistentvolumes'),
    rule('update', GROUP.core, 'persistentvolumes/status'),
    rule(`update ${READ}`, GROUP.core, 'persistentvolumeclaims'),
    rule('update', GROUP.core, 'persistentvolumeclaims/status'),
    rule(`create delete ${READ}`, GROUP.core, 'pods'),
    rule(READ, GROUP.storage, 'storageclasses'),
    rule('list watch', GROUP.core, 'nodes'),
    rule('watch', GROUP.core, 'events'),
    rule('get', GROUP.core, 'services'),
  ],
  'pod-garbage-collector': [
    rule('delete list watch', GROUP.core, 'pods'),
    rule(READ, GROUP.core, 'nodes'),
    rule('patch', GROUP.core, 'pods/status'),
  ],
  'replicaset-controller': [
    rule(`update ${READ}`, APPS, 'replicasets'),
    rule('update', APPS, 'replicasets/status replicasets/finalizers'),
    rule('create delete list patch watch', GROUP.core, 'pods'),
  ],
  'replication-controller': [
    rule(`update ${READ}`, GROUP.core, 'replicationcontrollers'),
    rule('update', GROUP.core, 'replicationcontrollers/status replicationcontrollers/finalizers'),
    rule('create delete list patch watch', GROUP.core, 'pods'),
  ],
  'resourcequota-controller': [rule('list watch', '*', '*'), rule('update', GROUP.core, 'resourcequotas/status')],
  'route-controller': [rule('list watch', GROUP.core, 'nodes'), rule('patch', GROUP.core, 'nodes/status')],
  'service-account-controller': [rule('create', GROUP.core, 'serviceaccounts')],
  'service-controller': [
    rule(READ, GROUP.core, 'services'),
    rule('patch update', GROUP.core, 'services/status'),
    rule('list watch', GROUP.core, 'nodes'),
  ],
  'service-cidrs-controller': [
    rule(`patch update ${READ}`, GROUP.networking, 'servicecidrs'),
    rule('patch update', GROUP.networking, 'servicecidrs/finalizers servicecidrs/status'),
    rule(READ, GROUP.networking, 'ipaddresses'),
  ],
  'statefulset-controller': [
    rule('list watch', GROUP.core, 'pods'),
    rule(READ, GROUP.apps, 'statefulsets'),
    rule('update', GROUP.apps, 'statefulsets/status statefulsets/finalizers'),
    rule('create delete get patch update', GROUP.core, 'pods'),
    rule(`create delete patch update ${READ}`, GROUP.apps, 'controllerrevisions'),
    rule(`create ${READ}`, GROUP.core, 'persistentvolumeclaims'),
    rule('delete update', GROUP.core, 'persistentvolumeclaims'),
    rule('update', GROUP.core, 'pods/finalizers'),
  ],
  'ttl-controller': [rule('list patch update watch', GROUP.core, 'nodes')],
  'certificate-controller': [
    rule(`delete ${READ}`, GROUP.certificates, 'certificatesigningrequests'),
    rule('update', GROUP.certificates, 'certificatesigningrequests/status certificatesigningrequests/approval'),
    rule('approve', GROUP.certificates, 'signers', 'kubernetes.io/kube-apiserver-client-kubelet'),
    rule(
      'sign',
      GROUP.certificates,
      'signers',
      'kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown',
    ),
    rule('create', GROUP.authorization, 'subjectaccessreviews'),
  ],
  'pvc-protection-controller': [
    rule(`update ${READ}`, GROUP.core, 'persistentvolumeclaims'),
    rule(READ, GROUP.core, 'pods'),
  ],
  'pv-protection-controller': [rule(`update ${READ}`, GROUP.core, 'persistentvolumes')],
  'ttl-after-finished-controller': [rule(`delete ${READ}`, GROUP.batch, 'jobs')],
  'root-ca-cert-publisher': [rule('create update', GROUP.core, 'configmaps')],
  'validatingadmissionpolicy-status-controller': [
    rule(READ, GROUP.admission, 'validatingadmissionpolicies'),
    rule('get patch update', GROUP.admission, 'validatingadmissionpolicies/status'),
  ],
};

/** These say nothing of what they do. */
const SILENT = ['clusterrole-aggregation-controller', 'namespace-controller', 'pod-garbage-collector'];

export const controllerRoles: readonly RoleData[] = Object.entries(rights).map(([name, rules]) => ({
  name: PREFIX + name,
  rules: SILENT.includes(name) ? rules : [...rules, eventsRule()],
}));

export const controllerBindings: readonly BindingData[] = Object.keys(rights).map((name) => ({
  name: PREFIX + name,
  subjects: [account('kube-system', name)],
}));
