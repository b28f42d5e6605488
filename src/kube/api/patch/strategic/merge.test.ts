// Tests of strategic merge patch with the patches that kubectl sends, and the laws that hold for any.
// Uses a schema of its own, so that each strategy is seen beside its effect.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloneJson, type JsonObject } from '#lib/json.ts';
import type { Schema } from '../../schema/schema.ts';
import { StatusError } from '../../status.ts';
import { strategicMergePatch } from './merge.ts';

const text: Schema = { type: 'string' };
const named = (properties: Record<string, Schema>, key = 'name'): Schema => ({
  type: 'array',
  patchStrategy: ['merge'],
  patchMergeKey: key,
  items: { type: 'object', properties: { name: text, ...properties } },
});
const schema: Schema = {
  type: 'object',
  properties: {
    labels: { type: 'object', additionalProperties: text },
    finalizers: { type: 'array', items: text, patchStrategy: ['merge'] },
    args: { type: 'array', items: text },
    strategy: { type: 'object', patchStrategy: ['retainKeys'], properties: { type: text } },
    containers: named({
      image: text,
      env: named({ value: text }),
      ports: named({ containerPort: { type: 'integer' } }, 'containerPort'),
    }),
  },
};

const merge = (original: JsonObject, patch: JsonObject): JsonObject =>
  strategicMergePatch(cloneJson(original), cloneJson(patch), schema);

function code(run: () => unknown): number {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error.code;
    throw error;
  }
  throw new Error('Expected a StatusError');
}

const pod = {
  labels: { app: 'web', tier: 'front' },
  finalizers: ['a', 'b'],
  args: ['x', 'y'],
  containers: [
    { name: 'web', image: 'web:1', env: [{ name: 'A', value: '1' }], ports: [{ containerPort: 80 }] },
    { name: 'log', image: 'log:1' },
  ],
};

