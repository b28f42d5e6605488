// What a node's silence, its conditions and its neighbours' health lead to.
// Pure, without a cluster.
import fc from 'fast-check';
import type { Node } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { defaultSettings } from '../settings.ts';
import { NodeHealth, unknownConditions } from './health.ts';
import { desiredTaints, evictionKey } from './taints.ts';
import { allDisrupted, evictionRate, ZoneLimits, zoneState, zoneStates } from './zones.ts';

const AT = '2026-01-01T00:00:00Z';
const node = (ready?: string, more: Partial<Node> = {}): Node => ({
  metadata: { name: 'n' },
  ...more,
  status: { conditions: ready === undefined ? [] : [{ type: 'Ready', status: ready }] },
});

describe('taints', () => {
  const status = fc.constantFrom('True', 'False', 'Unknown');
  const anyNode = fc.record({
    conditions: fc.uniqueArray(
      fc.record({ type: fc.constantFrom('Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'), status }),
      { selector: ({ type }) => type },
    ),
    unschedulable: fc.boolean(),
    taints: fc.uniqueArray(
      fc.record({
        key: fc.constantFrom('gpu', 'node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'),
        effect: fc.constantFrom('NoSchedule', 'NoExecute'),
      }),
      { selector: ({ key, effect }) => `${key}${effect}` },
    ),
  });

  test('once they are right they stay, and those of others are never touched', () => {
    fc.assert(
      fc.property(anyNode, fc.boolean(), ({ conditions, unschedulable, taints }, evicts) => {
        const before: Node = { metadata: { name: 'n' }, spec: { taints, unschedulable }, status: { conditions } };
        const evict = evicts ? evictionKey(before) : undefined;
        const after = desiredTaints(before, evict, AT) ?? taints;
        expect(desiredTaints({ ...before, spec: { taints: after, unschedulable } }, evict, AT)).toBeUndefined();
        const foreign = (list: readonly { key: string }[]) => list.filter(({ key }) => key === 'gpu');
        expect(foreign(after)).toEqual(foreign(taints));
        const ready = conditions.find(({ type }) => type === 'Ready')?.status;
        const has = (key: string, effect: string) =>
          after.some((taint) => taint.key === key && taint.effect === effect);
        expect(has('node.kubernetes.io/unreachable', 'NoSchedule')).toBe(ready === 'Unknown');
        expect(has('node.kubernetes.io/not-ready', 'NoSchedule')).toBe(ready === 'False');
        expect(has('node.kubernetes.io/unreachable', 'NoExecute')).toBe(evicts && ready === 'Unknown');
        expect(has('node.kubernetes.io/unschedulable', 'NoSchedule')).toBe(unschedulable);
      }),
    );
  });
});

describe('silence', () => {
  test('is counted from the last renewal, whatever the clock of the node says', () => {
    const health = new NodeHealth();
    health.sawNode(node('True'), 0);
    const lease = (renewTime: string) => ({ metadata: { name: 'n' }, spec: { renewTime: renewTime as never } });
    expect(health.sawLease(lease('1999-01-01T00:00:00Z'), 900)).toBe(true);
    expect(health.sawLease(lease('1999-01-01T00:00:00Z'), 1_500)).toBe(false);
    expect(health.isSilent('n', 1_000, 1_900)).toBe(false);
    expect(health.isSilent('n', 1_000, 1_901)).toBe(true);
    // We stood still ourselves for most of that time.
    health.wasDeaf(800, 1_901);
    expect(health.isSilent('n', 1_000, 1_901)).toBe(false);
  });

  test('makes every reported condition unknown, and says which never was', () => {
    const conditions = unknownConditions(node('True'), AT);
    expect(conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`)).toEqual([
      'Ready Unknown NodeStatusUnknown',
      'MemoryPressure Unknown NodeStatusNeverUpdated',
      'DiskPressure Unknown NodeStatusNeverUpdated',
      'PIDPressure Unknown NodeStatusNeverUpdated',
    ]);
    expect(conditions?.[0]?.message).toBe('Kubelet stopped posting node status.');
    expect(unknownConditions({ ...node(), status: { conditions: conditions ?? [] } }, AT)).toBeUndefined();
  });
});

describe('zones', () => {
  test.each([
    [3, 0, 'Normal'],
    [0, 1, 'FullDisruption'],
    // Two of three is much, but a small zone.
    [1, 2, 'Normal'],
    [2, 3, 'PartialDisruption'],
    [5, 3, 'Normal'],
  ] as const)('%i ready and %i not make %s', (ready, notReady, state) => {
    expect(zoneState(ready, notReady, 0.55)).toBe(state);
  });

  test('nobody is moved when every zone is down; one zone that is down is emptied', () => {
    const zone = (name: string, ready: string) =>
      node(ready, { metadata: { name, labels: { 'topology.kubernetes.io/zone': name } } });
    expect(allDisrupted(zoneStates([zone('a', 'Unknown'), zone('b', 'Unknown')], 0.55))).toBe(true);
    expect(allDisrupted(zoneStates([zone('a', 'Unknown'), zone('b', 'True')], 0.55))).toBe(false);
    expect(evictionRate('FullDisruption', 3, defaultSettings)).toBe(0.1);
    expect(evictionRate('PartialDisruption', 50, defaultSettings)).toBe(0);
    expect(evictionRate('PartialDisruption', 51, defaultSettings)).toBe(0.01);
  });

  test('nodes of a zone take turns, and zones do not wait for each other', () => {
    const limits = new ZoneLimits();
    expect(limits.take('a', 0.1, 0)).toBe(0);
    expect(limits.take('a', 0.1, 4_000)).toBe(6_000);
    expect(limits.take('b', 0.1, 4_000)).toBe(0);
    expect(limits.take('a', 0.1, 10_000)).toBe(0);
    expect(limits.take('a', 0, 20_000)).toBe(Number.POSITIVE_INFINITY);
  });
});
