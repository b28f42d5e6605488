// Roles for people: cluster-admin, admin, edit, view, and what everybody may do.
// Data only. Upstream source: plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go.
import { type BindingData, GROUP, group, READ, type RoleData, rule, urls, WRITE } from './rule.ts';

const aggregateTo = (name: string): Readonly<Record<string, string>> => ({
  [`rbac.authorization.k8s.io/aggregate-to-${name}`]: 'true',
});

const HEALTH = '/healthz /livez /readyz /version /version/';

export const userRoles: readonly RoleData[] = [
  { name: 'cluster-admin', rules: [rule('*', '*', '*'), urls('*', '*')] },
  {
    name: 'system:discovery',
    rules: [urls('get', `/api /api/* /apis /apis/* ${HEALTH} /openapi /openapi/*`)],
  },
  { name: 'system:monitoring', rules: [urls('get', '/healthz /healthz/* /livez /livez/* /metrics /readyz /readyz/*')] },
  {
    name: 'system:basic-user',
    rules: [
      rule('create', GROUP.authorization, 'selfsubjectaccessreviews selfsubjectrulesreviews'),
      rule('create', GROUP.authentication, 'selfsubjectreviews'),
    ],
  },
  { name: 'system:public-info-viewer', rules: [urls('get', HEALTH)] },
  { name: 'admin', aggregates: 'rbac.authorization.k8s.io/aggregate-to-admin' },
  { name: 'edit', aggregates: 'rbac.authorization.k8s.io/aggregate-to-edit', labels: aggregateTo('admin') },
  { name: 'view', aggregates: 'rbac.authorization.k8s.io/aggregate-to-view', labels: aggregateTo('edit') },
  {
    name: 'system:aggregate-to-admin',
    labels: aggregateTo('admin'),
    rules: [
      rule('create', GROUP.authorization, 'localsubjectaccessreviews'),
      rule(`${READ} ${WRITE}`, GROUP.rbac, 'roles rolebindings'),
    ],
  },
  {
    name: 'system:aggregate-to-edit',
    labels: aggregateTo('edit'),
    rules: [
      rule(READ, GROUP.core, 'pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy'),
      rule('impersonate', GROUP.core, 'serviceaccounts'),
      rule(WRITE, GROUP.core, 'pods pods/attach pods/proxy pods/exec pods/portforward'),
      rule('create', GROUP.core, 'pods/eviction'),
      rule(
        WRITE,
        GROUP.core,
        'replicationcontrollers replicationcontrollers/scale serviceaccounts services services/proxy persistentvolumeclaims configmaps secrets events',
      ),
      rule('create', GROUP.core, 'serviceaccounts/token'),
      rule(
        WRITE,
        GROUP.apps,
        'statefulsets statefulsets/scale daemonsets deployments deployments/scale deployments/rollback replicasets replicasets/scale',
      ),
      rule(WRITE, GROUP.autoscaling, 'horizontalpodautoscalers'),
      rule(WRITE, GROUP.batch, 'jobs cronjobs'),
      rule(
        WRITE,
        GROUP.extensions,
        'daemonsets deployments deployments/scale deployments/rollback ingresses replicasets replicasets/scale replicationcontrollers/scale networkpolicies',
      ),
      rule(WRITE, GROUP.policy, 'poddisruptionbudgets'),
      rule(WRITE, GROUP.networking, 'networkpolicies ingresses'),
      rule(`${WRITE} ${READ}`, GROUP.coordination, 'leases'),
      rule(WRITE, GROUP.resource, 'resourceclaims resourceclaimtemplates'),
    ],
  },
  {
    name: 'system:aggregate-to-view',
    labels: aggregateTo('view'),
    rules: [
      rule(
        READ,
        GROUP.core,
        'pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status endpoints persistentvolumeclaims persistentvolumeclaims/status configmaps',
      ),
      rule(
        READ,
        GROUP.core,
        'limitranges resourcequotas bindings events pods/status resourcequotas/status namespaces/status replicationcontrollers/status pods/log',
      ),
      // To read namespaces within one is to read this one.
      rule(READ, GROUP.core, 'namespaces'),
      rule(READ, GROUP.discovery, 'endpointslices'),
      rule(
        READ,
        GROUP.apps,
        'controllerrevisions statefulsets statefulsets/status statefulsets/scale daemonsets daemonsets/status deployments deployments/status deployments/scale replicasets replicasets/status replicasets/scale',
      ),
      rule(READ, GROUP.autoscaling, 'horizontalpodautoscalers horizontalpodautoscalers/status'),
      rule(READ, GROUP.batch, 'jobs jobs/status cronjobs cronjobs/status'),
      rule(
        READ,
        GROUP.extensions,
        'daemonsets daemonsets/status deployments deployments/status deployments/scale ingresses ingresses/status replicasets replicasets/status replicasets/scale replicationcontrollers/scale networkpolicies',
      ),
      rule(READ, GROUP.policy, 'poddisruptionbudgets poddisruptionbudgets/status'),
      rule(READ, GROUP.networking, 'networkpolicies ingresses ingresses/status'),
      rule(READ, GROUP.resource, 'resourceclaims resourceclaims/status resourceclaimtemplates'),
    ],
  },
];

export const userBindings: readonly BindingData[] = [
  { name: 'cluster-admin', subjects: [group('system:masters')] },
  { name: 'system:monitoring', subjects: [group('system:monitoring')] },
  { name: 'system:discovery', subjects: [group('system:authenticated')] },
  { name: 'system:basic-user', subjects: [group('system:authenticated')] },
  { name: 'system:public-info-viewer', subjects: [group('system:authenticated'), group('system:unauthenticated')] },
];
