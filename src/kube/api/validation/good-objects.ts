// Objects without a mistake, one a kind, plain and rich: what the tests of this room spoil.
// Used by tests only; knows no rule.
import { goodAdmissionObjects } from './good-admission-objects.ts';

const metadata = { name: 'web', namespace: 'default' };
const podSpec = { containers: [{ name: 'web', image: 'web:1' }], restartPolicy: 'Always', dnsPolicy: 'ClusterFirst' };
const template = { metadata: { labels: { app: 'web' } }, spec: podSpec };
const jobUid = '2f6c1d8e-0a56-4f0c-9d58-7b1e7c3a9d11';
const selector = { matchLabels: { app: 'web' } };
const workload = (kind: string, spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata,
  spec: { selector, template, ...spec },
});

/** One object without a mistake of every kind that has rules, as it stands after defaulting. */
export const goodObjects: Record<string, object> = {
  Pod: { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec },
  ResourceQuota: {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata,
    spec: { hard: { pods: '4', 'requests.cpu': '2' }, scopes: ['NotBestEffort'] },
  },
  LimitRange: {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata,
    spec: { limits: [{ type: 'Container', min: { cpu: '1m' }, max: { cpu: '1' }, default: { cpu: '500m' } }] },
  },
  Deployment: workload('Deployment', {
    replicas: 1,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: 0 } },
  }),
  ReplicaSet: workload('ReplicaSet', { replicas: 1 }),
  StatefulSet: workload('StatefulSet', { serviceName: 'web', podManagementPolicy: 'OrderedReady' }),
  DaemonSet: workload('DaemonSet'),
  Job: {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata, uid: jobUid },
    spec: {
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': jobUid } },
      template: {
        metadata: {
          labels: {
            'controller-uid': jobUid,
            'job-name': 'web',
            'batch.kubernetes.io/controller-uid': jobUid,
            'batch.kubernetes.io/job-name': 'web',
          },
        },
        spec: { ...podSpec, restartPolicy: 'Never' },
      },
    },
  },
  CronJob: {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata,
    spec: {
      schedule: '*/5 0-6 * jan,feb mon',
      concurrencyPolicy: 'Allow',
      jobTemplate: { spec: { template: { ...template, spec: { ...podSpec, restartPolicy: 'OnFailure' } } } },
    },
  },
  Service: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9'],
      ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }],
    },
  },
  EndpointSlice: {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.244.0.5'] }],
  },
  Endpoints: {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata,
    subsets: [{ addresses: [{ ip: '10.244.0.5' }], ports: [{ port: 80 }] }],
  },
  Ingress: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata,
    spec: {
      ingressClassName: 'evenkeel',
      tls: [{ hosts: ['*.shop.local'], secretName: 'tls' }],
      rules: [
        {
          host: 'shop.local',
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
          },
        },
      ],
    },
  },
  IngressClass: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'evenkeel' },
    spec: { controller: 'evenkeel.dev/ingress' },
  },
  IPAddress: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name: '10.96.0.1' },
    spec: { parentRef: { resource: 'services', namespace: 'default', name: 'kubernetes' } },
  },
  ServiceCIDR: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'more' },
    spec: { cidrs: ['10.97.0.0/16', 'fd00:10:97::/112'] },
  },
  NetworkPolicy: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: {
      podSelector: {},
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }],
    },
  },
  HorizontalPodAutoscaler: {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: {
      minReplicas: 1,
      maxReplicas: 3,
      scaleTargetRef: { kind: 'Deployment', name: 'web' },
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
      ],
    },
  },
  PodDisruptionBudget: {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { minAvailable: 1, selector },
  },
  ConfigMap: { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'a.b': '1' } },
  Secret: { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: { a: 'MQ==' } },
  Role: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata,
    rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
  },
  RoleBinding: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'web' },
    subjects: [{ kind: 'ServiceAccount', name: 'web' }],
  },
  Node: {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
    spec: {
      podCIDR: '10.244.1.0/24',
      podCIDRs: ['10.244.1.0/24', 'fd00:10:244:1::/64'],
      providerID: 'cloud://n1',
      taints: [
        { key: 'example.com/gpu', value: 'yes', effect: 'NoSchedule' },
        { key: 'example.com/gpu', effect: 'NoExecute' },
      ],
    },
  },
  Lease: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: { leaseDurationSeconds: 15 } },
  PriorityClass: { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'high' }, value: 1000 },
  ...goodAdmissionObjects,
  CustomResourceDefinition: {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'boats.evenkeel.dev' },
    spec: {
      group: 'evenkeel.dev',
      scope: 'Namespaced',
      names: { plural: 'boats', singular: 'boat', kind: 'Boat', listKind: 'BoatList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
    status: { conditions: [], acceptedNames: { plural: 'boats', kind: 'Boat' }, storedVersions: ['v1'] },
  },
};

const term = {
  topologyKey: 'kubernetes.io/hostname',
  labelSelector: { matchExpressions: [{ key: 'app', operator: 'In', values: ['web'] }] },
};
const probe = { httpGet: { path: '/', port: 'http', httpHeaders: [{ name: 'Host', value: 'x' }] }, periodSeconds: 1 };
const [required, preferred] = [
  'requiredDuringSchedulingIgnoredDuringExecution',
  'preferredDuringSchedulingIgnoredDuringExecution',
] as const;

