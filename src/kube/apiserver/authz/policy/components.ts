// Roles for the parts of a cluster: nodes, their proxies, scheduler, controller manager, name servers, delegators.
// Data only. Upstream source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
import { account, type BindingData, eventsRule, GROUP, group, READ, type RoleData, rule, urls, user } from './rule.ts';

const reviews = [
  rule('create', GROUP.authentication, 'tokenreviews'),
  rule('create', GROUP.authorization, 'subjectaccessreviews'),
];

export const componentRoles: readonly RoleData[] = [
  {
    name: 'system:node',
    rules: [
      rule('create', GROUP.authentication, 'tokenreviews'),
      rule('create', GROUP.authorization, 'localsubjectaccessreviews subjectaccessreviews'),
      rule(READ, GROUP.core, 'services'),
      rule('create get list watch', GROUP.core, 'nodes'),
      rule('patch update', GROUP.core, 'nodes/status'),
      rule('patch update', GROUP.core, 'nodes'),
      rule('create patch update', GROUP.core, 'events'),
      rule(READ, GROUP.core, 'pods'),
      rule('create delete', GROUP.core, 'pods'),
      rule('patch update', GROUP.core, 'pods/status'),
      rule('create', GROUP.core, 'pods/eviction'),
      rule(READ, GROUP.core, 'configmaps secrets'),
      rule('get', GROUP.core, 'persistentvolumeclaims persistentvolumes'),
      rule('get', GROUP.core, 'endpoints'),
      rule('create get list watch', GROUP.certificates, 'certificatesigningrequests'),
      rule('create delete get patch update', GROUP.coordination, 'leases'),
      rule('get', GROUP.storage, 'volumeattachments'),
      rule('get patch update', GROUP.core, 'persistentvolumeclaims/status'),
      rule('create', GROUP.core, 'serviceaccounts/token'),
      rule(READ, GROUP.storage, 'csidrivers'),
      rule('create delete get patch update', GROUP.storage, 'csinodes'),
      rule(READ, GROUP.node, 'runtimeclasses'),
      rule('get', GROUP.resource, 'resourceclaims'),
      rule('create deletecollection get list patch update watch', GROUP.resource, 'resourceslices'),
      rule('get', GROUP.core, 'serviceaccounts'),
    ],
  },
  {
    name: 'system:node-problem-detector',
    rules: [rule('get', GROUP.core, 'nodes'), rule('patch', GROUP.core, 'nodes/status'), eventsRule()],
  },
  {
    name: 'system:node-proxier',
    rules: [
      rule('list watch', GROUP.core, 'endpoints services'),
      rule(READ, GROUP.core, 'nodes'),
      eventsRule(),
      rule('list watch', GROUP.discovery, 'endpointslices'),
      rule('list watch', GROUP.networking, 'servicecidrs'),
    ],
  },
  {
    name: 'system:node-bootstrapper',
    rules: [rule('create get list watch', GROUP.certificates, 'certificatesigningrequests')],
  },
  { name: 'system:auth-delegator', rules: reviews },
  { name: 'system:kube-aggregator', rules: [rule(READ, GROUP.core, 'endpoints services')] },
  {
    name: 'system:kube-controller-manager',
    rules: [
      eventsRule(),
      rule('create', GROUP.coordination, 'leases'),
      rule('get update', GROUP.coordination, 'leases', 'kube-controller-manager'),
      rule('create', GROUP.core, 'secrets serviceaccounts'),
      rule('delete', GROUP.core, 'secrets'),
      rule('get', GROUP.core, 'configmaps namespaces secrets serviceaccounts'),
      rule('update', GROUP.core, 'secrets serviceaccounts'),
      ...reviews,
      rule('list watch', '*', '*'),
      rule('create', GROUP.core, 'serviceaccounts/token'),
    ],
  },
  {
    name: 'system:kube-dns',
    rules: [
      rule('list watch', GROUP.core, 'endpoints services'),
      rule('list watch', GROUP.discovery, 'endpointslices'),
    ],
  },
  {
    name: 'system:persistent-volume-provisioner',
    rules: [
      rule('create delete get list watch', GROUP.core, 'persistentvolumes'),
      rule('get list update watch', GROUP.core, 'persistentvolumeclaims'),
      rule(READ, GROUP.storage, 'storageclasses'),
      rule('watch', GROUP.core, 'events'),
      eventsRule(),
    ],
  },
  {
    name: 'system:heapster',
    rules: [rule(READ, GROUP.core, 'events namespaces nodes pods'), rule(READ, GROUP.extensions, 'deployments')],
  },
  {
    name: 'system:kubelet-api-admin',
    rules: [
      rule(READ, GROUP.core, 'nodes'),
      rule('proxy', GROUP.core, 'nodes'),
      rule('*', GROUP.core, 'nodes/log nodes/metrics nodes/proxy nodes/stats nodes/configz nodes/healthz nodes/pods'),
    ],
  },
  {
    name: 'system:kube-scheduler',
    rules: [
      eventsRule(),
      rule('create', GROUP.coordination, 'leases'),
      rule('get update', GROUP.coordination, 'leases', 'kube-scheduler'),
      rule('list watch', GROUP.coordination, 'leasecandidates'),
      rule(READ, GROUP.core, 'nodes'),
      rule('delete get list watch', GROUP.core, 'pods'),
      rule('create', GROUP.core, 'bindings pods/binding'),
      rule('patch update', GROUP.core, 'pods/status'),
      rule(READ, GROUP.core, 'namespaces replicationcontrollers services'),
      rule(READ, [GROUP.apps, GROUP.extensions], 'replicasets'),
      rule(READ, GROUP.apps, 'statefulsets'),
      rule(READ, GROUP.policy, 'poddisruptionbudgets'),
      rule(READ, GROUP.core, 'persistentvolumeclaims persistentvolumes'),
      rule(READ, GROUP.storage, 'csidrivers csinodes csistoragecapacities storageclasses volumeattachments'),
      ...reviews,
    ],
  },
  {
    name: 'system:volume-scheduler',
    rules: [
      rule('get list patch update watch', GROUP.core, 'persistentvolumes'),
      rule(READ, GROUP.storage, 'storageclasses'),
      rule('get list patch update watch', GROUP.core, 'persistentvolumeclaims'),
    ],
  },
  signerRole('kube-apiserver-client-approver', 'approve', 'kubernetes.io/kube-apiserver-client'),
  signerRole('kube-apiserver-client-kubelet-approver', 'approve', 'kubernetes.io/kube-apiserver-client-kubelet'),
  signerRole('kubelet-serving-approver', 'approve', 'kubernetes.io/kubelet-serving'),
  signerRole('legacy-unknown-approver', 'approve', 'kubernetes.io/legacy-unknown'),
  csrRole('nodeclient', 'nodeclient'),
  csrRole('selfnodeclient', 'selfnodeclient'),
  {
    name: 'system:service-account-issuer-discovery',
    rules: [
      urls(
        'get',
        '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
      ),
    ],
  },
  ...ownRoles(),
];

