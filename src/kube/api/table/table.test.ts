// Tests of tables: the cells that kubectl shows for objects in their usual and unusual states.
// Knows nothing of HTTP.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../object.ts';
import { builtin, builtinResources } from '../resources.ts';
import { humanDuration, shortHumanDuration } from './duration.ts';
import { tableFor } from './index.ts';

const now = Date.parse('2026-05-01T12:00:00Z');
const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString().replace('.000Z', 'Z');
const meta = (extra: object = {}) => ({ name: 'web', namespace: 'default', creationTimestamp: ago(90), ...extra });

/** Cells by column name. */
function cells(kind: string, object: object): Record<string, unknown> {
  const table = tableFor(builtin(kind), [object as KubeObject], now);
  const row = table.rows[0]?.cells ?? [];
  expect(row).toHaveLength(table.columnDefinitions.length);
  return Object.fromEntries(table.columnDefinitions.map(({ name }, index) => [name, row[index]]));
}

const running = (extra: object = {}) => ({
  name: 'web',
  ready: true,
  restartCount: 0,
  state: { running: { startedAt: ago(80) } },
  ...extra,
});
const pod = (status: object, extra: object = {}, spec: object = {}) => ({
  metadata: meta(extra),
  spec: { containers: [{ name: 'web' }], ...spec },
  status,
});

