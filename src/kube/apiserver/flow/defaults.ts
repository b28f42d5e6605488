// The FlowSchemas and PriorityLevelConfigurations that every cluster has.
// Data only. Upstream source: apiserver/pkg/apis/flowcontrol/bootstrap/default.go.
import type {
  FlowSchemaSpec,
  PolicyRulesWithSubjects,
  PriorityLevelConfigurationSpec,
  Subject,
} from 'kubernetes-types/flowcontrol/v1.js';

interface Named<T> {
  readonly name: string;
  readonly spec: T;
}

const group = (name: string): Subject => ({ kind: 'Group', group: { name } });
const user = (name: string): Subject => ({ kind: 'User', user: { name } });
const account = (namespace: string, name: string): Subject => ({
  kind: 'ServiceAccount',
  serviceAccount: { namespace, name },
});

function rules(
  subjects: Subject[],
  what: {
    verbs?: string[];
    groups?: string[];
    resources?: string[];
    namespaces?: string[];
    paths?: string[];
    cluster?: boolean;
  } = {},
): PolicyRulesWithSubjects {
  const { verbs = ['*'], groups = ['*'], resources = ['*'], namespaces = ['*'], paths = ['*'], cluster = true } = what;
  return {
    subjects,
    ...(resources.length === 0
      ? {}
      : {
          resourceRules: [
            { verbs, apiGroups: groups, resources, namespaces, ...(cluster ? { clusterScope: true } : {}) },
          ],
        }),
    ...(paths.length === 0 ? {} : { nonResourceRules: [{ verbs, nonResourceURLs: paths }] }),
  };
}

function schema(
  name: string,
  level: string,
  matchingPrecedence: number,
  by: 'ByUser' | 'ByNamespace' | undefined,
  ...rule: PolicyRulesWithSubjects[]
): Named<FlowSchemaSpec> {
  return {
    name,
    spec: {
      priorityLevelConfiguration: { name: level },
      matchingPrecedence,
      ...(by === undefined ? {} : { distinguisherMethod: { type: by } }),
      rules: rule,
    },
  };
}

function limited(
  name: string,
  nominalConcurrencyShares: number,
  lendablePercent: number,
  queuing?: { queues: number; handSize: number; queueLengthLimit: number },
): Named<PriorityLevelConfigurationSpec> {
  return {
    name,
    spec: {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares,
        lendablePercent,
        limitResponse: queuing === undefined ? { type: 'Reject' } : { type: 'Queue', queuing },
      },
    },
  };
}

const everybody = [group('system:unauthenticated'), group('system:authenticated')];
const HEALTH = ['/healthz', '/readyz', '/livez'];
const leases = {
  verbs: ['get', 'create', 'update'],
  groups: ['coordination.k8s.io'],
  resources: ['leases'],
  paths: [],
};
const queues = { queues: 128, handSize: 6, queueLengthLimit: 50 };

/** As they are here whatever anybody writes. */
export const mandatoryLevels: readonly Named<PriorityLevelConfigurationSpec>[] = [
  { name: 'exempt', spec: { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } } },
  limited('catch-all', 5, 0),
];

export const mandatorySchemas: readonly Named<FlowSchemaSpec>[] = [
  schema('exempt', 'exempt', 1, undefined, rules([group('system:masters')])),
  schema('catch-all', 'catch-all', 10_000, 'ByUser', rules(everybody)),
];

/** As they are until somebody changes them. */
export const suggestedLevels: readonly Named<PriorityLevelConfigurationSpec>[] = [
  limited('node-high', 40, 25, { queues: 64, handSize: 6, queueLengthLimit: 50 }),
  limited('system', 30, 33, { queues: 64, handSize: 6, queueLengthLimit: 50 }),
  limited('leader-election', 10, 0, { queues: 16, handSize: 4, queueLengthLimit: 50 }),
  limited('workload-high', 40, 50, queues),
  limited('workload-low', 100, 90, queues),
  limited('global-default', 20, 50, queues),
];

export const suggestedSchemas: readonly Named<FlowSchemaSpec>[] = [
  schema('probes', 'exempt', 2, undefined, rules(everybody, { verbs: ['get'], resources: [], paths: HEALTH })),
  schema(
    'system-leader-election',
    'leader-election',
    100,
    'ByUser',
    rules(['system:kube-controller-manager', 'system:kube-scheduler'].map(user), {
      ...leases,
      namespaces: ['kube-system'],
      cluster: false,
    }),
  ),
  schema('endpoint-controller', 'workload-high', 150, 'ByUser', {
    subjects: [
      user('system:kube-controller-manager'),
      account('kube-system', 'endpoint-controller'),
      account('kube-system', 'endpointslicemirroring-controller'),
    ],
    resourceRules: [
      { verbs: ['get', 'create', 'update'], apiGroups: [''], resources: ['endpoints'], namespaces: ['*'] },
      {
        verbs: ['get', 'create', 'update'],
        apiGroups: ['discovery.k8s.io'],
        resources: ['endpointslices'],
        namespaces: ['*'],
      },
    ],
  }),
  schema(
    'workload-leader-election',
    'leader-election',
    200,
    'ByUser',
    rules([account('kube-system', '*')], { ...leases, cluster: false }),
  ),
  schema('system-node-high', 'node-high', 400, 'ByUser', {
    subjects: [group('system:nodes')],
    resourceRules: [
      { verbs: ['*'], apiGroups: [''], resources: ['nodes', 'nodes/status'], namespaces: ['*'], clusterScope: true },
      { verbs: ['*'], apiGroups: ['coordination.k8s.io'], resources: ['leases'], namespaces: ['*'] },
    ],
  }),
  schema('system-nodes', 'system', 500, 'ByUser', rules([group('system:nodes')])),
  schema(
    'kube-controller-manager',
    'workload-high',
    800,
    'ByNamespace',
    rules([user('system:kube-controller-manager')]),
  ),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', rules([user('system:kube-scheduler')])),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', rules([account('kube-system', '*')])),
  schema('service-accounts', 'workload-low', 9000, 'ByUser', rules([group('system:serviceaccounts')])),
  schema('global-default', 'global-default', 9900, 'ByUser', rules(everybody)),
];
