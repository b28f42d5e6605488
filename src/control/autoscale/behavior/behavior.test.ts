// How fast an autoscaler moves: every row of the tables, and what holds over any run of wishes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { settle } from '../decide.ts';
import { downRows, type Past, simpleRows, stabilizeRows } from '../testing/behavior-data.ts';
import { rateRows } from '../testing/rate-data.ts';
import { type History, initialHistory, withChange, withRecommendation } from './history.ts';
import { limitByRules, limitSimply } from './limit.ts';
import { type FullRules, type Policy, rulesOf, tolerancesOf } from './rules.ts';
import { stabilize, stabilizeDown } from './stabilize.ts';

const NOW = 1_000_000_000;
const ago = (seconds: number): number => NOW - seconds * 1000;

function historyOf(past: Past): History {
  return { recommendations: past.map(([replicas, seconds]) => ({ replicas, at: ago(seconds) })), ups: [], downs: [] };
}

test.each(downRows)('without behaviour: %s', (_what, desired, past, replicas) => {
  const result = stabilizeDown(historyOf(past), desired, 300_000, NOW);
  expect(result).toMatchObject({
    replicas,
    reason: replicas === desired ? 'ReadyForNewScale' : 'ScaleDownStabilized',
  });
});

test.each(stabilizeRows)(
  'with behaviour: %s',
  (_what, desired, current, [upSeconds, downSeconds], past, replicas, reason) => {
    expect(stabilize(historyOf(past), desired, current, { upSeconds, downSeconds }, NOW)).toMatchObject({
      replicas,
      reason,
    });
  },
);

test.each(simpleRows)('%i of %i within %i and %i: %i', (desired, current, min, max, replicas, reason) => {
  expect(limitSimply(desired, current, { min, max })).toMatchObject({ replicas, reason });
});

function policiesOf(text: string): Policy[] {
  return [...text.matchAll(/(\d+)(p|%)(\d+)/g)].map(([, value, type, period]) => ({
    type: type === 'p' ? 'Pods' : 'Percent',
    value: Number(value),
    periodSeconds: Number(period),
  }));
}

test.each(rateRows)('by rules: $what', (row) => {
  const { desired, current, min = 1, max = 10, select = 'Max', policies, ups = [], downs = [], replicas, reason } = row;
  const rules: FullRules = { windowSeconds: 0, selectPolicy: select, policies: policiesOf(policies) };
  const events = (past: Past) => past.map(([change, seconds]) => ({ change, at: ago(seconds) }));
  const history = { recommendations: [], ups: events(ups), downs: events(downs) };
  expect(limitByRules(desired, current, { min, max }, { up: rules, down: rules }, history, NOW)).toMatchObject({
    replicas,
    reason: reason ?? 'DesiredWithinRange',
  });
});

test('rules that are not said are those of upstream', () => {
  expect(rulesOf({}, 300)).toEqual({
    up: {
      windowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
    },
    down: { windowSeconds: 300, selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
  });
  const own = { scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: 'Min', policies: policiesOf('1p60') } };
  expect(rulesOf(own, 300).down).toEqual({ windowSeconds: 0, selectPolicy: 'Min', policies: policiesOf('1p60') });
});

test.each([
  [undefined, 0.1, 0.1],
  [{}, 0.1, 0.1],
  [{ scaleUp: { tolerance: 0 } }, 0, 0.1],
  [{ scaleDown: { tolerance: 0.05 } }, 0.1, 0.05],
  [{ scaleUp: { tolerance: 0.5 }, scaleDown: { tolerance: 1 } }, 0.5, 1],
])('tolerances of %j', (behavior, up, down) => {
  expect(tolerancesOf(behavior, 0.1)).toEqual({ up, down });
});

describe('the memory', () => {
  const rules = rulesOf({ scaleUp: { policies: policiesOf('4p15 10p60') } }, 300);

  test('keeps changes for the longest period of their direction', () => {
    let history = initialHistory(1, ago(100));
    history = withChange(history, 1, 3, rules, ago(90));
    history = withChange(history, 3, 2, rules, ago(80));
    history = withChange(history, 2, 5, rules, ago(31));
    expect(history.ups).toEqual([
      { change: 2, at: ago(90) },
      { change: 3, at: ago(31) },
    ]);
    history = withChange(history, 5, 6, rules, NOW);
    expect(history.ups).toEqual([
      { change: 3, at: ago(31) },
      { change: 1, at: NOW },
    ]);
    expect(history.downs).toEqual([{ change: 1, at: ago(80) }]);
  });

  test('does not take what stays for a change', () => {
    const history = initialHistory(3, NOW);
    expect(withChange(history, 3, 3, rules, NOW)).toBe(history);
  });

  test('does not grow without end', () => {
    let history = initialHistory(1, 0);
    for (let second = 1; second <= 2_000; second++) {
      history = withRecommendation(history, { replicas: second, at: second * 1000 }, 300_000);
    }
    expect(history.recommendations).toHaveLength(301);
  });
});