describe('strategicMergePatch()', () => {
  it('sets an image as kubectl set image does, with the element order', () => {
    const result = merge(pod, {
      '$setElementOrder/containers': [{ name: 'web' }, { name: 'log' }],
      containers: [{ name: 'log', image: 'log:2' }],
    });
    expect(result).toEqual({ ...pod, containers: [pod.containers[0], { name: 'log', image: 'log:2' }] });
  });

  it('removes a label by null, and adds an annotation map that was not there', () => {
    const result = merge(pod, {
      labels: { tier: null },
      annotations: { 'kubectl.kubernetes.io/restartedAt': 'now', gone: null },
    });
    expect(result.labels).toEqual({ app: 'web' });
    expect(result.annotations).toEqual({ 'kubectl.kubernetes.io/restartedAt': 'now' });
  });

  it('deletes an item by its key and puts a new one first', () => {
    const result = merge(pod, {
      containers: [
        { name: 'new', image: 'new:1', env: null },
        { $patch: 'delete', name: 'log' },
      ],
    });
    expect(result.containers).toEqual([{ name: 'new', image: 'new:1' }, pod.containers[0]]);
  });

  it('merges lists inside items of lists', () => {
    const result = merge(pod, {
      containers: [{ name: 'web', env: [{ name: 'B', value: '2' }], ports: [{ containerPort: 80, name: 'http' }] }],
    });
    expect((result.containers as JsonObject[])[0]).toEqual({
      name: 'web',
      image: 'web:1',
      env: [
        { name: 'B', value: '2' },
        { name: 'A', value: '1' },
      ],
      ports: [{ containerPort: 80, name: 'http' }],
    });
  });

  it('replaces lists without the merge strategy, and lists and maps with $patch: replace', () => {
    expect(merge(pod, { args: ['z'] }).args).toEqual(['z']);
    expect(merge(pod, { containers: [{ name: 'one' }, { $patch: 'replace' }] }).containers).toEqual([{ name: 'one' }]);
    expect(merge(pod, { labels: { $patch: 'replace', only: 'this' } }).labels).toEqual({ only: 'this' });
    expect(merge(pod, { labels: { $patch: 'delete' } }).labels).toEqual({});
  });

  it('merges lists of primitives as sets, and deletes from them', () => {
    expect(merge(pod, { finalizers: ['c', 'a'] }).finalizers).toEqual(['c', 'a', 'b']);
    expect(merge(pod, { '$deleteFromPrimitiveList/finalizers': ['a'] }).finalizers).toEqual(['b']);
    expect(
      merge(pod, {
        '$deleteFromPrimitiveList/finalizers': ['a'],
        '$setElementOrder/finalizers': ['c', 'b'],
        finalizers: ['c'],
      }).finalizers,
    ).toEqual(['c', 'b']);
    expect(merge({}, { '$deleteFromPrimitiveList/finalizers': ['a'] })).toEqual({});
  });

  it('merges and deletes long lists in one pass each, for they block everyone else', () => {
    const many = 40_000;
    const ports = Array.from({ length: many }, (_, i) => ({ containerPort: i }));
    const finalizers = Array.from({ length: many }, (_, i) => `example.com/${i}`);
    const first: JsonObject = { containers: [{ name: 'one', ports: [{ containerPort: 0 }] }], finalizers: ['b'] };
    const grown = merge(first, { containers: [{ name: 'one', ports }], finalizers });
    expect(grown.containers).toEqual([{ name: 'one', ports }]);
    expect(grown.finalizers).toEqual([...finalizers, 'b']);
    const shrunk = merge(grown, {
      containers: [{ name: 'one', ports: ports.map((port) => ({ ...port, $patch: 'delete' })) }],
      '$deleteFromPrimitiveList/finalizers': finalizers,
    });
    expect(shrunk).toEqual({ containers: [{ name: 'one', ports: [] }], finalizers: ['b'] });
  });

  it('keeps only the retained keys', () => {
    const rolling = { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } };
    const patch = { strategy: { $retainKeys: ['type'], type: 'Recreate', rollingUpdate: null } };
    expect(merge(rolling, patch)).toEqual({ strategy: { type: 'Recreate' } });
    expect(code(() => merge(rolling, { strategy: { $retainKeys: ['type'], other: 1 } }))).toBe(400);
  });

  it('keeps items that only the server has where they were', () => {
    const result = merge(
      { containers: ['a', 'sidecar', 'b'].map((name) => ({ name })) },
      { '$setElementOrder/containers': [{ name: 'b' }, { name: 'a' }], containers: [{ name: 'a', image: 'x' }] },
    );
    expect((result.containers as JsonObject[]).map(({ name }) => name)).toEqual(['sidecar', 'b', 'a']);
  });

  it('refuses malformed patches with 400', () => {
    expect(code(() => merge(pod, { containers: [{ image: 'x' }] }))).toBe(400);
    expect(code(() => merge(pod, { labels: { $patch: 'jump' } }))).toBe(400);
    expect(code(() => merge(pod, { '$setElementOrder/containers': 'web' }))).toBe(400);
    expect(code(() => merge(pod, { '$deleteFromPrimitiveList/finalizers': 'a' }))).toBe(400);
    const patch = { '$setElementOrder/finalizers': ['a', 'b'], finalizers: ['b', 'a'] };
    expect(code(() => merge(pod, patch))).toBe(400);
  });

  it('applies a diff of two states: what kubectl apply and edit send', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 5 });
    const state = names.chain((list) =>
      fc.tuple(...list.map((name) => fc.record({ name: fc.constant(name), image: fc.constantFrom('x:1', 'x:2') }))),
    );
    fc.assert(
      fc.property(state, state, (from, to) => {
        const removed = from.filter((item) => !to.some(({ name }) => name === item.name));
        const patch: JsonObject = {
          '$setElementOrder/containers': to.map(({ name }) => ({ name })),
          containers: [...to, ...removed.map(({ name }) => ({ name, $patch: 'delete' }))],
        };
        expect(merge({ containers: from as unknown as JsonObject[] }, patch)).toEqual({
          containers: to.length === 0 && from.length === 0 ? [] : to,
        });
        expect(merge(merge({ containers: from as unknown as JsonObject[] }, patch), patch)).toEqual(
          merge({ containers: from as unknown as JsonObject[] }, patch),
        );
      }),
    );
  });
});
