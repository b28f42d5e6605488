// What a Job makes of its pods: indexes, back-off, books and moves, for any of them.
// Pure, without a cluster.
import fc from 'fast-check';
import type { Job } from 'kubernetes-types/batch/v1.js';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { backoffLeft } from './backoff.ts';
import { formatIndexes, INDEX, parseIndexes, pendingIndexes } from './indexes.ts';
import { movesOf } from './manage.ts';
import { judgeFailure, metSuccessPolicy } from './policies.ts';
import { TRACKING } from './template.ts';
import { book, settle } from './tracking.ts';
import { viewOf } from './view.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('indexes', () => {
  test.each([
    [[], ''],
    [[3], '3'],
    [[0, 1], '0,1'],
    [[0, 1, 2, 5, 7, 8], '0-2,5,7,8'],
  ])('%j are written as "%s"', (indexes, text) => {
    expect(formatIndexes(indexes)).toBe(text);
  });

  test('survive being written and read, in any order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(60)), (indexes) => {
        expect([...parseIndexes(formatIndexes(indexes), 61)]).toEqual([...indexes].sort((a, b) => a - b));
      }),
    );
  });

  test('that are pending are the lowest that nobody has', () => {
    expect(pendingIndexes(6, 2, [new Set([0, 2]), new Set([1])])).toEqual([3, 4]);
    expect(pendingIndexes(3, 5, [new Set([1])])).toEqual([0, 2]);
    expect([...parseIndexes('x,1-9,12', 4)]).toEqual([1, 2, 3]);
  });
});

test('back-off doubles from ten seconds to ten minutes', () => {
  const delays = [0, 1, 2, 3, 4, 7, 8, 100].map((failures) => backoffLeft(failures, NOW, NOW) / 1000);
  expect(delays).toEqual([0, 10, 20, 40, 80, 600, 600, 600]);
  expect(backoffLeft(1, NOW - 30_000, NOW)).toBe(0);
});

test('the first rule of a pod failure policy that fits decides', () => {
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'n' },
    status: { conditions: [{ type: 'DisruptionTarget', status: 'True' }] },
  };
  const onPodConditions = [{ type: 'DisruptionTarget', status: 'True' }];
  const rules = [
    { action: 'Ignore', onPodConditions },
    { action: 'FailJob', onPodConditions },
  ];
  expect(judgeFailure({ rules }, pod)).toEqual({ counts: false, action: 'Ignore' });
  expect(judgeFailure({ rules: [...rules].reverse() }, pod).message).toBe(
    'Pod n/p has condition DisruptionTarget matching FailJob rule at index 0',
  );
  expect(judgeFailure(undefined, pod)).toEqual({ counts: true });
});

test('a rule about exit codes may be about one container: containerName', () => {
  const ended = (name: string, exitCode: number) => ({ name, state: { terminated: { exitCode } } });
  const pod = {
    metadata: { name: 'p', namespace: 'n' },
    status: { containerStatuses: [ended('helper', 42), ended('main', 1)] },
  } as unknown as Pod;
  const rule = (containerName: string) => ({
    rules: [{ action: 'FailJob', onExitCodes: { containerName, operator: 'In', values: [42] } }],
  });
  expect(judgeFailure(rule('main'), pod)).toEqual({ counts: true });
  expect(judgeFailure(rule('helper'), pod).message).toMatch(/^Container helper for pod n\/p failed with exit code 42/);
});

test('podReplacementPolicy says whether a pod that is going is replaced now, or when it has failed', () => {
  const pod = {
    metadata: { name: 'p', uid: 'u', deletionTimestamp: new Date(NOW).toISOString(), finalizers: [TRACKING] },
    status: { phase: 'Running' },
  } as unknown as Pod;
  const created = (podReplacementPolicy: string): number => {
    const job = { metadata: { name: 'j' }, spec: { parallelism: 1, podReplacementPolicy, template: {} } } as Job;
    return movesOf(viewOf(job, [pod], new Set()), NOW + 3_600_000).create.length;
  };
  expect([created('TerminatingOrFailed'), created('Failed')]).toEqual([1, 0]);
});

