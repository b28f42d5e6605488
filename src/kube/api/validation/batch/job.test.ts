// Tests of the rules of a new Job: one mistake at a time in an object that is otherwise right.
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
const policy = (rule: object): object => ({ podFailurePolicy: { rules: [{ action: 'Ignore', ...rule }] } });
const exitCodes = (change: object): object => policy({ onExitCodes: { operator: 'In', values: [1], ...change } });
const success = (rule: object): object => ({ ...indexed, successPolicy: { rules: [rule] } });
const many = { ...indexed, completions: 100_001, backoffLimitPerIndex: 1, maxFailedIndexes: 1 };
const rule0 = 'spec.podFailurePolicy.rules[0]';
const success0 = 'spec.successPolicy.rules[0]';
const negative = 'Invalid value: -1: must be greater than or equal to 0';

describe('a Job', () => {
  test.each<[string, object]>([
    ['with indexes', indexed],
    ['with as many indexes as there may be', { ...many, parallelism: 10_000, maxFailedIndexes: 10_000 }],
    ['run by somebody else', { managedBy: 'example.com/queue' }],
    ['with retries per index', { ...indexed, backoffLimitPerIndex: 0, maxFailedIndexes: 5 }],
    ['with a failure policy', exitCodes({ containerName: 'web', values: [1, 2, 255] })],
    ['with a policy for conditions', policy({ onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] })],
    [
      'that fails by index',
      {
        ...indexed,
        backoffLimitPerIndex: 1,
        ...policy({ action: 'FailIndex', onExitCodes: { operator: 'NotIn', values: [0] } }),
      },
    ],
    ['with a success policy', success({ succeededIndexes: '0-2,4', succeededCount: 4 })],
    [
      'whose selector is chosen by hand',
      {
        manualSelector: true,
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': null, a: 'b' } },
        template: { metadata: { labels: { a: 'b' } } },
      },
    ],
  ])('%s is right', (_, spec) => {
    expect(wrong(job({ spec }))).toEqual([]);
  });

  test.each<[string, object, ...string[]]>([
    ['parallelism', { parallelism: -1 }, `spec.parallelism: ${negative}`],
    ['completions', { completions: -1 }, `spec.completions: ${negative}`],
    ['activeDeadlineSeconds', { activeDeadlineSeconds: -1 }, `spec.activeDeadlineSeconds: ${negative}`],
    ['backoffLimit', { backoffLimit: -1 }, `spec.backoffLimit: ${negative}`],
    ['ttlSecondsAfterFinished', { ttlSecondsAfterFinished: -1 }, `spec.ttlSecondsAfterFinished: ${negative}`],
    ['backoffLimitPerIndex', { ...indexed, backoffLimitPerIndex: -1 }, `spec.backoffLimitPerIndex: ${negative}`],
    [
      'maxFailedIndexes',
      { ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: -1 },
      `spec.maxFailedIndexes: ${negative}`,
    ],
    [
      'maxFailedIndexes alone',
      { ...indexed, maxFailedIndexes: 1 },
      'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
    ],
    [
      'maxFailedIndexes above completions',
      { ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 6 },
      'spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions',
    ],
    [
      'maxFailedIndexes with many completions',
      { ...many, maxFailedIndexes: 10_001 },
      'spec.maxFailedIndexes: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
    ],
    [
      'maxFailedIndexes missing with many completions',
      { ...many, maxFailedIndexes: null },
      'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
    ],
    [
      'parallelism with many completions',
      { ...many, parallelism: 10_001 },
      'spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
    ],
    [
      'parallelism with indexes',
      { ...indexed, parallelism: 100_001 },
      'spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed',
    ],
    [
      'completionMode',
      { completionMode: 'Some' },
      'spec.completionMode: Unsupported value: "Some": supported values: "NonIndexed", "Indexed"',
    ],
    [
      'completions missing',
      { completionMode: 'Indexed' },
      'spec.completions: Required value: when completion mode is Indexed',
    ],
    [
      'backoffLimitPerIndex without indexes',
      { backoffLimitPerIndex: 1, maxFailedIndexes: 1 },
      'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
      'spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode',
    ],
    [
      'managedBy',
      { managedBy: 'queue' },
      'spec.managedBy: Invalid value: "queue": must be a domain-prefixed path (such as "acme.io/foo")',
    ],
    [
      'managedBy that is long',
      { managedBy: `example.com/${'x'.repeat(60)}` },
      'spec.managedBy: Too long: may not be more than 63 bytes',
    ],
    [
      'podReplacementPolicy',
      { podReplacementPolicy: 'Never' },
      'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"',
    ],
    [
      'podReplacementPolicy with a failure policy',
      { ...exitCodes({}), podReplacementPolicy: 'TerminatingOrFailed' },
      'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
    ],
    [
      'restartPolicy',
      { template: { spec: { restartPolicy: 'Maybe' } } },
      'spec.template.spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "Never", "OnFailure"',
      'spec.template.spec.restartPolicy: Unsupported value: "Maybe": supported values: "OnFailure", "Never"',
    ],
    [
      'restartPolicy with a failure policy',
      { ...exitCodes({}), template: { spec: { restartPolicy: 'OnFailure' } } },
      'spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified',
    ],
    ['selector missing', { selector: null }, 'spec.selector: Required value'],
    [
      'selector that misses the template',
      {
        manualSelector: true,
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'x' } },
        template: { metadata: { labels: null } },
      },
      'spec.template.metadata.labels: Invalid value: {}: `selector` does not match template `labels`',
    ],
  ])('%s', (_, spec, ...messages) => {
    expect(wrong(job({ spec }))).toEqual(messages);
  });

  test.each<[string, object, ...string[]]>([
    [
      'an action that is missing',
      policy({ action: '', onExitCodes: { operator: 'In', values: [1] } }),
      `${rule0}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`,
    ],
    [
      'an action',
      policy({ action: 'Cry', onExitCodes: { operator: 'In', values: [1] } }),
      `${rule0}.action: Unsupported value: "Cry": supported values: "Count", "FailIndex", "FailJob", "Ignore"`,
    ],
    [
      'FailIndex without retries per index',
      policy({ action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }),
      `${rule0}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`,
    ],
    [
      'neither way',
      policy({}),
      `${rule0}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`,
    ],
    [
      'both ways',
      policy({ onExitCodes: { operator: 'In', values: [1] }, onPodConditions: [{ type: 'A', status: 'True' }] }),
      `${rule0}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported`,
    ],
    [
      'an operator',
      exitCodes({ operator: 'Near' }),
      `${rule0}.onExitCodes.operator: Unsupported value: "Near": supported values: "In", "NotIn"`,
    ],
    [
      'a container',
      exitCodes({ containerName: 'db' }),
      `${rule0}.onExitCodes.containerName: Invalid value: "db": must be one of the container or initContainer names in the pod template`,
    ],
    [
      'no codes',
      exitCodes({ values: [] }),
      `${rule0}.onExitCodes.values: Invalid value: []: at least one value is required`,
    ],
    [
      'code 0',
      exitCodes({ values: [0, 1] }),
      `${rule0}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator`,
    ],
    ['a code twice', exitCodes({ values: [1, 1] }), `${rule0}.onExitCodes.values[1]: Duplicate value: 1`],
    [
      'codes out of order',
      exitCodes({ values: [2, 1] }),
      `${rule0}.onExitCodes.values: Invalid value: [2,1]: must be ordered`,
    ],
    [
      'codes without end',
      exitCodes({ values: Array.from({ length: 256 }, (_, n) => n + 1) }),
      `${rule0}.onExitCodes.values: Too many: 256: must have at most 255 items`,
    ],
    [
      'a condition',
      policy({ onPodConditions: [{ type: 'A', status: 'Maybe' }] }),
      `${rule0}.onPodConditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"`,
    ],
    [
      'rules without end',
      {
        podFailurePolicy: {
          rules: Array.from({ length: 21 }, () => ({ action: 'Count', onExitCodes: { operator: 'In', values: [1] } })),
        },
      },
      'spec.podFailurePolicy.rules: Too many: 21: must have at most 20 items',
    ],
  ])('failure policy with %s', (_, spec, ...messages) => {
    expect(wrong(job({ spec }))).toEqual(messages);
  });

  test.each<[string, object, ...string[]]>([
    [
      'no rules',
      { ...indexed, successPolicy: { rules: [] } },
      'spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified',
    ],
    [
      'an empty rule',
      success({}),
      `${success0}: Required value: at least one of succeededCount or succeededIndexes must be specified`,
    ],
    [
      'a count above completions',
      success({ succeededCount: 6 }),
      `${success0}.succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)`,
    ],
    [
      'a count above the indexes',
      success({ succeededCount: 3, succeededIndexes: '0-1' }),
      `${success0}.succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)`,
    ],
    ['a negative count', success({ succeededCount: -1 }), `${success0}.succeededCount: ${negative}`],
    [
      'an index too many',
      success({ succeededIndexes: '5' }),
      `${success0}.succeededIndexes: Invalid value: "5": error parsing succeededIndexes: too large index: "5"`,
    ],
    [
      'no numbers',
      success({ succeededIndexes: 'a' }),
      `${success0}.succeededIndexes: Invalid value: "a": error parsing succeededIndexes: cannot convert string to integer for index: "a"`,
    ],
    [
      'indexes out of order',
      success({ succeededIndexes: '3,1' }),
      `${success0}.succeededIndexes: Invalid value: "3,1": error parsing succeededIndexes: non-increasing order, previous: 3, current: 1`,
    ],
    [
      'two hyphens',
      success({ succeededIndexes: '0-1-2' }),
      `${success0}.succeededIndexes: Invalid value: "0-1-2": error parsing succeededIndexes: the fragment "0-1-2" violates the requirement that an index interval can have at most two parts separated by '-'`,
    ],
  ])('success policy with %s', (_, spec, ...messages) => {
    expect(wrong(job({ spec }))).toEqual(messages);
  });

  test('without indexes has no success policy', () => {
    const [message, ...rest] = wrong(job({ spec: { successPolicy: { rules: [{ succeededCount: 1 }] } } }));
    expect(message).toMatch(/^spec.successPolicy: Invalid value: .*: requires indexed completion mode$/);
    expect(rest).toEqual([]);
  });

  test('whose labels clash with those it is given is refused', () => {
    const found = wrong(job({ spec: { template: { metadata: { labels: { 'job-name': 'other' } } } } }));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(/^spec.template.metadata.labels\[job-name\]: Invalid value: .*: must be 'web'$/);
  });

  test('with a name that leaves no room for the index is refused', () => {
    const name = 'x'.repeat(62);
    const labels = { 'job-name': name, 'batch.kubernetes.io/job-name': name };
    expect(wrong(job({ metadata: { name }, spec: { ...indexed, template: { metadata: { labels } } } }))).toEqual([
      `metadata.name: Invalid value: "${name}": will not able to create pod with invalid DNS label: ${name}-4`,
    ]);
  });
});