describe('tableFor()', () => {
  it.each([
    ['running', pod({ phase: 'Running', containerStatuses: [running()] }), 'Running', '1/1', '0'],
    ['pending', pod({ phase: 'Pending' }), 'Pending', '0/1', '0'],
    ['failed by the node', pod({ phase: 'Failed', reason: 'Evicted' }), 'Evicted', '0/1', '0'],
    [
      'in back-off',
      pod({
        phase: 'Running',
        containerStatuses: [
          running({
            ready: false,
            restartCount: 3,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated: { exitCode: 1, finishedAt: ago(5) } },
          }),
        ],
      }),
      'CrashLoopBackOff',
      '0/1',
      '3 (5s ago)',
    ],
    [
      'ended by a signal',
      pod({ phase: 'Running', containerStatuses: [running({ state: { terminated: { exitCode: 137, signal: 9 } } })] }),
      'Signal:9',
      '0/1',
      '0',
    ],
    [
      'completed',
      pod({
        phase: 'Succeeded',
        containerStatuses: [running({ ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } })],
      }),
      'Completed',
      '0/1',
      '0',
    ],
    [
      'on its way out',
      pod({ phase: 'Running', containerStatuses: [running()] }, { deletionTimestamp: ago(1) }),
      'Terminating',
      '1/1',
      '0',
    ],
    [
      'in its second init container',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [
            { name: 'a', restartCount: 0, state: { terminated: { exitCode: 0 } } },
            { name: 'b', restartCount: 0, state: { running: {} } },
          ],
        },
        {},
        { initContainers: [{ name: 'a' }, { name: 'b' }] },
      ),
      'Init:1/2',
      '0/1',
      '0',
    ],
    [
      'held by a failing init container',
      pod(
        {
          phase: 'Pending',
          initContainerStatuses: [{ name: 'a', restartCount: 2, state: { waiting: { reason: 'CrashLoopBackOff' } } }],
        },
        {},
        { initContainers: [{ name: 'a' }] },
      ),
      'Init:CrashLoopBackOff',
      '0/1',
      '2',
    ],
    [
      'with a sidecar that runs beside it',
      pod(
        {
          phase: 'Running',
          conditions: [{ type: 'Initialized', status: 'True' }],
          initContainerStatuses: [running({ name: 'mesh', started: true, restartCount: 1 })],
          containerStatuses: [running({ restartCount: 1 })],
        },
        {},
        { initContainers: [{ name: 'mesh', restartPolicy: 'Always' }] },
      ),
      'Running',
      '2/2',
      '2',
    ],
    [
      'of which one container is done and the other is not ready',
      pod({
        phase: 'Running',
        containerStatuses: [
          running({ ready: false, state: { terminated: { exitCode: 0, reason: 'Completed' } } }),
          running({ name: 'other' }),
        ],
      }),
      'NotReady',
      '1/1',
      '0',
    ],
    [
      'held back by a scheduling gate',
      pod({ phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      'SchedulingGated',
      '0/1',
      '0',
    ],
    [
      'on a node that was lost',
      pod({ phase: 'Running', reason: 'NodeLost' }, { deletionTimestamp: ago(1) }),
      'Unknown',
      '0/1',
      '0',
    ],
    [
      'that is done and being deleted',
      pod({ phase: 'Succeeded', reason: 'Completed' }, { deletionTimestamp: ago(1) }),
      'Completed',
      '0/1',
      '0',
    ],
  ])('shows a pod %s', (_, object, status, ready, restarts) => {
    expect(cells('Pod', object)).toMatchObject({ Status: status, Ready: ready, Restarts: restarts, Age: '90s' });
  });

  it('shows a Deployment with its wide columns', () => {
    const object = {
      metadata: meta(),
      spec: {
        replicas: 3,
        selector: {
          matchLabels: { app: 'web' },
          matchExpressions: [{ key: 'tier', operator: 'In', values: ['b', 'a'] }],
        },
        template: { spec: { containers: [{ name: 'web', image: 'web:1' }] } },
      },
      status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 2 },
    };
    expect(cells('Deployment', object)).toEqual({
      Name: 'web',
      Ready: '2/3',
      'Up-to-date': 3,
      Available: 2,
      Age: '90s',
      Containers: 'web',
      Images: 'web:1',
      Selector: 'app=web,tier in (a,b)',
    });
  });

  it('shows a Service of each type', () => {
    const ports = [
      { port: 80, nodePort: 30080 },
      { port: 53, protocol: 'UDP' },
    ];
    expect(
      cells('Service', { metadata: meta(), spec: { type: 'NodePort', clusterIP: '10.96.0.9', ports } }),
    ).toMatchObject({
      Type: 'NodePort',
      'Cluster-IP': '10.96.0.9',
      'External-IP': '<none>',
      'Port(s)': '80:30080/TCP,53/UDP',
    });
    expect(cells('Service', { metadata: meta(), spec: { type: 'LoadBalancer' } })['External-IP']).toBe('<pending>');
    expect(cells('Service', { metadata: meta(), spec: { type: 'ExternalName', externalName: 'a.b' } })).toMatchObject({
      'Cluster-IP': '<none>',
      'External-IP': 'a.b',
    });
  });

  it('prints every built-in kind, even an empty object of it', () => {
    for (const definition of builtinResources) {
      const table = tableFor(definition, [{ metadata: { name: 'x' } }], now);
      expect(table.rows[0]?.cells, definition.kind).toHaveLength(table.columnDefinitions.length);
      expect(table.columnDefinitions.length, definition.kind).toBeGreaterThan(1);
      for (const cell of table.rows[0]?.cells ?? []) expect(cell, definition.kind).not.toBeUndefined();
    }
  });

  it('carries as much of the object as was asked for', () => {
    const object = { kind: 'Pod', metadata: meta(), spec: {} } as KubeObject;
    const row = (includeObject: 'None' | 'Metadata' | 'Object') =>
      tableFor(builtin('Pod'), [object], now, { includeObject }).rows[0]?.object;
    expect(row('None')).toBeUndefined();
    expect(row('Object')).toBe(object);
    expect(row('Metadata')).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: object.metadata,
    });
  });
});

describe('durations', () => {
  const [minute, hour, day] = [60, 3600, 86_400];
  it.each([
    [-5, '<invalid>', '<invalid>'],
    [-1, '0s', '0s'],
    [0, '0s', '0s'],
    [119, '119s', '1m'],
    [120, '2m', '2m'],
    [150, '2m30s', '2m'],
    [10 * minute + 5, '10m', '10m'],
    [179 * minute, '179m', '2h'],
    [3 * hour + 5 * minute, '3h5m', '3h'],
    [47 * hour, '47h', '1d'],
    [2 * day + 2 * hour, '2d2h', '2d'],
    [8 * day + hour, '8d', '8d'],
    [2 * 365 * day + 30 * day, '2y30d', '2y'],
    [9 * 365 * day, '9y', '9y'],
  ])('%d seconds are %s, in short %s', (seconds, human, short) => {
    expect(humanDuration(seconds * 1000)).toBe(human);
    expect(shortHumanDuration(seconds * 1000)).toBe(short);
  });
});
