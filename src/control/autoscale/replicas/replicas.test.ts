// Replicas from measurements: every row of the tables, and what holds whatever is measured.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { averageRows } from '../testing/average-data.ts';
import { podsOf, RULES, TOLERANCES } from '../testing/pods.ts';
import { utilizationRows } from '../testing/utilization-data.ts';
import { shareRows, valueRows } from '../testing/value-data.ts';
import { type PodsQuestion, replicasByAverage, replicasByUtilization } from './by-pods.ts';
import { replicasByShare, replicasByValue } from './by-value.ts';

function question(current: number, text: string, resource = 'cpu'): PodsQuestion {
  return { current, ...podsOf(text), resource, tolerances: TOLERANCES, rules: RULES };
}

describe('by a share of the requests', () => {
  test.each(utilizationRows.map((row) => ({ what: row[0], row })))('$what', ({ row }) => {
    const [, current, target, pods, replicas, utilization, average] = row;
    const result = replicasByUtilization(question(current, pods), target, undefined);
    if (typeof replicas === 'string') expect(result).toEqual({ ok: false, message: replicas });
    else expect(result).toEqual({ ok: true, replicas, utilization, average: BigInt(average ?? -1) });
  });

  const grown = utilizationRows.filter(([, , , pods]) => !/[NYX]/.test(pods));
  test.each(grown.map((row) => ({ what: row[0], row })))('memory, where nobody starts up: $what', ({ row }) => {
    const [, current, target, pods, replicas] = row;
    const result = replicasByUtilization(question(current, pods, 'memory'), target, undefined);
    if (typeof replicas === 'number') expect(result).toMatchObject({ ok: true, replicas });
    else expect(result).toEqual({ ok: false, message: replicas.replace('cpu', 'memory') });
  });
});

describe('by an amount a pod', () => {
  test.each(averageRows.map((row) => ({ what: row[0], row })))('$what', ({ row }) => {
    const [, resource, current, target, pods, replicas, average] = row;
    const result = replicasByAverage(question(current, pods, resource), BigInt(target));
    if (typeof replicas === 'string') expect(result).toEqual({ ok: false, message: replicas });
    else expect(result).toEqual({ ok: true, replicas, average: BigInt(average ?? -1) });
  });
});

describe('by one value for all', () => {
  test.each(valueRows)('of the whole: %s', (_what, usage, target, current, pods, replicas) => {
    const result = replicasByValue(usage, target, current, podsOf(pods).pods, TOLERANCES);
    if (typeof replicas === 'string') expect(result).toEqual({ ok: false, message: replicas });
    else expect(result).toEqual({ ok: true, replicas, value: usage });
  });

  test.each(shareRows)('a share a pod: %s', (_what, usage, target, existing, replicas, value) => {
    expect(replicasByShare(usage, target, existing, TOLERANCES)).toEqual({ ok: true, replicas, value });
  });
});

describe('whatever is measured', () => {
  const usages = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 12 });
  const textOf = (all: readonly number[]): string => all.map((usage) => `${usage}/1000`).join(' ');
  const replicas = (current: number, target: number, text: string): number => {
    const result = replicasByUtilization(question(current, text), target, undefined);
    if (!result.ok) throw new Error(result.message);
    return result.replicas;
  };

  test('ready pods are brought to the target, no pod more than that takes', () => {
    fc.assert(
      fc.property(usages, fc.integer({ min: 1, max: 200 }), (all, target) => {
        const sum = all.reduce((total, usage) => total + usage, 0);
        const percent = Math.floor(sum / (all.length * 10));
        const ratio = percent / target;
        const wanted = replicas(all.length, target, textOf(all));
        if (ratio >= 0.9 && ratio <= 1.1) expect(wanted).toBe(all.length);
        else {
          expect(wanted * target).toBeGreaterThanOrEqual(percent * all.length - 1e-6);
          expect((wanted - 1) * target).toBeLessThan(percent * all.length + 1e-6);
        }
      }),
    );
  });

  test('pods that are missing or not ready never make a step up larger, nor a step down', () => {
    fc.assert(
      fc.property(
        usages,
        fc.integer({ min: 1, max: 200 }),
        fc.constantFrom('-/1000', '-/1000P', '700/1000Y', '700/1000N'),
        (all, target, doubtful) => {
          const current = all.length + 1;
          const sure = replicas(current, target, textOf(all));
          const unsure = replicas(current, target, `${textOf(all)} ${doubtful}`);
          // Percent are rounded down before they are compared, which is worth a pod or more of small targets.
          const rounding = 1 + all.length / target;
          if (sure > current) expect(unsure).toBeLessThanOrEqual(sure + rounding);
          if (unsure < current) expect(sure).toBeLessThanOrEqual(current);
          if (unsure > current) expect(sure).toBeGreaterThanOrEqual(current);
        },
      ),
    );
  });

  test('the order of pods does not matter', () => {
    fc.assert(
      fc.property(usages, fc.integer({ min: 1, max: 200 }), (all, target) => {
        const turned = [...all].reverse();
        expect(replicas(all.length, target, textOf(turned))).toBe(replicas(all.length, target, textOf(all)));
      }),
    );
  });

  test('more use never asks for fewer pods', () => {
    fc.assert(
      fc.property(usages, fc.integer({ min: 1, max: 200 }), fc.nat(3_000), (all, target, more) => {
        const [first = 0, ...rest] = all;
        const before = replicas(all.length, target, textOf(all));
        expect(replicas(all.length, target, textOf([first + more, ...rest]))).toBeGreaterThanOrEqual(
          // Within the tolerance the current number stands, which may be a pod above what the ratio would give.
          Math.min(before, all.length),
        );
      }),
    );
  });

  test('a value for all never exceeds what the API can hold', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 63n - 1n), fc.bigInt(1n, 2n ** 40n), fc.nat(50), (usage, target, existing) => {
        const pods = podsOf(existing === 0 ? '' : `-*${existing}`).pods;
        for (const result of [
          replicasByValue(usage, target, existing, pods, TOLERANCES),
          replicasByShare(usage, target, existing, TOLERANCES),
        ]) {
          if (!result.ok) throw new Error(result.message);
          expect(Number.isInteger(result.replicas)).toBe(true);
          expect(result.replicas).toBeGreaterThanOrEqual(0);
          expect(result.replicas).toBeLessThanOrEqual(2_147_483_647);
        }
      }),
    );
  });
});
