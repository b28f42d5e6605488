// HorizontalPodAutoscalers in both versions of their API: what one writes the other shows, and nothing is lost.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { at, startTestApi, type TestApi } from '../testing/api.ts';
import { toOlder, toStored } from './autoscaler-conversion.ts';

const OLDER = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers';
const NEWER = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers';
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(async () => {
  await api.close();
});

const metrics = [
  { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '64Mi' } } },
  { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } },
  {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'main', target: { type: 'Utilization', averageUtilization: 60 } },
  },
  { type: 'Pods', pods: { metric: { name: 'rps' }, target: { type: 'AverageValue', averageValue: '10' } } },
  {
    type: 'Object',
    object: {
      describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
      metric: { name: 'rps', selector: { matchLabels: { verb: 'GET' } } },
      target: { type: 'Value', value: '100' },
    },
  },
  {
    type: 'Object',
    object: {
      describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
      metric: { name: 'rps' },
      target: { type: 'AverageValue', averageValue: '20' },
    },
  },
  {
    type: 'External',
    external: {
      metric: { name: 'queue', selector: { matchLabels: { name: 'mail' } } },
      target: { type: 'Value', value: '30' },
    },
  },
  { type: 'External', external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '3' } } },
];
const behavior = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [{ type: 'Pods', value: 2, periodSeconds: 30 }],
    tolerance: '50m',
  },
  scaleDown: {
    stabilizationWindowSeconds: 60,
    selectPolicy: 'Min',
    policies: [{ type: 'Percent', value: 10, periodSeconds: 60 }],
  },
};

describe('what is written as autoscaling/v1', () => {
  test('is a CPU target of autoscaling/v2', async () => {
    const spec = { scaleTargetRef, maxReplicas: 5, targetCPUUtilizationPercentage: 60 };
    const created = await api.ok('POST', OLDER, {
      body: { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'a' }, spec },
    });
    expect(created).toMatchObject({
      apiVersion: 'autoscaling/v1',
      spec: { minReplicas: 1, targetCPUUtilizationPercentage: 60 },
    });
    const newer = await api.ok('GET', `${NEWER}/a`);
    expect(newer.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, metrics: [cpu(60)] });
    expect(newer.metadata).not.toHaveProperty('annotations');
  });

  test('without a target has the usual one', async () => {
    const created = await api.ok('POST', OLDER, {
      body: {
        apiVersion: 'autoscaling/v1',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'b' },
        spec: { scaleTargetRef, maxReplicas: 5 },
      },
    });
    expect(at(created, 'spec', 'targetCPUUtilizationPercentage')).toBe(80);
    expect(at(await api.ok('GET', `${NEWER}/b`), 'spec', 'metrics')).toEqual([cpu(80)]);
  });

  test('is held to the same rules', async () => {
    const wrong = await api.call('POST', OLDER, {
      body: {
        apiVersion: 'autoscaling/v1',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'c' },
        spec: { scaleTargetRef, maxReplicas: 0, targetCPUUtilizationPercentage: -1 },
      },
    });
    expect(wrong.code).toBe(422);
    const text = JSON.stringify(wrong.body);
    expect(text).toContain('spec.maxReplicas: Invalid value: 0: must be greater than 0');
    expect(text).toContain('averageUtilization: Invalid value: -1: must be greater than 0');
  });
});

