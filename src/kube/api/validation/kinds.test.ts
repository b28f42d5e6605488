// Tests of the rules of each kind: one mistake at a time in an object that is otherwise right, and upstream's words for it.
// Uses real defaults, as the server does before it validates.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { goodObjects } from './good-objects.ts';
import { type ValidationOptions, validateObject } from './index.ts';

const made = (kind: string, change: object = {}): KubeObject =>
  mergePatch(goodObjects[kind] as never, change as never) as unknown as KubeObject;
const wrong = (next: KubeObject, previous?: KubeObject, options?: ValidationOptions): string[] =>
  validateObject(next, previous, options).map(({ field, message }) => `${field}: ${message}`);

const container = (extra: object): object => ({ spec: { containers: [{ name: 'web', image: 'web:1', ...extra }] } });
const path = (extra: object): object => ({
  spec: {
    rules: [
      {
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } }, ...extra },
          ],
        },
      },
    ],
  },
});
const here = 'spec.containers[0]';

describe('validateObject()', () => {
  it.each(Object.keys(goodObjects))('finds nothing wrong with a good %s, new or kept', (kind) => {
    expect(wrong(made(kind))).toEqual([]);
    expect(wrong(made(kind), made(kind))).toEqual([]);
  });

  it.each<[string, object, string]>([
    ['Pod', { spec: { containers: [] } }, 'spec.containers: Required value'],
    [
      'Pod',
      container({ name: 'Web' }),
      `${here}.name: Invalid value: "Web": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
    ],
    [
      'Pod',
      {
        spec: {
          containers: [
            { name: 'a', image: 'a' },
            { name: 'a', image: 'a' },
          ],
        },
      },
      'spec.containers[1].name: Duplicate value: "a"',
    ],
    ['Pod', container({ image: '' }), `${here}.image: Required value`],
    [
      'Pod',
      container({ ports: [{ containerPort: 70_000 }] }),
      `${here}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`,
    ],
    [
      'Pod',
      container({ ports: [{ containerPort: 1, protocol: 'tcp' }] }),
      `${here}.ports[0].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"`,
    ],
    [
      'Pod',
      container({ imagePullPolicy: 'Sometimes' }),
      `${here}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"`,
    ],
    [
      'Pod',
      container({ env: [{ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
      `${here}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`,
    ],
    [
      'Pod',
      container({ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'c', key: '' } } }] }),
      `${here}.env[0].valueFrom.configMapKeyRef.key: Required value`,
    ],
    [
      'Pod',
      container({ env: [{ name: 'A=B' }] }),
      `${here}.env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '=' (regex used for validation is '^[ -<>-~]+$')`,
    ],
    [
      'Pod',
      container({ resources: { requests: { cpu: '200m' }, limits: { cpu: '100m' } } }),
      `${here}.resources.requests: Invalid value: "200m": must be less than or equal to cpu limit of 100m`,
    ],
    [
      'Pod',
      container({ resources: { limits: { memory: '-1Gi' } } }),
      `${here}.resources.limits[memory]: Invalid value: "-1Gi": must be greater than or equal to 0`,
    ],
    ['Pod', container({ livenessProbe: {} }), `${here}.livenessProbe: Required value: must specify a handler type`],
    [
      'Pod',
      container({ livenessProbe: { httpGet: { path: '/', port: 80 }, successThreshold: 2 } }),
      `${here}.livenessProbe.successThreshold: Invalid value: 2: must be 1`,
    ],
    [
      'Pod',
      container({ readinessProbe: { httpGet: { path: '/', port: 0 } } }),
      `${here}.readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`,
    ],
    [
      'Pod',
      container({ readinessProbe: { tcpSocket: { port: 1 }, exec: { command: ['x'] } } }),
      `${here}.readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`,
    ],
    [
      'Pod',
      container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      `${here}.volumeMounts[0].name: Not found: "v"`,
    ],
    ['Pod', { spec: { volumes: [{ name: 'v' }] } }, 'spec.volumes[0]: Required value: must specify a volume type'],
    [
      'Pod',
      { spec: { restartPolicy: 'Maybe' } },
      'spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never", "OnFailure"',
    ],
    [
      'Pod',
      { spec: { terminationGracePeriodSeconds: -1 } },
      'spec.terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      'Pod',
      { spec: { initContainers: [{ name: 'i', image: 'i', readinessProbe: { tcpSocket: { port: 1 } } }] } },
      'spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
    ['Deployment', { spec: { replicas: -1 } }, 'spec.replicas: Invalid value: -1: must be greater than or equal to 0'],
    [
      'Deployment',
      { spec: { selector: { matchLabels: { app: 'api' } } } },
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [
      'Deployment',
      { spec: { selector: null } },
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [
      'Deployment',
      { spec: { selector: { matchLabels: null } } },
      'spec.selector: Invalid value: {}: empty selector is invalid for deployment',
    ],
    [
      'Deployment',
      { spec: { strategy: { type: 'Recreate' } } },
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      'Deployment',
      { spec: { strategy: { rollingUpdate: { maxSurge: 0 } } } },
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ],
    [
      'Deployment',
      { spec: { template: { spec: { restartPolicy: 'Never' } } } },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      'Deployment',
      { spec: { progressDeadlineSeconds: 5, minReadySeconds: 5 } },
      'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
    ],
    [
      'StatefulSet',
      { spec: { podManagementPolicy: 'Random' } },
      "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'",
    ],
    [
      'StatefulSet',
      { spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } } } },
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0',
    ],
    [
      'DaemonSet',
      { spec: { updateStrategy: { type: 'Never' } } },
      'spec.updateStrategy.type: Unsupported value: "Never": supported values: "RollingUpdate", "OnDelete"',
    ],
    [
      'Job',
      { spec: { template: { spec: { restartPolicy: 'Always' } } } },
      'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ],
    [
      'CronJob',
      { spec: { schedule: '* * * *' } },
      'spec.schedule: Invalid value: "* * * *": expected exactly 5 fields, found 4: [* * * *]',
    ],
    [
      'EndpointSlice',
      { addressType: 'IPX' },
      'addressType: Unsupported value: "IPX": supported values: "FQDN", "IPv4", "IPv6"',
    ],
    [
      'EndpointSlice',
      { endpoints: [{ addresses: [] }] },
      'endpoints[0].addresses: Required value: must contain at least 1 address',
    ],
    [
      'EndpointSlice',
      { endpoints: [{ addresses: ['fd00::1'] }] },
      'endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address',
    ],
    [
      'EndpointSlice',
      { endpoints: [{ addresses: ['127.244.0.5'] }] },
      'endpoints[0].addresses[0]: Invalid value: "127.244.0.5": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [
      'EndpointSlice',
      { endpoints: [{ addresses: ['169.254.1.1'] }] },
      'endpoints[0].addresses[0]: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    ],
    [
      'Endpoints',
      { subsets: [{ addresses: [{ ip: '0.0.0.0' }], ports: [{ port: 80 }] }] },
      'subsets[0].addresses[0].ip: Invalid value: "0.0.0.0": may not be unspecified (0.0.0.0)',
    ],
    [
      'Ingress',
      { spec: { rules: null } },
      'spec: Invalid value: []: either `defaultBackend` or `rules` must be specified',
    ],
    [
      'Ingress',
      { spec: { rules: [{ host: '10.0.0.1', http: { paths: [] } }] } },
      'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ],
    ['Ingress', { spec: { rules: [{ http: { paths: [] } }] } }, 'spec.rules[0].http.paths: Required value'],
    [
      'Ingress',
      path({ path: 'cart' }),
      'spec.rules[0].http.paths[0].path: Invalid value: "cart": must be an absolute path',
    ],
    [
      'Ingress',
      path({ path: '/a//b' }),
      'spec.rules[0].http.paths[0].path: Invalid value: "/a//b": must not contain \'//\'',
    ],
    [
      'Ingress',
      path({ pathType: undefined }),
      'spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified',
    ],
    [
      'Ingress',
      path({ pathType: 'Regex' }),
      'spec.rules[0].http.paths[0].pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"',
    ],
    [
      'Ingress',
      path({ backend: { service: { name: 'web', port: {} } } }),
      'spec.rules[0].http.paths[0].backend.service.port: Required value: port name or number is required',
    ],
    ['Ingress', path({ backend: {} }), 'spec.rules[0].http.paths[0].backend.service.name: Required value'],
    [
      'IngressClass',
      { spec: { controller: 'evenkeel' } },
      'spec.controller: Invalid value: "evenkeel": must be a domain-prefixed path (such as "acme.io/foo")',
    ],
    ['ServiceCIDR', { spec: { cidrs: [] } }, 'spec.cidrs: Required value: at least one CIDR required'],
    [
      'ServiceCIDR',
      { spec: { cidrs: ['10.97.0.1/16'] } },
      'spec.cidrs[0]: Invalid value: "10.97.0.1/16": must not have bits set beyond the prefix length',
    ],
    [
      'ServiceCIDR',
      { spec: { cidrs: ['10.97.0.0/16', '10.98.0.0/16'] } },
      'spec.cidrs: Invalid value: ["10.97.0.0/16","10.98.0.0/16"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
    ],
    [
      'IPAddress',
      { metadata: { name: 'ten' } },
      'metadata.name: Invalid value: "ten": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    ['IPAddress', { spec: { parentRef: { name: '' } } }, 'spec.parentRef.name: Required value'],
    [
      'NetworkPolicy',
      { spec: { ingress: [{ from: [{}] }] } },
      'spec.ingress[0].from[0]: Required value: must specify a peer',
    ],
    [
      'NetworkPolicy',
      { spec: { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/16'] } }] }] } },
      'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
    ],
    [
      'HorizontalPodAutoscaler',
      { spec: { minReplicas: 5 } },
      'spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`',
    ],
    [
      'HorizontalPodAutoscaler',
      { spec: { metrics: [{ type: 'Pods' }] } },
      'spec.metrics[0].pods: Required value: must populate information for the given metric source',
    ],
    [
      'HorizontalPodAutoscaler',
      {
        spec: {
          behavior: {
            scaleUp: { stabilizationWindowSeconds: 4000, policies: [{ type: 'Pods', value: 1, periodSeconds: 1 }] },
          },
        },
      },
      'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600',
    ],
    [
      'PodDisruptionBudget',
      { spec: { minAvailable: '120%' } },
      'spec.minAvailable: Invalid value: "120%": must not be greater than 100%',
    ],
    [
      'ConfigMap',
      { data: { 'a b': '1' } },
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
    ['Secret', { type: 'kubernetes.io/tls', data: { 'tls.crt': 'MQ==' } }, 'data[tls.key]: Required value'],
    [
      'Role',
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/healthz'] }] },
      'rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to non-resource URLs',
    ],
    [
      'RoleBinding',
      { subjects: [{ kind: 'User', name: 'u' }] },
      'subjects[0].apiGroup: Unsupported value: "": supported values: "rbac.authorization.k8s.io"',
    ],
    [
      'Lease',
      { spec: { leaseDurationSeconds: 0 } },
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    ],
    [
      'PriorityClass',
      { value: 1_000_000_001 },
      'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
    ],
    [
      'Node',
      { spec: { taints: [{ key: 'a', effect: 'Sometimes' }] } },
      'metadata.taints[0].effect: Unsupported value: "Sometimes": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ],
    ['Node', { spec: { taints: [{ key: 'a' }] } }, 'metadata.taints[0].effect: Required value'],
    [
      'Node',
      { spec: { taints: [{ key: '', effect: 'NoExecute' }] } },
      'metadata.taints[0].key: Invalid value: "": name part must be non-empty',
    ],
    [
      'Node',
      { spec: { taints: ['x', 'y'].map((value) => ({ key: 'a', value, effect: 'NoExecute' })) } },
      'metadata.taints[1]: Duplicate value: {"key":"a","value":"y","effect":"NoExecute"}: taints must be unique by key and effect pair',
    ],
    [
      'Node',
      { spec: { podCIDRs: ['10.0.0.0/24', '10.0.1.0/24'] } },
      'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24"]: may specify no more than one CIDR for each IP family',
    ],
    [
      'CustomResourceDefinition',
      { metadata: { name: 'ships.evenkeel.dev' } },
      'metadata.name: Invalid value: "ships.evenkeel.dev": must be spec.names.plural+"."+spec.group',
    ],
  ])('names the mistake in a %s: %j', (kind, change, expected) => {
    expect(wrong(made(kind, change))).toContain(expected);
  });

  it('admits loopback endpoints only where pods live there', () => {
    const slice = made('EndpointSlice', { endpoints: [{ addresses: ['127.244.0.5'] }] });
    expect(wrong(slice, undefined, { admitLoopback: true })).toEqual([]);
    expect(wrong(slice)).toHaveLength(1);
  });
});
