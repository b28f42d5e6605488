// Turns: as many at once as there are seats, and a flow with a long queue waits for itself.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FairQueues, type QueueLimits } from './fair-queues.ts';

/** Turns come when they are asked for. */
function bench(limits: QueueLimits) {
  const work: (() => void)[] = [];
  const queues = new FairQueues(limits, (each) => work.push(each));
  const begun: string[] = [];
  const full: string[] = [];
  return {
    queues,
    begun,
    full,
    enter: (flow: string, name = flow) =>
      queues.enter(flow, (turn) => void (turn === 'begin' ? begun : full).push(name)),
    turns(): void {
      for (let next = work.shift(); next !== undefined; next = work.shift()) next();
    },
  };
}

test('flows take turns, whoever came first and however many they are', () => {
  const { queues, begun, enter, turns } = bench({ seats: 1, perFlow: 100, total: 1000 });
  enter('a', 'a0');
  for (let at = 1; at <= 5; at++) enter('a', `a${at}`);
  enter('b', 'b1');
  enter('b', 'b2');
  enter('c', 'c1');
  for (let at = 0; at < 9; at++) {
    turns();
    queues.end();
  }
  expect(begun).toEqual(['a0', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4', 'a5']);
});

test('no more than the seats are taken, nobody is forgotten, and who leaves is not called', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('enter' as const), flow: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ do: fc.constant('end' as const) }),
    fc.record({ do: fc.constant('leave' as const), which: fc.nat(20) }),
    fc.record({ do: fc.constant('turns' as const) }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(step, { maxLength: 60 }), (seats, steps) => {
      const { queues, begun, full, enter, turns } = bench({ seats, perFlow: 4, total: 9 });
      const leaves: (() => void)[] = [];
      const left = new Set<number>();
      let ended = 0;
      for (const each of steps) {
        if (each.do === 'enter') leaves.push(enter(each.flow, String(leaves.length)));
        if (each.do === 'turns') turns();
        if (each.do === 'end' && queues.busy > 0) {
          queues.end();
          ended += 1;
        }
        const who = each.do === 'leave' ? each.which : -1;
        if (who >= 0 && who < leaves.length && !begun.includes(String(who)) && !full.includes(String(who))) {
          leaves[who]?.();
          left.add(who);
        }
        expect(queues.busy).toBeLessThanOrEqual(seats);
        expect(queues.busy).toBe(begun.length - ended);
      }
      for (turns(); queues.busy > 0; turns()) queues.end();
      expect(queues.waiting).toBe(0);
      expect(begun.length + full.length + left.size).toBe(leaves.length);
      for (const who of left) expect(begun).not.toContain(String(who));
    }),
  );
});
