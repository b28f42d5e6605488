// Whose turn it is, and who waits for what.
// A clock that the test moves; no pods.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { SchedulingQueue } from './index.ts';
import { PriorityHeap } from './priority-heap.ts';

test('the heap gives what sorting would, each key once', () => {
  const push = fc.record({
    key: fc.integer({ min: 0, max: 20 }).map(String),
    priority: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(push), fc.array(fc.integer({ min: 0, max: 20 }).map(String)), (pushes, gone) => {
      const heap = new PriorityHeap();
      const expected = new Map<string, { priority: number; seq: number }>();
      pushes.forEach(({ key, priority }, i) => {
        heap.push(key, priority);
        expected.set(key, { priority, seq: expected.get(key)?.seq ?? i });
      });
      for (const key of gone) {
        heap.delete(key);
        expected.delete(key);
      }
      const order = [...expected].sort(([, a], [, b]) => b.priority - a.priority || a.seq - b.seq).map(([key]) => key);
      const popped: string[] = [];
      for (let key = heap.pop(); key !== undefined; key = heap.pop()) popped.push(key);
      expect(popped).toEqual(order);
      expect(heap.size).toBe(0);
    }),
  );
});

describe('the queue', () => {
  function started(): { queue: SchedulingQueue; clock: FakeClock; tried: string[]; verdict: (key: string) => void } {
    const clock = new FakeClock();
    const tried: string[] = [];
    const it = { clock, tried, verdict: (_key: string): void => {} };
    const schedule = async (key: string): Promise<void> => {
      tried.push(key);
      it.verdict(key);
    };
    return Object.assign(it, { queue: new SchedulingQueue({ clock, log: silentLogger, schedule }) });
  }
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  test('takes the more important first, and the first come among equals', async () => {
    const it = started();
    it.queue.add('a', 0);
    it.queue.add('b', 0);
    it.queue.add('vip', 7);
    it.queue.start();
    await settle();
    expect(it.tried).toEqual(['vip', 'a', 'b']);
  });

  test('a pod that waits is woken by what helps it only, and not before its back-off is over', async () => {
    const it = started();
    it.verdict = (key) => it.queue.park(key, new Set(['pod gone']));
    it.queue.start();
    it.queue.add('a');
    await settle();
    it.queue.changed('node labels');
    it.clock.advance(2_000);
    await settle();
    expect(it.tried).toEqual(['a']);
    it.queue.changed('pod gone');
    await settle();
    expect(it.tried).toEqual(['a', 'a']);
    // The second failure doubles the back-off.
    it.queue.changed('pod gone');
    it.clock.advance(1_999);
    await settle();
    expect(it.tried).toHaveLength(2);
    it.clock.advance(1);
    await settle();
    expect(it.tried).toHaveLength(3);
  });

  test('looks at every waiting pod again after five minutes, whatever happened', async () => {
    const it = started();
    it.verdict = (key) => it.queue.park(key, new Set());
    it.queue.start();
    it.queue.add('a');
    await settle();
    it.clock.advance(5 * 60_000);
    await settle();
    expect(it.tried).toEqual(['a', 'a']);
  });

  test('a forgotten pod is not tried, and a failure is tried again', async () => {
    const it = started();
    let failures = 1;
    it.verdict = () => {
      if (failures-- > 0) throw new Error('No connection');
    };
    it.queue.add('gone');
    it.queue.forget('gone');
    it.queue.add('a');
    it.queue.start();
    await settle();
    it.clock.advance(1_000);
    await settle();
    expect(it.tried).toEqual(['a', 'a']);
    await it.queue.stop();
    it.queue.add('late');
    expect(it.tried).toEqual(['a', 'a']);
  });
});
