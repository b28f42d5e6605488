// Tests of the tables of less common kinds, one object each.
// Knows nothing of HTTP.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { builtin, builtinResources } from '../resources.ts';
import { tableFor } from './index.ts';

const now = Date.parse('2026-05-01T12:00:00Z');
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString().replace('.000Z', 'Z');
const metadata = { name: 'it', namespace: 'default', creationTimestamp: ago(90) };

function cells(kind: string, object: object): Record<string, unknown> {
  const table = tableFor(builtin(kind), [{ metadata, ...object } as KubeObject], now);
  const row = table.rows[0]?.cells ?? [];
  return Object.fromEntries(table.columnDefinitions.map(({ name }, index) => [name, row[index]]));
}

describe('tables of each kind', () => {
  it.each<[string, object, object]>([
    [
      'Node',
      {
        metadata: { ...metadata, labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'edge' } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
          nodeInfo: { kubeletVersion: 'v1.33.0' },
        },
      },
      {
        Status: 'Ready,SchedulingDisabled',
        Roles: 'edge,worker',
        Version: 'v1.33.0',
        'Internal-IP': '127.0.0.1',
        'External-IP': '<none>',
        'OS-Image': '<unknown>',
      },
    ],
    ['Namespace', { status: { phase: 'Active' } }, { Status: 'Active', Age: '90s' }],
    ['ConfigMap', { data: { a: '1' }, binaryData: { b: 'Mg==' } }, { Data: 2 }],
    ['Secret', { type: 'Opaque', data: { a: 'MQ==' } }, { Type: 'Opaque', Data: 1 }],
    [
      'Ingress',
      {
        spec: { ingressClassName: 'evenkeel', tls: [{}], rules: ['a', 'b', 'c', 'd'].map((host) => ({ host })) },
        status: { loadBalancer: { ingress: [{ ip: '127.0.0.1' }, { hostname: 'localhost' }] } },
      },
      { Class: 'evenkeel', Hosts: 'a,b,c + 1 more...', Address: '127.0.0.1,localhost', Ports: '80, 443' },
    ],
    [
      'ServiceCIDR',
      { spec: { cidrs: ['10.96.0.0/16', 'fd00::/112'] } },
      { CIDRs: '10.96.0.0/16,fd00::/112', Age: '90s' },
    ],
    [
      'IPAddress',
      { spec: { parentRef: { group: '', resource: 'services', namespace: 'shop', name: 'web' } } },
      { ParentRef: 'services/shop/web', Age: '90s' },
    ],
    [
      'IPAddress',
      { spec: { parentRef: { group: 'a.test', resource: 'gateways', name: 'edge' } } },
      { ParentRef: 'gateways.a.test/edge' },
    ],
    ['Ingress', { spec: {} }, { Class: '<none>', Hosts: '*', Address: '', Ports: '80' }],
    [
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'web' },
          minReplicas: 2,
          maxReplicas: 6,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
            { type: 'Pods', pods: { target: { averageValue: '10' } } },
            { type: 'External', external: { target: { value: '5' } } },
          ],
        },
        status: {
          currentReplicas: 3,
          currentMetrics: [{ type: 'Resource', resource: { current: { averageUtilization: 42 } } }],
        },
      },
      {
        Reference: 'Deployment/web',
        Targets: 'cpu: 42%/70%, <unknown>/10 + 1 more...',
        MinPods: 2,
        MaxPods: 6,
        Replicas: 3,
      },
    ],
    [
      'PodDisruptionBudget',
      { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 1 } },
      { 'Min Available': '50%', 'Max Unavailable': 'N/A', 'Allowed Disruptions': 1 },
    ],
    [
      'Job',
      {
        spec: { parallelism: 3 },
        status: {
          succeeded: 1,
          startTime: ago(60),
          completionTime: ago(30),
          conditions: [{ type: 'Complete', status: 'True' }],
        },
      },
      { Status: 'Complete', Completions: '1/1 of 3', Duration: '30s' },
    ],
    [
      'CronJob',
      { spec: { schedule: '* * * * *', suspend: false } },
      { Schedule: '* * * * *', Suspend: 'False', 'Last Schedule': '<none>' },
    ],
    [
      'EndpointSlice',
      {
        addressType: 'IPv4',
        ports: [{ port: 8080 }],
        endpoints: ['1', '2', '3', '4'].map((last) => ({ addresses: [`10.0.0.${last}`] })),
      },
      { AddressType: 'IPv4', Ports: '8080', Endpoints: '10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...' },
    ],
    [
      'Endpoints',
      { subsets: [{ addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: [{ port: 80 }] }] },
      { Endpoints: '10.0.0.1:80,[fd00::1]:80' },
    ],
    [
      'Event',
      {
        type: 'Warning',
        reason: 'BackOff',
        message: 'Back-off restarting\n',
        involvedObject: { kind: 'Pod', name: 'web-1', fieldPath: 'spec.containers{web}' },
        source: { component: 'kubelet', host: 'node-1' },
        firstTimestamp: ago(600),
        lastTimestamp: ago(30),
        count: 4,
      },
      {
        'Last Seen': '30s',
        'First Seen': '10m',
        Object: 'pod/web-1',
        Message: 'Back-off restarting',
        Source: 'kubelet, node-1',
        Count: 4,
        Name: 'it',
      },
    ],
    [
      'RoleBinding',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'ServiceAccount', namespace: 'n', name: 's' },
          { kind: 'User', name: 'u' },
        ],
      },
      { Role: 'Role/r', Users: 'u', ServiceAccounts: 'n/s' },
    ],
    [
      'PersistentVolumeClaim',
      {
        spec: { volumeName: 'v' },
        status: { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteMany', 'ReadWriteOnce'] },
      },
      { Status: 'Bound', Capacity: '1Gi', 'Access Modes': 'RWO,RWX' },
    ],
    ['StorageClass', { provisioner: 'p' }, { Provisioner: 'p', ReclaimPolicy: 'Delete' }],
    [
      'ControllerRevision',
      {
        revision: 3,
        metadata: {
          ...metadata,
          ownerReferences: [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'u', controller: true }],
        },
      },
      { Controller: 'statefulset.apps/db', Revision: 3 },
    ],
    [
      'ResourceQuota',
      { status: { hard: { pods: '4', 'limits.cpu': '2' }, used: { pods: '1' } } },
      { Request: 'pods: 1/4', Limit: 'limits.cpu: 0/2' },
    ],
  ])('shows a %s', (kind, object, expected) => {
    expect(cells(kind, object)).toMatchObject(expected);
  });

  it('shows events of events.k8s.io in the same columns', () => {
    const definition = builtinResources.find(({ group }) => group === 'events.k8s.io');
    if (definition === undefined) throw new Error('events.k8s.io is not served');
    const event = { metadata, regarding: { kind: 'Pod', name: 'web' }, note: 'Started', eventTime: ago(5) };
    const [row] = tableFor(definition, [event as KubeObject], now).rows;
    expect(row?.cells.slice(0, 4)).toEqual(['5s', '', '', 'pod/web']);
    expect(row?.cells[6]).toBe('Started');
  });
});
