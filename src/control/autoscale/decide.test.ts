// Metrics and decisions: every row of the tables, and conditions as they come and go.
import { expect, test } from 'vitest';
import { initialHistory } from './behavior/history.ts';
import { combine } from './combine.ts';
import { type Condition, withConditions } from './conditions.ts';
import { type Autoscaler, firstLook, remembered, settle, zeroCondition } from './decide.ts';
import { evaluate, type Proposal, type Refusal } from './metric.ts';
import { combineRows, lookRows, settleRows, zeroRows } from './testing/decision-data.ts';
import { metricRows } from './testing/metric-data.ts';
import { podsOf, RULES, TOLERANCES } from './testing/pods.ts';

test.each(metricRows)('a metric: $what', (row) => {
  const { pods, metrics } = podsOf(row.pods ?? '500/1000*3');
  const situation = {
    namespace: 'shop',
    specReplicas: row.specReplicas ?? 3,
    statusReplicas: row.statusReplicas ?? 3,
    pods,
    tolerances: TOLERANCES,
    rules: RULES,
  };
  const outcome = evaluate(row.source, row.signal === 'pods' ? { kind: 'pods', metrics } : row.signal, situation);
  const { replicas, metric, current, reason, message, error } = row;
  expect(outcome).toEqual(
    reason === undefined ? { ok: true, replicas, metric, current } : { ok: false, reason, message, error },
  );
});

test.each(combineRows.map((row) => ({ what: row[0], row })))('together: $what', ({ row }) => {
  const [, proposals, spec, replicas, winner] = row;
  const outcomes = proposals.map((one, index): Proposal | Refusal =>
    one === 'x'
      ? { ok: false, reason: `Failed${index}`, message: `no ${index}`, error: `metric ${index}` }
      : { ok: true, replicas: one, metric: `m${index}`, current: {} },
  );
  const result = combine(outcomes, spec);
  const invalid = proposals.filter((one) => one === 'x').length;
  const first = proposals.indexOf('x');
  expect(result.replicas).toBe(replicas);
  if (replicas === undefined) expect(result.condition.status).toBe('False');
  else {
    expect(result.metric).toBe(`m${winner}`);
    expect(result.condition).toMatchObject({
      status: 'True',
      reason: 'ValidMetricFound',
      message: `the HPA was able to successfully calculate a replica count from m${winner}`,
    });
  }
  if (invalid > 0) {
    expect(result.error).toBe(
      `invalid metrics (${invalid} invalid out of ${proposals.length}), first error is: metric ${first}`,
    );
  } else if (replicas !== undefined) expect(result.error).toBeUndefined();
  if (replicas === undefined && invalid > 0) {
    expect(result.condition).toMatchObject({
      reason: `Failed${first}`,
      message: `the HPA was unable to compute the replica count: no ${first}`,
    });
  }
});

function autoscaler(given: Partial<Autoscaler>): Autoscaler {
  return {
    minReplicas: 1,
    maxReplicas: 10,
    behavior: undefined,
    seesWithoutPods: false,
    scaledToZero: false,
    ...given,
  };
}

test.each(lookRows)(
  'without metrics: $what',
  ({ current, min = 1, max = 10, sees = false, zero = false, does, reason }) => {
    const own = autoscaler({ minReplicas: min, maxReplicas: max, seesWithoutPods: sees, scaledToZero: zero });
    const look = firstLook(own, current);
    if (typeof does === 'number') expect(look).toEqual({ do: 'scale', desired: does, reason });
    else expect(look).toMatchObject({ do: does });
    if (look.do === 'nothing') {
      expect(look.condition).toEqual({
        type: 'ScalingActive',
        status: 'False',
        reason: 'ScalingDisabled',
        message: 'scaling is disabled since the replica count of the target is zero',
      });
    }
  },
);

test.each(settleRows)('with metrics: $what', (row) => {
  const { current, asked, min = 1, max = 10, rules, zero = false, before, desired, reason, able, limited } = row;
  const result = settle({
    autoscaler: autoscaler({
      minReplicas: min,
      maxReplicas: max,
      scaledToZero: zero,
      seesWithoutPods: true,
      behavior: rules && {},
    }),
    current,
    asked: { replicas: asked, metric: 'm' },
    history: {
      recommendations: before === undefined ? [] : [{ replicas: before, at: 0 }],
      ups: [],
      downs: [],
    },
    downWindowMs: 300_000,
    now: 60_000,
  });
  const [first, second] = result.conditions;
  expect({
    desired: result.desired,
    reason: result.reason,
    able: first?.reason,
    limited: `${second?.status} ${second?.reason}`,
  }).toEqual({ desired, reason, able, limited });
  expect(result.history.recommendations.at(-1)).toEqual({ replicas: Math.max(0, asked), at: 60_000 });
});

test.each(zeroRows)(
  'from %i to %i, at least %i, seen without pods: %s -> ScaledToZero %s',
  (from, to, min, sees, status) => {
    const own = autoscaler({ minReplicas: min, seesWithoutPods: sees });
    expect(zeroCondition(own, from, to)).toMatchObject({
      type: 'ScaledToZero',
      status,
      reason: status === 'True' ? 'ScaledToZero' : 'NotScaledToZero',
    });
  },
);

test('changes are remembered where rules count them, and only there', () => {
  const history = initialHistory(3, 0);
  expect(remembered(history, undefined, 3, 5, 300_000, 1)).toBe(history);
  expect(remembered(history, {}, 3, 5, 300_000, 1).ups).toEqual([{ change: 2, at: 1 }]);
  expect(remembered(history, {}, 5, 3, 300_000, 1).downs).toEqual([{ change: 2, at: 1 }]);
});

test('a condition keeps its place, and its time while its status stays', () => {
  const able = (status: 'True' | 'False', reason: string): Condition => ({
    type: 'AbleToScale',
    status,
    reason,
    message: `because of ${reason}`,
  });
  const first = withConditions([], [able('True', 'A'), { ...able('True', 'X'), type: 'ScalingActive' }], 't1');
  expect(first.map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([
    ['AbleToScale', 't1'],
    ['ScalingActive', 't1'],
  ]);
  const same = withConditions(first, [able('True', 'B')], 't2');
  expect(same[0]).toEqual({
    type: 'AbleToScale',
    status: 'True',
    reason: 'B',
    message: 'because of B',
    lastTransitionTime: 't1',
  });
  expect(same[1]).toEqual(first[1]);
  expect(withConditions(same, [able('False', 'B')], 't3')[0]).toMatchObject({
    status: 'False',
    lastTransitionTime: 't3',
  });
  // Several words about one in a row: the last one stands, and the time is that of a change between the ends.
  expect(withConditions(same, [able('False', 'C'), able('True', 'D')], 't4')[0]).toMatchObject({
    reason: 'D',
    lastTransitionTime: 't4',
  });
});
