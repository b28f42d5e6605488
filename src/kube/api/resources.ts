// The table of built-in resources: what is served, under which names, with which subresources.
// Data only. The API server, the client, the CLI and discovery all read this one table.

/** What the world may do with a resource of the API. */
export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export interface ResourceDefinition {
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural name in URLs, e.g. `deployments`. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly Verb[];
  /** Names below `/{name}/`, e.g. `status`, `scale`. */
  readonly subresources: readonly string[];
}

const ALL: readonly Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const CREATE_ONLY: readonly Verb[] = ['create'];
/** A mistaken call must not take every namespace at once: upstream has no such verb for them. */
const ONE_BY_ONE: readonly Verb[] = ALL.filter((verb) => verb !== 'deletecollection');

type Extra = Partial<Pick<ResourceDefinition, 'shortNames' | 'categories' | 'subresources' | 'verbs' | 'singular'>>;

function define(
  groupVersion: string,
  resource: string,
  kind: string,
  namespaced: boolean,
  extra: Extra = {},
): ResourceDefinition {
  const slash = groupVersion.indexOf('/');
  return Object.freeze({
    group: slash < 0 ? '' : groupVersion.slice(0, slash),
    version: groupVersion.slice(slash + 1),
    resource,
    singular: kind.toLowerCase(),
    kind,
    namespaced,
    shortNames: [],
    categories: [],
    subresources: [],
    verbs: ALL,
    ...extra,
  });
}

const STATUS = ['status'] as const;
const STATUS_AND_SCALE = ['status', 'scale'] as const;
const IN_ALL = ['all'] as const;

