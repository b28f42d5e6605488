// Tests of what may change in a Job, its status included.
// The whole answer is compared, so that one mistake brings one message.
import { describe, expect, test } from 'vitest';
import type { KubeObject } from '../../object.ts';
import { mergePatch } from '../../patch/merge-patch.ts';
import { goodObjects } from '../good-objects.ts';
import { validateObject } from '../index.ts';

const patched = (object: object, change: object): KubeObject =>
  mergePatch(object as never, change as never) as unknown as KubeObject;
const wrong = (next: KubeObject, previous?: KubeObject): string[] =>
  validateObject(next, previous).map(({ field, message }) => `${field}: ${message}`);
const job = (change: object = {}): KubeObject => patched(goodObjects.Job ?? {}, change);
const indexed = { completionMode: 'Indexed', completions: 5, parallelism: 2 };
const negative = 'Invalid value: -1: must be greater than or equal to 0';

describe('an update of a Job', () => {
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Exists' }] }],
      },
    },
  };
  const directives = {
    template: {
      metadata: { annotations: { a: 'b' } },
      spec: { nodeSelector: { a: 'b' }, tolerations: [{ operator: 'Exists' }], affinity },
    },
  };
  const hasGrown = { completions: 4, parallelism: 4 };

  test.each<[string, object, object, (string | RegExp)[]]>([
    ['completions', {}, { completions: 3 }, ['spec.completions: Invalid value: 3: field is immutable']],
    [
      'completions with indexes alone',
      indexed,
      { completions: 4 },
      ['spec.completions: Invalid value: 4: can only be modified in tandem with spec.parallelism'],
    ],
    ['completions and parallelism with indexes', indexed, hasGrown, []],
    [
      'parallelism, limits and suspension',
      {},
      { parallelism: 3, activeDeadlineSeconds: 9, backoffLimit: 1, suspend: true, ttlSecondsAfterFinished: 4 },
      [],
    ],
    [
      'completionMode',
      { completions: 5 },
      indexed,
      ['spec.completionMode: Invalid value: "Indexed": field is immutable'],
    ],
    [
      'managedBy',
      {},
      { managedBy: 'a.example/b' },
      ['spec.managedBy: Invalid value: "a.example/b": field is immutable'],
    ],
    [
      'backoffLimitPerIndex',
      indexed,
      { backoffLimitPerIndex: 2 },
      ['spec.backoffLimitPerIndex: Invalid value: 2: field is immutable'],
    ],
    [
      'podFailurePolicy',
      {},
      { podFailurePolicy: { rules: [{ action: 'Count', onExitCodes: { operator: 'In', values: [1] } }] } },
      [/^spec.podFailurePolicy: Invalid value: .*: field is immutable$/],
    ],
    [
      'successPolicy',
      indexed,
      { successPolicy: { rules: [{ succeededCount: 1 }] } },
      [/^spec.successPolicy: Invalid value: .*: field is immutable$/],
    ],
    [
      'the template',
      { suspend: true },
      { template: { spec: { containers: [{ name: 'web', image: 'web:2' }] } } },
      [/^spec.template: Invalid value: .*: field is immutable$/],
    ],
    ['where its pods go', {}, directives, [/^spec.template: Invalid value: .*: field is immutable$/]],
    ['where its pods go, before it starts', { suspend: true }, directives, []],
  ])('%s', (_, before, after, expected) => {
    const previous = job({ spec: before });
    const found = wrong(patched(previous, { spec: after }), previous);
    expect(found).toHaveLength(expected.length);
    for (const [index, text] of expected.entries())
      expect(found[index]).toEqual(text instanceof RegExp ? expect.stringMatching(text) : text);
  });

  test('where its pods go, taken back before it starts, but no other affinity', () => {
    const previous = job({ spec: { suspend: true, ...directives } });
    expect(wrong(patched(previous, { spec: { template: { spec: { affinity: null } } } }), previous)).toEqual([]);
    const podAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'a', labelSelector: {} }] };
    const other = job({ spec: { suspend: true, template: { spec: { affinity: { podAffinity } } } } });
    expect(wrong(patched(other, { spec: { template: { spec: { affinity: null } } } }), other)).toHaveLength(1);
  });

  test('where its pods go, once it has run', () => {
    const previous = job({ spec: { suspend: true }, status: { startTime: '2026-01-01T00:00:00Z' } });
    expect(wrong(patched(previous, { spec: directives }), previous)).toHaveLength(1);
  });
});