function signerRole(name: string, verb: string, signer: string): RoleData {
  return { name: `system:certificates.k8s.io:${name}`, rules: [rule(verb, GROUP.certificates, 'signers', signer)] };
}

function csrRole(name: string, subresource: string): RoleData {
  return {
    name: `system:certificates.k8s.io:certificatesigningrequests:${name}`,
    rules: [rule('create', GROUP.certificates, `certificatesigningrequests/${subresource}`)],
  };
}

/** What Evenkeel's nodes do beside what upstream's do: they serve Services and announce addresses as well. */
function ownRoles(): RoleData[] {
  return [
    {
      name: 'evenkeel:node',
      rules: [
        rule('list watch', GROUP.core, 'endpoints'),
        rule(READ, GROUP.discovery, 'endpointslices'),
        rule(READ, GROUP.networking, 'servicecidrs'),
        rule(READ, GROUP.core, 'namespaces'),
        rule(READ, 'apiextensions.k8s.io', 'customresourcedefinitions'),
        rule(READ, ['evenkeel.dev', 'metallb.io'], '*'),
        // What the mesh reads on a node: routes, and how backends of theirs are spoken to.
        rule(READ, 'gateway.networking.k8s.io', 'httproutes grpcroutes backendtlspolicies'),
        rule(READ, 'gateway.networking.x-k8s.io', 'xbackendtrafficpolicies'),
        rule('create patch update', GROUP.events, 'events'),
        // The key by which the nodes of a cluster know each other's word.
        rule('create', GROUP.core, 'secrets'),
      ],
    },
  ];
}

export const componentBindings: readonly BindingData[] = [
  { name: 'system:node', subjects: [group('system:nodes')] },
  { name: 'evenkeel:node', subjects: [group('system:nodes')] },
  { name: 'system:node-proxier', subjects: [user('system:kube-proxy')] },
  { name: 'system:kube-controller-manager', subjects: [user('system:kube-controller-manager')] },
  { name: 'system:kube-dns', subjects: [account('kube-system', 'kube-dns')] },
  { name: 'system:kube-scheduler', subjects: [user('system:kube-scheduler')] },
  { name: 'system:volume-scheduler', subjects: [user('system:kube-scheduler')] },
  { name: 'system:service-account-issuer-discovery', subjects: [group('system:serviceaccounts')] },
];
