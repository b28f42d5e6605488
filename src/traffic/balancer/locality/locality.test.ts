// Levels of preference: who is near, what share each level takes (Envoy's tables), and picks across them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Picker, PickInput, Target } from '../balancer.ts';
import { noTargets } from '../policy.ts';
import { levelOf } from './levels.ts';
import { LocalityPicker } from './picker.ts';
import { evenLoads, levelCapacity, priorityLoads } from './priority-load.ts';

const healthOf = (...percents: readonly number[]) => percents.map((healthy) => ({ healthy, total: 100 }));

describe('loads of levels', () => {
  it.each([
    [
      [100, 100],
      [100, 0],
    ],
    [
      [72, 100],
      [100, 0],
    ],
    [
      [71, 100],
      [99, 1],
    ],
    [
      [50, 100],
      [70, 30],
    ],
    [
      [25, 100],
      [35, 65],
    ],
    [
      [25, 25],
      [50, 50],
    ],
    [
      [0, 100],
      [0, 100],
    ],
    [
      [100, 100, 100],
      [100, 0, 0],
    ],
    [
      [72, 72, 100],
      [100, 0, 0],
    ],
    [
      [71, 71, 100],
      [99, 1, 0],
    ],
    [
      [50, 60, 100],
      [70, 30, 0],
    ],
    [
      [50, 50, 100],
      [70, 30, 0],
    ],
    [
      [25, 50, 100],
      [35, 65, 0],
    ],
    [
      [25, 25, 100],
      [35, 35, 30],
    ],
    [
      [20, 20, 20],
      [34, 33, 33],
    ],
  ])('%j%% healthy take %j%%', (health, loads) => {
    expect(priorityLoads(healthOf(...health))).toEqual(loads);
  });

  const level = fc.nat(50).chain((total) => fc.record({ total: fc.constant(total), healthy: fc.nat(total) }));

  it('add up to 100, leave out who has nobody healthy, and spill only over a level that is full', () => {
    fc.assert(
      fc.property(
        fc.array(level, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 100, max: 300 }),
        (levels, over) => {
          const loads = priorityLoads(levels, over);
          const healthy = levels.some((one) => levelCapacity(one, over) > 0);
          expect(loads.reduce((sum, load) => sum + load, 0)).toBe(healthy ? 100 : 0);
          for (const [place, one] of levels.entries()) {
            if (one.healthy === 0) expect(loads[place]).toBe(0);
            // Who takes requests beyond a level does so because it has all it can carry.
            if ((loads[place + 1] ?? 0) > 0) expect(loads[place]).toBeGreaterThanOrEqual(levelCapacity(one, over));
          }
        },
      ),
    );
  });

  it('are by the number of endpoints when all panic', () => {
    expect(evenLoads([1, 0, 3])).toEqual([25, 0, 75]);
    expect(evenLoads([1, 1, 1])).toEqual([34, 33, 33]);
    expect(evenLoads([0, 0])).toEqual([0, 0]);
  });
});

describe('nearness', () => {
  const proxy = { node: 'n1', zone: 'a' };
  it.each([
    [{ node: 'n1', zone: 'a' }, 0, 0],
    [{ node: 'n2', zone: 'a' }, 1, 0],
    [{ node: 'n1', zone: '' }, 0, 0],
    [{ node: 'n2', zone: 'b' }, 2, 1],
    [{ node: '', zone: '' }, 2, 1],
  ])('of %j', (endpoint, byNode, byZone) => {
    expect(levelOf(endpoint, proxy, 'same_node')).toBe(byNode);
    expect(levelOf(endpoint, proxy, 'same_zone')).toBe(byZone);
  });

  it('a proxy that does not know its place is near to nobody', () => {
    expect(levelOf({ node: '', zone: '' }, { node: '', zone: '' }, 'same_node')).toBe(2);
  });
});

describe('picks over levels', () => {
  const target = (index: number): Target => ({
    index,
    address: `10.0.0.${index}`,
    port: 80,
    weight: 1,
    inFlight: () => 0,
  });
  const [near, far, farther] = [target(0), target(1), target(2)];
  /** Avoids what was tried while it can, as every policy does. */
  const only = (...targets: readonly Target[]): Picker => ({
    pick: ({ tried }) => {
      const found = targets.find((one) => !tried.includes(one)) ?? targets[0];
      return found === undefined ? noTargets : { type: 'target', target: found };
    },
  });
  const input = (more: Partial<PickInput> = {}): PickInput => ({
    clientAddress: '192.0.2.1',
    hashKey: '',
    now: 0,
    tried: [],
    ...more,
  });
  const over = (loads: readonly [number, number], random: () => number, sticky = false) =>
    new LocalityPicker(
      [
        { picker: only(near), load: loads[0] },
        { picker: only(far, farther), load: loads[1] },
      ],
      sticky,
      random,
    );
  const chosen = (picker: LocalityPicker<Target>, given?: PickInput): Target | undefined => {
    const pick = picker.pick(given ?? input());
    return pick.type === 'target' ? pick.target : undefined;
  };

  it('draw the level by its load', () => {
    const draws = [0, 0.34, 0.35, 0.99];
    const picker = over([35, 65], () => draws.shift() ?? 0);
    expect([1, 2, 3, 4].map(() => chosen(picker))).toEqual([near, near, far, far]);
  });

  it('go on to another level only when theirs has nobody left that was not tried', () => {
    const picker = over([100, 0], () => 0);
    expect(chosen(picker, input({ tried: [near] }))).toBe(far);
    expect(chosen(picker, input({ tried: [near, far] }))).toBe(farther);
    expect(chosen(picker, input({ tried: [near, far, farther] }))).toBe(near);
    expect(chosen(picker, input({ tried: [far] }))).toBe(near);
  });

  it('keep a client on its level when the policy does', () => {
    const picker = over([50, 50], Math.random, true);
    for (const hashKey of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      const first = chosen(picker, input({ hashKey }));
      for (let i = 0; i < 20; i++) expect(chosen(picker, input({ hashKey }))).toBe(first);
    }
  });
});
