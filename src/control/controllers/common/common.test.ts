// The small parts that every controller leans on.
// Pure, without a cluster.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { canonical, semanticallyEqual } from './canonical.ts';
import { withCondition, withoutCondition } from './conditions.ts';
import { Expectations } from './expectations.ts';
import { slowStart } from './slow-start.ts';

describe('expectations', () => {
  test('are satisfied only when every creation and deletion has been seen', () => {
    const expectations = new Expectations(new FakeClock());
    expect(expectations.satisfied('a')).toBe(true);
    expectations.expect('a', 2, ['x']);
    expectations.created('a');
    expectations.deleted('a', 'x');
    expect(expectations.satisfied('a')).toBe(false);
    // Seen twice, as marked and then as gone, a deletion must not count for another.
    expectations.deleted('a', 'x');
    expect(expectations.satisfied('a')).toBe(false);
    expectations.created('a');
    expect(expectations.satisfied('a')).toBe(true);
  });

  test('are forgotten with their object, and given up after five minutes', () => {
    const clock = new FakeClock();
    const expectations = new Expectations(clock);
    expectations.expect('a', 1);
    expectations.forget('a');
    expect(expectations.satisfied('a')).toBe(true);
    expectations.expect('a', 1);
    clock.advance(5 * 60_000);
    expect(expectations.satisfied('a')).toBe(false);
    clock.advance(1);
    expect(expectations.satisfied('a')).toBe(true);
  });
});

describe('slowStart', () => {
  test('makes every call once when all succeed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(40), async (count) => {
        const calls: number[] = [];
        const outcome = await slowStart(count, async (index) => {
          calls.push(index);
        });
        expect(calls).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(outcome).toEqual({ succeeded: count });
      }),
    );
  });

  test('asks once when the first call fails, and stops after the batch with a failure', async () => {
    let calls = 0;
    const failing = await slowStart(500, async () => {
      calls += 1;
      throw new Error('quota');
    });
    expect([calls, failing.succeeded]).toEqual([1, 0]);
    const seen: number[] = [];
    const partly = await slowStart(20, async (index) => {
      seen.push(index);
      if (index === 4) throw new Error('no');
    });
    // Batches of 1, 2 and 4: the third one fails in part.
    expect(seen).toHaveLength(7);
    expect(partly).toMatchObject({ succeeded: 6, error: new Error('no') });
  });
});

describe('semantic equality', () => {
  test('sees through key order, nulls and empty values, for any object', () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 3 }), (object) => {
        const same = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
        const noisy = {
          ...Object.fromEntries(Object.entries(same).reverse()),
          'empty list': [],
          'empty map': {},
          nothing: null,
        };
        const { 'empty list': _a, 'empty map': _b, nothing: _c, ...plain } = same;
        expect(semanticallyEqual(noisy, plain)).toBe(true);
      }),
    );
  });

  test('tells values apart', () => {
    const values = [0, false, '', '0', [0], { a: 0 }, { a: [{}] }, undefined];
    expect(new Set(values.map(canonical)).size).toBe(values.length);
  });
});

describe('conditions', () => {
  const ready = { type: 'Ready', status: 'True', reason: 'Up', lastTransitionTime: '1' };

  test('keep the time of the transition while the status stays', () => {
    const [changed] = withCondition([ready], { ...ready, reason: 'Better', lastTransitionTime: '2' });
    expect(changed).toEqual({ ...ready, reason: 'Better', lastTransitionTime: '1' });
    const [flipped] = withCondition([ready], { ...ready, status: 'False', lastTransitionTime: '2' });
    expect(flipped?.lastTransitionTime).toBe('2');
  });

  test('are not touched for a new text alone', () => {
    expect(withCondition([ready], { ...ready, lastTransitionTime: '9' })).toEqual([ready]);
  });

  test('stand once each, and can be removed', () => {
    const both = withCondition(withCondition([], ready), { ...ready, type: 'Live' });
    expect(both.map(({ type }) => type)).toEqual(['Ready', 'Live']);
    expect(withoutCondition(both, 'Ready').map(({ type }) => type)).toEqual(['Live']);
  });
});