describe('over any run of wishes', () => {
  const wishes = fc.array(fc.record({ wish: fc.nat(40), afterMs: fc.integer({ min: 500, max: 40_000 }) }), {
    minLength: 1,
    maxLength: 40,
  });
  const amount = fc.integer({ min: 1, max: 5 });

  function run(
    behavior: Parameters<typeof rulesOf>[0] | undefined,
    bounds: { min: number; max: number },
    steps: readonly { wish: number; afterMs: number }[],
  ): { at: number; replicas: number; wish: number }[] {
    let current = bounds.min;
    let now = 0;
    let history = initialHistory(current, now);
    const seen = [{ at: 0, replicas: current, wish: current }];
    for (const { wish, afterMs } of steps) {
      now += afterMs;
      const result = settle({
        autoscaler: {
          minReplicas: bounds.min,
          maxReplicas: bounds.max,
          behavior,
          seesWithoutPods: false,
          scaledToZero: false,
        },
        current,
        asked: { replicas: wish, metric: 'm' },
        history,
        downWindowMs: 60_000,
        now,
      });
      history = result.history;
      if (behavior !== undefined) history = withChange(history, current, result.desired, rulesOf(behavior, 60), now);
      current = result.desired;
      seen.push({ at: now, replicas: current, wish });
    }
    return seen;
  }

  test('the bounds hold', () => {
    fc.assert(
      fc.property(wishes, fc.boolean(), (steps, withRules) => {
        for (const { replicas } of run(withRules ? {} : undefined, { min: 2, max: 12 }, steps)) {
          expect(replicas).toBeGreaterThanOrEqual(2);
          expect(replicas).toBeLessThanOrEqual(12);
        }
      }),
    );
  });

  test('no more pods come within a period than a rule allows', () => {
    fc.assert(
      fc.property(wishes, amount, fc.integer({ min: 5, max: 60 }), (steps, value, periodSeconds) => {
        const policies = [{ type: 'Pods', value, periodSeconds }];
        const seen = run({ scaleUp: { policies } }, { min: 1, max: 30 }, steps);
        for (const [index, { at, replicas }] of seen.entries()) {
          const within = seen.slice(0, index).filter((one) => one.at > at - periodSeconds * 1000);
          const least = Math.min(replicas, ...within.map((one) => one.replicas));
          const before = seen.filter((one) => one.at <= at - periodSeconds * 1000).at(-1)?.replicas ?? 1;
          expect(replicas - Math.max(least, before)).toBeLessThanOrEqual(value);
        }
      }),
    );
  });

  test('no more pods go within a period than a rule allows', () => {
    fc.assert(
      fc.property(wishes, amount, (steps, value) => {
        const policies = [{ type: 'Pods', value, periodSeconds: 30 }];
        const behavior = {
          scaleDown: { policies, stabilizationWindowSeconds: 0 },
          scaleUp: { selectPolicy: 'Disabled' },
        };
        const seen = run(behavior, { min: 20, max: 40 }, []).concat();
        expect(seen).toHaveLength(1);
        let current = 40;
        let now = 0;
        let history = initialHistory(current, now);
        const rules = rulesOf(behavior, 0);
        const past = [{ at: 0, replicas: 40 }];
        for (const { wish, afterMs } of steps) {
          now += afterMs;
          const { replicas } = limitByRules(Math.min(wish, current), current, { min: 0, max: 40 }, rules, history, now);
          history = withChange(history, current, replicas, rules, now);
          current = replicas;
          past.push({ at: now, replicas });
          const before = past.filter((one) => one.at <= now - 30_000).at(-1)?.replicas ?? 40;
          expect(before - replicas).toBeLessThanOrEqual(value);
        }
      }),
    );
  });

  test('pods go only when nothing more was asked for within the window', () => {
    fc.assert(
      fc.property(wishes, fc.boolean(), (steps, withRules) => {
        const seen = run(withRules ? {} : undefined, { min: 1, max: 40 }, steps);
        for (const [index, { at, replicas, wish }] of seen.entries()) {
          const before = seen[index - 1]?.replicas ?? replicas;
          if (replicas >= before) continue;
          const asked = seen
            .slice(0, index)
            .filter((one) => one.at > at - 60_000)
            .map((one) => one.wish);
          expect(replicas).toBeGreaterThanOrEqual(Math.min(before, Math.max(wish, ...asked)));
        }
      }),
    );
  });

  test('a wish that stays is reached', () => {
    fc.assert(
      fc.property(wishes, fc.integer({ min: 1, max: 40 }), fc.boolean(), (steps, wish, withRules) => {
        const steady = Array.from({ length: 30 }, () => ({ wish, afterMs: 15_000 }));
        const seen = run(withRules ? {} : undefined, { min: 1, max: 40 }, [...steps, ...steady]);
        expect(seen.at(-1)?.replicas).toBe(wish);
      }),
    );
  });
});