test('a success policy may ask for indexes, for a number, or for so many of some', () => {
  const met = (rule: object, have: number[]): boolean =>
    metSuccessPolicy(
      { spec: { completions: 9, successPolicy: { rules: [rule] } } } as unknown as Job,
      new Set(have),
    ) !== undefined;
  expect(met({ succeededCount: 2 }, [4, 5])).toBe(true);
  expect(met({ succeededIndexes: '0-2' }, [0, 1])).toBe(false);
  expect(met({ succeededIndexes: '0-2', succeededCount: 2 }, [0, 1])).toBe(true);
  expect(met({ succeededIndexes: '0-2', succeededCount: 2 }, [0, 8])).toBe(false);
});

describe('for any pods', () => {
  const anyPod = fc.record({
    phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed'),
    index: fc.option(fc.nat(5)),
    deleted: fc.boolean(),
    tracked: fc.boolean(),
  });
  const anyJob = fc.record({
    parallelism: fc.nat(4),
    completions: fc.nat(5),
    mode: fc.constantFrom('Indexed', 'NonIndexed'),
    pods: fc.array(anyPod, { maxLength: 8 }),
  });
  type Any = typeof anyJob extends fc.Arbitrary<infer T> ? T : never;
  const made = ({ parallelism, completions, mode, pods }: Any) => {
    const job: Job = {
      metadata: { name: 'j', namespace: 'n' },
      spec: { parallelism, completions, completionMode: mode, template: {} },
    };
    const list = pods.map(
      ({ phase, index, deleted, tracked }, at): Pod => ({
        metadata: {
          name: `p${at}`,
          uid: `u${at}`,
          ...(index === null ? {} : { annotations: { [INDEX]: String(index) } }),
          ...(deleted ? { deletionTimestamp: new Date(NOW).toISOString() as never } : {}),
          finalizers: tracked ? [TRACKING] : [],
        },
        status: { phase },
      }),
    );
    return { job, list };
  };

  test('no more run than may, and none is made for what has succeeded', () => {
    fc.assert(
      fc.property(anyJob, (any) => {
        const { job, list } = made(any);
        const view = viewOf(job, list, new Set());
        const moves = movesOf(view, NOW + 3_600_000);
        const after = view.active.length - moves.remove.length + moves.create.length;
        expect(moves.remove.length === 0 || moves.create.length === 0).toBe(true);
        if (moves.create.length > 0) {
          expect(after).toBeLessThanOrEqual(Math.min(any.parallelism, Math.max(0, any.completions - view.succeeded)));
        }
        for (const { index } of moves.create) {
          if (index !== undefined) expect(view.succeededIndexes.has(index)).toBe(false);
        }
      }),
    );
  });

  test('every pod that ended is counted once, however often the books are made', () => {
    fc.assert(
      fc.property(anyJob, (any) => {
        const { job, list } = made({ ...any, mode: 'NonIndexed' });
        const once = book(viewOf(job, list, new Set()), {}, undefined);
        const again = book(viewOf({ ...job, status: once.status }, list, new Set()), once.status, undefined);
        expect(again.status).toEqual(once.status);
        const released = new Set(once.release.map((pod) => pod.metadata?.uid ?? ''));
        const settled = settle(once.status, new Set());
        const next = viewOf({ ...job, status: settled }, list, released);
        expect(book(next, settled, undefined)).toMatchObject({ status: settled, release: [] });
        const ended = list.filter((pod) => pod.metadata?.finalizers?.includes(TRACKING));
        expect(settled.succeeded).toBe(ended.filter(({ status }) => status?.phase === 'Succeeded').length);
        expect((settled.succeeded ?? 0) + (settled.failed ?? 0)).toBe(released.size);
      }),
    );
  });
});