describe('what is written as autoscaling/v2', () => {
  test('comes back whole from the older version, status included', async () => {
    const created = await api.ok('POST', NEWER, {
      body: {
        apiVersion: 'autoscaling/v2',
        kind: 'HorizontalPodAutoscaler',
        metadata: { name: 'd', annotations: { mine: 'stays' } },
        spec: { scaleTargetRef, minReplicas: 0, maxReplicas: 9, metrics, behavior },
      },
    });
    const currentMetrics = [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 42, averageValue: '42m' } } },
      { type: '' },
    ];
    const conditions = [
      { type: 'AbleToScale', status: 'True', reason: 'R', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ];
    const status = { currentReplicas: 2, desiredReplicas: 3, currentMetrics, conditions };
    await api.ok('PATCH', `${NEWER}/d/status`, { body: { status }, type: 'application/merge-patch+json' });
    const older = await api.ok('GET', `${OLDER}/d`);
    expect(older).toMatchObject({
      apiVersion: 'autoscaling/v1',
      spec: { minReplicas: 0, maxReplicas: 9, targetCPUUtilizationPercentage: 70 },
      status: { currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 42 },
    });
    const annotations = at(older, 'metadata', 'annotations') as Record<string, string>;
    expect(JSON.parse(annotations['autoscaling.alpha.kubernetes.io/behavior'] ?? '')).toEqual({
      ScaleUp: {
        StabilizationWindowSeconds: 0,
        SelectPolicy: 'Max',
        Policies: [{ Type: 'Pods', Value: 2, PeriodSeconds: 30 }],
        Tolerance: '50m',
      },
      ScaleDown: {
        StabilizationWindowSeconds: 60,
        SelectPolicy: 'Min',
        Policies: [{ Type: 'Percent', Value: 10, PeriodSeconds: 60 }],
        Tolerance: null,
      },
    });
    expect(JSON.parse(annotations['autoscaling.alpha.kubernetes.io/metrics'] ?? '')).toHaveLength(7);

    await api.ok('PUT', `${OLDER}/d`, { body: { ...older, spec: { ...(older.spec as object), maxReplicas: 8 } } });
    const after = await api.ok('GET', `${NEWER}/d`);
    expect(after.status).toEqual(status);
    expect(at(after, 'metadata', 'annotations')).toEqual({ mine: 'stays' });
    const { metrics: kept, ...rest } = after.spec as { metrics: unknown[] };
    expect(rest).toEqual({ scaleTargetRef, minReplicas: 0, maxReplicas: 8, behavior: at(created, 'spec', 'behavior') });
    // As upstream: the CPU target comes first.
    expect(kept).toEqual([metrics[1], metrics[0], ...metrics.slice(2)]);
  });

  test('a client that drops the annotations does not drop the status', async () => {
    const older = await api.ok('GET', `${OLDER}/d`);
    const { annotations: _, ...metadata } = older.metadata as { annotations: unknown };
    await api.ok('PUT', `${OLDER}/d`, {
      body: { ...older, metadata, spec: { ...(older.spec as object), minReplicas: 1 } },
    });
    const after = await api.ok('GET', `${NEWER}/d`);
    expect(at(after, 'spec', 'metrics')).toEqual([cpu(70)]);
    expect(at(after, 'status', 'conditions', 0, 'reason')).toBe('R');
  });

  test('is listed and watched in both', async () => {
    const list = await api.ok('GET', OLDER);
    expect(list.kind).toBe('HorizontalPodAutoscalerList');
    expect((list.items as unknown[]).length).toBeGreaterThanOrEqual(3);
    expect(at(list, 'items', 0, 'spec', 'targetCPUUtilizationPercentage')).toBe(60);
  });
});

test.each(['{', '7', '{"type":"Resource"}', 'null', '[null,7,{"type":"Pods"}]'])(
  'an annotation that says nothing sensible (%s) has no effect',
  (text) => {
    const stored = toStored({
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: {
        annotations: Object.fromEntries(
          ['metrics', 'current-metrics', 'conditions', 'behavior'].map((name) => [
            `autoscaling.alpha.kubernetes.io/${name}`,
            text,
          ]),
        ),
      },
      spec: { scaleTargetRef, maxReplicas: 3, targetCPUUtilizationPercentage: 50 },
    });
    expect(at(stored as never, 'spec', 'metrics', 0)).toEqual(cpu(50));
    expect(at(toOlder(stored) as never, 'spec', 'targetCPUUtilizationPercentage')).toBe(50);
  },
);

function cpu(averageUtilization: number): unknown {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}
