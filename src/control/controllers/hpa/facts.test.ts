// Pods and autoscalers of the API in the terms of the mathematics.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { autoscalerOf, podFacts } from './facts.ts';

const requests = (cpu: string): object => ({ resources: { requests: { cpu } } });

const pod = (spec: object, status: object = {}): Pod =>
  ({ metadata: { name: 'p' }, spec: { containers: [], ...spec }, status }) as unknown as Pod;

test('of init containers those count that run all the time', () => {
  const { containers, podRequests } = podFacts(
    pod({
      containers: [{ name: 'main', ...requests('100m') }],
      initContainers: [
        { name: 'migrate', ...requests('2') },
        { name: 'mesh', restartPolicy: 'Always', ...requests('50m') },
      ],
    }),
  );
  expect(containers).toEqual([
    { name: 'main', requests: { cpu: 100n } },
    { name: 'mesh', requests: { cpu: 50n } },
  ]);
  expect(podRequests).toBeUndefined();
});

test('a pod that requests something as a whole is asked for that', () => {
  const { podRequests } = podFacts(
    pod({
      resources: { requests: { cpu: '1500m' } },
      containers: [{ name: 'main', resources: { requests: { cpu: '100m', memory: '1k' } } }],
    }),
  );
  expect(podRequests).toEqual({ cpu: 1500n, memory: 1_000_000n });
});

test('phase, start, readiness and being deleted are as the pod says', () => {
  const conditions = [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T00:00:05Z' }];
  const given = pod({}, { phase: 'Running', startTime: '2026-01-01T00:00:00Z', conditions });
  expect(podFacts(given)).toMatchObject({
    phase: 'Running',
    deleting: false,
    startedAt: Date.parse('2026-01-01T00:00:00Z'),
    ready: { status: 'False', since: Date.parse('2026-01-01T00:00:05Z') },
  });
  const leaving = { ...given, metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:01:00Z' } };
  expect(podFacts(leaving).deleting).toBe(true);
  expect(podFacts(pod({}))).toMatchObject({ phase: '', startedAt: undefined, ready: undefined });
});

test.each([
  ['Resource', false],
  ['Pods', false],
  ['Object', true],
  ['External', true],
])('from zero, a metric of type %s sees what there is to do: %s', (type, seesWithoutPods) => {
  const autoscaler = {
    spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 3, metrics: [{ type }] },
  } as HorizontalPodAutoscaler;
  expect(autoscalerOf(autoscaler)).toMatchObject({ minReplicas: 1, maxReplicas: 3, seesWithoutPods });
});