describe('a status of a Job', () => {
  const start = '2026-01-01T00:00:00Z';
  const end = '2026-01-01T00:01:00Z';
  const is = (...types: string[]): object[] => types.map((type) => ({ type, status: 'True' }));
  const done = { startTime: start, completionTime: end, conditions: is('SuccessCriteriaMet', 'Complete') };

  test.each<[string, object, object, string[]]>([
    ['that ends well', {}, done, []],
    ['that ends badly', {}, { startTime: start, conditions: is('FailureTarget', 'Failed') }, []],
    ['negative', {}, { active: -1, ready: -1 }, [`status.active: ${negative}`, `status.ready: ${negative}`]],
    [
      'an uncounted pod twice',
      {},
      { uncountedTerminatedPods: { succeeded: ['a', ''], failed: ['a'] } },
      [
        'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
      ],
    ],
    [
      'complete out of nothing',
      {},
      { ...done, conditions: is('Complete') },
      [
        'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      ],
    ],
    [
      'failed out of nothing',
      {},
      { startTime: start, conditions: is('Failed') },
      ['status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition'],
    ],
    [
      'complete without its times',
      {},
      { conditions: done.conditions },
      [
        'status.completionTime: Required value: completionTime is required for Complete jobs',
        'status.startTime: Required value: startTime is required for finished job',
      ],
    ],
    [
      'a time of completion too early',
      {},
      { startTime: start, completionTime: end },
      [
        `status.completionTime: Invalid value: "${end}": cannot set completionTime when there is no Complete=True condition`,
      ],
    ],
    [
      'the end before the start',
      {},
      { ...done, startTime: end, completionTime: start },
      [`status.completionTime: Invalid value: "${start}": completionTime cannot be set before startTime`],
    ],
    [
      'an end that moves',
      done,
      { completionTime: '2026-01-01T00:02:00Z' },
      ['status.completionTime: Invalid value: "2026-01-01T00:02:00Z": completionTime cannot be mutated'],
    ],
    [
      'an end taken back',
      done,
      { conditions: [], completionTime: null },
      [
        'status.conditions: Invalid value: cannot disable the terminal Complete=True condition',
        'status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition',
      ],
    ],
    [
      'ended with pods',
      {},
      { ...done, active: 1 },
      ['status.active: Invalid value: 1: active>0 is invalid for finished job'],
    ],
    [
      'more ready than there are',
      {},
      { active: 1, ready: 2 },
      ['status.ready: Invalid value: 2: cannot set more ready pods than active'],
    ],
    [
      'counting down',
      { succeeded: 2, failed: 2 },
      { succeeded: 1, failed: 1 },
      [
        'status.failed: Invalid value: 1: cannot decrease the failed counter',
        'status.succeeded: Invalid value: 1: cannot decrease the succeeded counter',
      ],
    ],
    [
      'indexes where there are none',
      {},
      { completedIndexes: '0' },
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
      ],
    ],
  ])('%s', (_, before, after, messages) => {
    const previous = job({ status: before });
    expect(wrong(patched(previous, { status: after }), previous)).toEqual(messages);
  });

  test('with indexes that have both failed and succeeded', () => {
    const previous = job({ spec: { ...indexed, backoffLimitPerIndex: 1 } });
    const next = patched(previous, { status: { completedIndexes: '0-2', failedIndexes: '2,4' } });
    expect(wrong(next, previous)).toEqual([
      'status.failedIndexes: Invalid value: "2,4": failedIndexes and completedIndexes overlap at index: 2',
    ]);
  });
});
