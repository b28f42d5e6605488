// From readings to figures and reports.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { ContainerStats, RunningContainer } from '../runtime.ts';
import { resourceMetrics, summary } from './reports.ts';
import { type PodContainers, StatsSampler } from './sampler.ts';
import { sumUsage, UsageHistory, usageOf } from './usage.ts';

test('a rate is the CPU time between two readings over the time between them', () => {
  fc.assert(
    fc.property(fc.nat(1e12), fc.nat(1e12), fc.integer({ min: 1, max: 1e6 }), (start, used, ms) => {
      const before = usageOf({ at: 0, cpuNanos: start }, undefined);
      expect(before.nanoCores).toBeUndefined();
      const { nanoCores = -1 } = usageOf({ at: ms, cpuNanos: start + used }, before);
      expect(Math.abs(nanoCores - (used * 1000) / ms)).toBeLessThanOrEqual(0.5);
    }),
  );
});

test('a counter that went back gives no rate', () => {
  expect(usageOf({ at: 10, cpuNanos: 5 }, usageOf({ at: 0, cpuNanos: 9 }, undefined)).nanoCores).toBeUndefined();
});

test('a rate is taken over ten seconds, or what there is of them, however often it is read', () => {
  const history = new UsageHistory();
  const rates: (number | undefined)[] = [];
  // A second of work at the start, and then none.
  for (let second = 0; second <= 13; second++) {
    history.add({ at: second * 1000, cpuNanos: second === 0 ? 0 : 1e9 });
    rates.push(history.latest?.nanoCores);
  }
  expect(rates.slice(0, 3)).toEqual([undefined, 1e9, 5e8]);
  expect(rates.slice(10, 13)).toEqual([1e8, 0, 0]);
  history.add({ at: 14_000, cpuNanos: 5 });
  expect(history.latest?.nanoCores).toBeUndefined();
  history.add({ at: 15_000, cpuNanos: 1e9 + 5 });
  expect(history.latest?.nanoCores).toBe(1e9);
});

test('a sum has the rates of those that have one', () => {
  const none = usageOf({ at: 1, cpuNanos: 3, workingSetBytes: 10 }, undefined);
  const some = { ...none, nanoCores: 7 };
  expect(sumUsage([none, some], 5)).toEqual({ at: 5, cpuNanos: 6, nanoCores: 7, workingSetBytes: 20, rssBytes: 0 });
});

const pod = { metadata: { name: 'web', namespace: 'shop', uid: 'u' } };

function handle(id: string, stats: () => ContainerStats | undefined): RunningContainer {
  return { id, startedAt: 1_000, stats: async () => stats() } as unknown as RunningContainer;
}

test('readings are taken in turn, and forgotten with their container', async () => {
  const clock = new FakeClock();
  let cpuNanos = 0;
  let running: PodContainers['running'] = [
    { name: 'app', handle: handle('1', () => ({ at: clock.wall(), cpuNanos })) },
  ];
  const sampler = new StatsSampler({
    intervalMs: 1_000,
    containers: () => [{ pod, running }],
    clock,
    log: silentLogger,
  });
  expect((await sampler.pods())[0]?.containers[0]?.usage.nanoCores).toBeUndefined();
  cpuNanos = 500_000_000;
  clock.advance(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect((await sampler.pods())[0]?.containers[0]?.usage.nanoCores).toBe(500_000_000);
  running = [{ name: 'app', handle: handle('2', () => ({ at: clock.wall(), cpuNanos: 1 })) }];
  expect((await sampler.pods())[0]?.containers[0]?.usage).toMatchObject({ cpuNanos: 1 });
  running = [{ name: 'app', handle: handle('3', () => undefined) }];
  expect((await sampler.pods())[0]?.containers).toEqual([]);
  sampler.stop();
});

test('the reports say who uses how much', () => {
  const usage = { at: 2_000, cpuNanos: 3e9, nanoCores: 25e7, workingSetBytes: 4096, rssBytes: 2048 };
  const node = { nodeName: 'n1', startedAt: 0, usage };
  const pods = [{ pod, containers: [{ name: 'app', startedAt: 1_000, usage }] }];
  expect(summary(node, pods)).toMatchObject({
    node: { nodeName: 'n1', cpu: { usageNanoCores: 25e7 }, memory: { workingSetBytes: 4096 } },
    pods: [{ podRef: { name: 'web' }, containers: [{ name: 'app', cpu: { usageCoreNanoSeconds: 3e9 } }] }],
  });
  const text = resourceMetrics(node, pods);
  expect(text).toContain('container_cpu_usage_seconds_total{container="app",namespace="shop",pod="web"} 3 2000\n');
  expect(text).toContain('node_memory_working_set_bytes 4096 2000\n');
  expect(text.match(/^# TYPE (\S+)/gm)).toHaveLength(8);
  const open = resourceMetrics(node, pods, 'openmetrics');
  expect(open).toContain('# TYPE node_cpu_usage_seconds counter\nnode_cpu_usage_seconds_total 3 2\n');
});
