// Properties of the rolling update: it keeps to its limits in every state, and it always gets there.
// Plays the pods of the nodes; no API.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits, type NodePods, type OnePod, updateStep } from './update.ts';

const nodes = fc
  .array(
    fc.record({
      wanted: fc.boolean(),
      fresh: fc.array(fc.boolean(), { maxLength: 2 }),
      old: fc.array(fc.boolean(), { maxLength: 2 }),
    }),
    { maxLength: 7 },
  )
  .map((list) =>
    list.map(({ wanted, fresh, old }, index): NodePods => {
      const pods = (word: string, states: boolean[]): OnePod[] =>
        states.map((available, n) => ({ name: `${word}-${index}-${n}`, available }));
      return { node: `n${index}`, wanted, fresh: pods('fresh', fresh), old: pods('old', old) };
    }),
  );
const isServed = (pods: readonly OnePod[]): boolean => pods.some(({ available }) => available);

describe('a rolling update of a DaemonSet', () => {
  test('without surge never takes more from its nodes than may be unavailable', () => {
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: 4 }), (given, unavailable) => {
        const { remove, create } = updateStep(given, { surge: 0, unavailable });
        expect(create).toEqual([]);
        const wanted = given.filter((node) => node.wanted);
        const left = (pods: readonly OnePod[]): OnePod[] => pods.filter(({ name }) => !remove.includes(name));
        const down = (after: boolean): number =>
          wanted.filter(({ fresh, old }) => !isServed([...fresh, ...(after ? left(old) : old)])).length;
        const worse = down(true) - down(false);
        if (worse > 0) expect(down(true)).toBeLessThanOrEqual(unavailable);
        for (const name of remove) expect(name).toMatch(/^old/);
      }),
    );
  });

  test('with surge takes nothing that serves before the new pod does, and adds no more than it may', () => {
    fc.assert(
      fc.property(nodes, fc.integer({ min: 1, max: 4 }), (given, surge) => {
        const { remove, create } = updateStep(given, { surge, unavailable: 0 });
        for (const { node, wanted, fresh, old } of given) {
          if (create.includes(node)) expect([wanted, fresh.length, old.length]).toEqual([true, 0, 1]);
          const serving = old.find(({ name, available }) => available && remove.includes(name));
          if (serving !== undefined && wanted) expect(isServed(fresh)).toBe(true);
        }
        const beside = given.filter(({ node, old }) => create.includes(node) && isServed(old));
        expect(beside.length).toBeLessThanOrEqual(surge);
      }),
    );
  });

  test('ends with every wanted node at the present template', () => {
    const start = fc.array(fc.boolean(), { maxLength: 6 });
    fc.assert(
      fc.property(start, fc.nat(2), fc.nat(2), (available, maxSurge, maxUnavailable) => {
        let now = available.map((up, index): NodePods => {
          return { node: `n${index}`, wanted: true, fresh: [], old: [{ name: `old-${index}`, available: up }] };
        });
        for (let round = 0; round < 20; round++) {
          const { remove, create } = updateStep(now, limits({ maxSurge, maxUnavailable }, now.length));
          now = now.map(({ node, wanted, fresh, old }) => {
            const left = old.filter(({ name }) => !remove.includes(name));
            const makes = create.includes(node) || fresh.length + left.length === 0;
            return { node, wanted, fresh: makes ? [{ name: `new-${node}`, available: true }] : fresh, old: left };
          });
        }
        expect(now.every(({ fresh, old }) => fresh.length === 1 && old.length === 0)).toBe(true);
      }),
    );
  });
});
