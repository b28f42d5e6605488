// What requests and limits of containers and pods come to.
import fc from 'fast-check';
import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { containerLimits, cpuQuotaUs, cpuShares, cpuWeight, podLimits } from './limits.ts';
import { oomScoreAdj } from './oom-score.ts';

type Resources = { requests?: Record<string, string>; limits?: Record<string, string> };

const container = (resources: Resources, rest: Partial<Container> = {}): Container => ({
  name: 'c',
  resources,
  ...rest,
});
const pod = (containers: Container[], initContainers: Container[] = []): Pod => ({
  spec: { containers, initContainers },
});

test('a container is bound by its limits, and its share follows its request', () => {
  const full = container({ requests: { cpu: '250m', memory: '64Mi' }, limits: { cpu: '1', memory: '128Mi' } });
  expect(containerLimits(full)).toEqual({ cpuShares: 256, cpuMillis: 1000, memoryBytes: 128 * 1024 * 1024 });
  expect(containerLimits(container({ limits: { cpu: '500m' } }))).toEqual({ cpuShares: 512, cpuMillis: 500 });
  expect(containerLimits(container({ limits: { cpu: '0', memory: '0' } }))).toEqual({ cpuShares: 2 });
  expect(containerLimits(container({}))).toEqual({ cpuShares: 2 });
});

test('a pod is bound by the sum, when each container has a limit', () => {
  const one = container({ limits: { cpu: '1', memory: '100Mi' } });
  const open = container({ requests: { cpu: '1' }, limits: { memory: '100Mi' } });
  expect(podLimits(pod([one, one]), 10)).toEqual({
    cpuShares: 2048,
    cpuMillis: 2000,
    memoryBytes: 200 * 1024 * 1024,
    pids: 10,
  });
  expect(podLimits(pod([one, open]), 10)).toEqual({ cpuShares: 2048, memoryBytes: 200 * 1024 * 1024, pids: 10 });
});

test('init containers count alone, sidecars beside those that follow', () => {
  const big = container({ limits: { cpu: '3', memory: '1Mi' } });
  const one = container({ limits: { cpu: '1', memory: '1Mi' } });
  const sidecar = container({ limits: { cpu: '1', memory: '1Mi' } }, { restartPolicy: 'Always' } as object);
  expect(podLimits(pod([one], [big]), 1).cpuMillis).toBe(3000);
  expect(podLimits(pod([one], [sidecar, big]), 1).cpuMillis).toBe(4000);
  expect(podLimits(pod([one, one, one], [big, sidecar]), 1).cpuMillis).toBe(4000);
});

test('the kernel accepts whatever comes of a quantity', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000 }), (millis) => {
      const shares = cpuShares(millis);
      expect(shares).toBeGreaterThanOrEqual(2);
      expect(shares).toBeLessThanOrEqual(262_144);
      expect(cpuWeight(shares)).toBeGreaterThanOrEqual(1);
      expect(cpuWeight(shares)).toBeLessThanOrEqual(10_000);
      expect(cpuQuotaUs(millis)).toBeGreaterThanOrEqual(1000);
      expect(cpuShares(millis + 1000)).toBeGreaterThanOrEqual(shares);
    }),
  );
  expect([cpuWeight(2), cpuWeight(1024), cpuWeight(262_144)]).toEqual([1, 39, 10_000]);
});

test('who asked for memory is ended later', () => {
  const gib = 1024 ** 3;
  const of = (resources: Resources): number => oomScoreAdj(pod([container(resources)]), container(resources), 4 * gib);
  expect(of({})).toBe(1000);
  expect(of({ limits: { cpu: '1', memory: '1Gi' } })).toBe(-997);
  expect(of({ requests: { memory: '1Gi' } })).toBe(750);
  expect(of({ requests: { memory: '1' } })).toBe(999);
  expect(of({ requests: { memory: '8Gi' } })).toBe(3);
  const critical = { spec: { ...pod([container({})]).spec, priority: 2_000_001_000 } } as Pod;
  expect(oomScoreAdj(critical, container({}), gib)).toBe(-997);
});