/** Objects that use most of what their kind has, without a mistake either. */
export const richObjects: Readonly<Record<string, object>> = {
  Pod: {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      labels: { a: 'b' },
      annotations: { 'x.y/z': '1' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'c', uid: 'u' }],
    },
    spec: {
      ...podSpec,
      volumes: [
        { name: 'config', configMap: { name: 'c', items: [{ key: 'k', path: 'p', mode: 0o400 }] } },
        { name: 'secret', secret: { secretName: 's', defaultMode: 0o440 } },
        { name: 'host', hostPath: { path: '/data' } },
        { name: 'claim', persistentVolumeClaim: { claimName: 'c' } },
        { name: 'down', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
        {
          name: 'many',
          projected: { sources: [{ configMap: { name: 'c' } }, { serviceAccountToken: { path: 'token' } }] },
        },
      ],
      containers: [
        {
          name: 'web',
          image: 'web:1',
          ports: [{ name: 'http', containerPort: 80, hostPort: 8080, protocol: 'TCP' }],
          env: [
            { name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a']" } } },
            { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
            { name: 'C', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
          ],
          envFrom: [{ prefix: 'P_', configMapRef: { name: 'c' } }],
          resources: { requests: { cpu: '100m', 'x.y/gpu': '1' }, limits: { cpu: '1', 'x.y/gpu': '1' } },
          volumeMounts: [
            { name: 'config', mountPath: '/c', subPath: 'a' },
            { name: 'host', mountPath: '/h', subPathExpr: 'b' },
          ],
          livenessProbe: probe,
          readinessProbe: { tcpSocket: { port: 80 } },
          startupProbe: { grpc: { port: 80 }, successThreshold: 1 },
          lifecycle: { preStop: { exec: { command: ['true'] } }, postStart: { sleep: { seconds: 1 } } },
        },
      ],
      initContainers: [{ name: 'mesh', image: 'mesh:1', restartPolicy: 'Always', startupProbe: probe }],
      tolerations: [{ key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 5 }],
      topologySpreadConstraints: [
        { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: {} },
      ],
      affinity: {
        nodeAffinity: {
          [required]: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] }] },
          [preferred]: [{ weight: 1, preference: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } }],
        },
        podAntiAffinity: { [required]: [term], [preferred]: [{ weight: 100, podAffinityTerm: term }] },
      },
      hostAliases: [{ ip: '10.0.0.1', hostnames: ['a.b'] }],
      readinessGates: [{ conditionType: 'x.y/ready' }],
      imagePullSecrets: [{ name: 'registry' }],
      schedulingGates: [{ name: 'x.y/wait' }],
      nodeSelector: { a: 'b' },
    },
  },
  Service: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      type: 'LoadBalancer',
      clusterIP: '10.96.0.9',
      clusterIPs: ['10.96.0.9', 'fd00::9'],
      ipFamilies: ['IPv4', 'IPv6'],
      ipFamilyPolicy: 'RequireDualStack',
      ports: [
        { name: 'a', port: 80, nodePort: 30080, appProtocol: 'http' },
        { name: 'b', port: 53, protocol: 'UDP' },
      ],
      externalIPs: ['192.0.2.1'],
      loadBalancerSourceRanges: ['192.0.2.0/24'],
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
      selector: { app: 'web' },
    },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
  },
  HorizontalPodAutoscaler: {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata,
    spec: {
      maxReplicas: 3,
      scaleTargetRef: { kind: 'Deployment', name: 'web' },
      metrics: [
        {
          type: 'Pods',
          pods: { metric: { name: 'm', selector: {} }, target: { type: 'AverageValue', averageValue: '1' } },
        },
        {
          type: 'Object',
          object: {
            metric: { name: 'm' },
            describedObject: { kind: 'S', name: 's' },
            target: { type: 'Value', value: '1' },
          },
        },
        { type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '1' } } },
        {
          type: 'ContainerResource',
          containerResource: { name: 'cpu', container: 'web', target: { type: 'Utilization', averageUtilization: 5 } },
        },
      ],
      behavior: {
        scaleDown: {
          stabilizationWindowSeconds: 1,
          selectPolicy: 'Max',
          policies: [{ type: 'Percent', value: 1, periodSeconds: 1 }],
        },
      },
    },
    status: { currentMetrics: [{ type: 'Pods', pods: { current: { averageValue: '2' } } }] },
  },
  NetworkPolicy: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata,
    spec: {
      podSelector: { matchLabels: { a: 'b' } },
      egress: [{ to: [{ podSelector: {}, namespaceSelector: {} }], ports: [{ port: 1, endPort: 2, protocol: 'TCP' }] }],
    },
  },
  ClusterRole: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'system:all' },
    rules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] },
  },
  IngressClass: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'c' },
    spec: { controller: 'a.b/c', parameters: { kind: 'K', name: 'n', scope: 'Namespace', namespace: 'x' } },
  },
  StorageClass: {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 's' },
    provisioner: 'a.b/c',
    reclaimPolicy: 'Delete',
  },
};