/** Every built-in resource, in discovery order. */
export const builtinResources: readonly ResourceDefinition[] = Object.freeze([
  define('v1', 'namespaces', 'Namespace', false, {
    shortNames: ['ns'],
    subresources: ['status', 'finalize'],
    verbs: ONE_BY_ONE,
  }),
  define('v1', 'nodes', 'Node', false, { shortNames: ['no'], subresources: ['status', 'proxy'] }),
  define('v1', 'pods', 'Pod', true, {
    shortNames: ['po'],
    categories: IN_ALL,
    subresources: [
      'status',
      'binding',
      'eviction',
      'ephemeralcontainers',
      'log',
      'exec',
      'attach',
      'portforward',
      'proxy',
    ],
  }),
  define('v1', 'services', 'Service', true, {
    shortNames: ['svc'],
    categories: IN_ALL,
    subresources: ['status', 'proxy'],
  }),
  define('v1', 'endpoints', 'Endpoints', true, { shortNames: ['ep'] }),
  define('v1', 'configmaps', 'ConfigMap', true, { shortNames: ['cm'] }),
  define('v1', 'secrets', 'Secret', true),
  define('v1', 'serviceaccounts', 'ServiceAccount', true, { shortNames: ['sa'], subresources: ['token'] }),
  define('v1', 'events', 'Event', true, { shortNames: ['ev'] }),
  define('v1', 'replicationcontrollers', 'ReplicationController', true, {
    shortNames: ['rc'],
    categories: IN_ALL,
    subresources: STATUS_AND_SCALE,
  }),
  define('v1', 'podtemplates', 'PodTemplate', true),
  define('v1', 'limitranges', 'LimitRange', true, { shortNames: ['limits'] }),
  define('v1', 'resourcequotas', 'ResourceQuota', true, { shortNames: ['quota'], subresources: STATUS }),
  define('v1', 'persistentvolumes', 'PersistentVolume', false, { shortNames: ['pv'], subresources: STATUS }),
  define('v1', 'persistentvolumeclaims', 'PersistentVolumeClaim', true, { shortNames: ['pvc'], subresources: STATUS }),
  define('apps/v1', 'deployments', 'Deployment', true, {
    shortNames: ['deploy'],
    categories: IN_ALL,
    subresources: STATUS_AND_SCALE,
  }),
  define('apps/v1', 'replicasets', 'ReplicaSet', true, {
    shortNames: ['rs'],
    categories: IN_ALL,
    subresources: STATUS_AND_SCALE,
  }),
  define('apps/v1', 'statefulsets', 'StatefulSet', true, {
    shortNames: ['sts'],
    categories: IN_ALL,
    subresources: STATUS_AND_SCALE,
  }),
  define('apps/v1', 'daemonsets', 'DaemonSet', true, { shortNames: ['ds'], categories: IN_ALL, subresources: STATUS }),
  define('apps/v1', 'controllerrevisions', 'ControllerRevision', true),
  define('batch/v1', 'jobs', 'Job', true, { categories: IN_ALL, subresources: STATUS }),
  define('batch/v1', 'cronjobs', 'CronJob', true, { shortNames: ['cj'], categories: IN_ALL, subresources: STATUS }),
  define('autoscaling/v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', true, {
    shortNames: ['hpa'],
    categories: IN_ALL,
    subresources: STATUS,
  }),
  // The same objects in the older form.
  define('autoscaling/v1', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler', true, {
    shortNames: ['hpa'],
    categories: IN_ALL,
    subresources: STATUS,
  }),
  define('networking.k8s.io/v1', 'ingresses', 'Ingress', true, { shortNames: ['ing'], subresources: STATUS }),
  define('networking.k8s.io/v1', 'ingressclasses', 'IngressClass', false),
  define('networking.k8s.io/v1', 'networkpolicies', 'NetworkPolicy', true, { shortNames: ['netpol'] }),
  define('networking.k8s.io/v1', 'ipaddresses', 'IPAddress', false, { shortNames: ['ip'] }),
  define('networking.k8s.io/v1', 'servicecidrs', 'ServiceCIDR', false, { subresources: STATUS }),
  // The same objects, which had the same fields before 1.33: kubectl 1.32 describes ranges by this version alone.
  define('networking.k8s.io/v1beta1', 'ipaddresses', 'IPAddress', false, { shortNames: ['ip'] }),
  define('networking.k8s.io/v1beta1', 'servicecidrs', 'ServiceCIDR', false, { subresources: STATUS }),
  define('discovery.k8s.io/v1', 'endpointslices', 'EndpointSlice', true),
  define('policy/v1', 'poddisruptionbudgets', 'PodDisruptionBudget', true, {
    shortNames: ['pdb'],
    subresources: STATUS,
  }),
  define('coordination.k8s.io/v1', 'leases', 'Lease', true),
  define('events.k8s.io/v1', 'events', 'Event', true, { shortNames: ['ev'] }),
  define('scheduling.k8s.io/v1', 'priorityclasses', 'PriorityClass', false, { shortNames: ['pc'] }),
  define('storage.k8s.io/v1', 'storageclasses', 'StorageClass', false, { shortNames: ['sc'] }),
  define('rbac.authorization.k8s.io/v1', 'roles', 'Role', true),
  define('rbac.authorization.k8s.io/v1', 'rolebindings', 'RoleBinding', true),
  define('rbac.authorization.k8s.io/v1', 'clusterroles', 'ClusterRole', false),
  define('rbac.authorization.k8s.io/v1', 'clusterrolebindings', 'ClusterRoleBinding', false),
  define('certificates.k8s.io/v1', 'certificatesigningrequests', 'CertificateSigningRequest', false, {
    shortNames: ['csr'],
    subresources: ['status', 'approval'],
  }),
  define('flowcontrol.apiserver.k8s.io/v1', 'flowschemas', 'FlowSchema', false, { subresources: STATUS }),
  define('flowcontrol.apiserver.k8s.io/v1', 'prioritylevelconfigurations', 'PriorityLevelConfiguration', false, {
    subresources: STATUS,
  }),
  define('apiextensions.k8s.io/v1', 'customresourcedefinitions', 'CustomResourceDefinition', false, {
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    subresources: STATUS,
  }),
  define('admissionregistration.k8s.io/v1', 'mutatingadmissionpolicies', 'MutatingAdmissionPolicy', false, {
    categories: ['api-extensions'],
  }),
  define(
    'admissionregistration.k8s.io/v1',
    'mutatingadmissionpolicybindings',
    'MutatingAdmissionPolicyBinding',
    false,
    {
      categories: ['api-extensions'],
    },
  ),
  define('admissionregistration.k8s.io/v1', 'validatingadmissionpolicies', 'ValidatingAdmissionPolicy', false, {
    categories: ['api-extensions'],
    subresources: STATUS,
  }),
  define(
    'admissionregistration.k8s.io/v1',
    'validatingadmissionpolicybindings',
    'ValidatingAdmissionPolicyBinding',
    false,
    {
      categories: ['api-extensions'],
    },
  ),
  define(
    'admissionregistration.k8s.io/v1',
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
    false,
    { categories: ['api-extensions'] },
  ),
  define('admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration', false, {
    categories: ['api-extensions'],
  }),
  define('authorization.k8s.io/v1', 'selfsubjectaccessreviews', 'SelfSubjectAccessReview', false, {
    verbs: CREATE_ONLY,
  }),
  define('authorization.k8s.io/v1', 'subjectaccessreviews', 'SubjectAccessReview', false, { verbs: CREATE_ONLY }),
  define('authorization.k8s.io/v1', 'localsubjectaccessreviews', 'LocalSubjectAccessReview', true, {
    verbs: CREATE_ONLY,
  }),
  define('authorization.k8s.io/v1', 'selfsubjectrulesreviews', 'SelfSubjectRulesReview', false, {
    verbs: CREATE_ONLY,
  }),
  define('authentication.k8s.io/v1', 'selfsubjectreviews', 'SelfSubjectReview', false, { verbs: CREATE_ONLY }),
  define('authentication.k8s.io/v1', 'tokenreviews', 'TokenReview', false, { verbs: CREATE_ONLY }),
]);

const byKind = new Map(builtinResources.map((definition) => [definition.kind, definition]));
byKind.set('Event', resource('v1', 'events'));
byKind.set('IPAddress', resource('networking.k8s.io/v1', 'ipaddresses'));
byKind.set('ServiceCIDR', resource('networking.k8s.io/v1', 'servicecidrs'));
byKind.set('HorizontalPodAutoscaler', resource('autoscaling/v2', 'horizontalpodautoscalers'));

function resource(groupVersion: string, name: string): ResourceDefinition {
  const found = builtinResources.find(
    (definition) => apiVersionOf(definition) === groupVersion && definition.resource === name,
  );
  if (found === undefined) throw new Error(`No built-in resource ${name} in ${groupVersion}`);
  return found;
}

/** `v1`, `apps/v1`: as in an object's `apiVersion`. */
export function apiVersionOf(of: Pick<ResourceDefinition, 'group' | 'version'>): string {
  return of.group === '' ? of.version : `${of.group}/${of.version}`;
}

/** The built-in definition of a Kind; throws when there is none, which is a mistake in our code. */
export function builtin(kind: string): ResourceDefinition {
  const found = byKind.get(kind);
  if (found === undefined) throw new Error(`No built-in resource of kind ${kind}`);
  return found;
}
