// Tests of JSON patch: what applies, and which failure a client sees when it does not.
// Knows nothing of HTTP.
import fc from 'fast-check';
import { createPatch } from 'rfc6902';
import { describe, expect, it } from 'vitest';
import { type Json, jsonEqual } from '#lib/json.ts';
import { StatusError } from '../status.ts';
import { jsonPatch } from './json-patch.ts';

function failure(run: () => unknown): StatusError {
  try {
    run();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('Expected a StatusError');
}

const web = { metadata: { labels: { app: 'web', 'a/b': 'x' } }, spec: { replicas: 2, args: ['a', 'b'] } };

describe('jsonPatch()', () => {
  it('applies every operation, with escaped pointers and the end of a list', () => {
    const result = jsonPatch(web, [
      { op: 'test', path: '/spec/replicas', value: 2 },
      { op: 'replace', path: '/spec/replicas', value: 3 },
      { op: 'remove', path: '/metadata/labels/a~1b' },
      { op: 'add', path: '/spec/args/-', value: 'c' },
      { op: 'add', path: '/spec/args/0', value: 'z' },
      { op: 'copy', from: '/metadata/labels/app', path: '/metadata/labels/tier' },
      { op: 'move', from: '/spec/args/1', path: '/spec/first' },
    ]);
    expect(result).toEqual({
      metadata: { labels: { app: 'web', tier: 'web' } },
      spec: { replicas: 3, args: ['z', 'b', 'c'], first: 'a' },
    });
    expect(web.spec.replicas).toBe(2);
  });

  it('stops copies that double the document before it fills the memory', () => {
    const bomb = Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '/spec', path: `/spec/x${i}` }));
    const refused = failure(() => jsonPatch(web, bomb));
    expect(refused.code).toBe(422);
    expect(refused.details?.causes?.[0]?.message).toMatch(
      /^Unable to complete the copy, the accumulated size increase of copy is \d+, exceeding the limit 3145728$/,
    );
    expect(jsonPatch(web, bomb.slice(0, 8))).toHaveProperty('spec.x7.x6.x5');
  });

  it.each([
    [{ op: 'test', path: '/spec/replicas', value: 9 }, 'testing value /spec/replicas failed: test failed'],
    [
      { op: 'remove', path: '/spec/none' },
      'remove operation does not apply: doc is missing key: /spec/none: missing value',
    ],
    [
      { op: 'replace', path: '/spec/args/2', value: 1 },
      'replace operation does not apply: doc is missing key: /spec/args/2: missing value',
    ],
    [
      { op: 'add', path: '/none/x', value: 1 },
      'add operation does not apply: doc is missing path: "/none/x": missing value',
    ],
    [
      { op: 'add', path: '/spec/replicas/x', value: 1 },
      'add operation does not apply: doc is missing path: "/spec/replicas/x": missing value',
    ],
    [
      { op: 'add', path: '/spec/args/7', value: 1 },
      'add operation does not apply: doc is missing path: "/spec/args/7": missing value',
    ],
    [
      { op: 'add', path: '/__proto__/x', value: 1 },
      'add operation does not apply: doc is missing path: "/__proto__/x": missing value',
    ],
    [
      { op: 'add', path: '/toString/x', value: 1 },
      'add operation does not apply: doc is missing path: "/toString/x": missing value',
    ],
    [
      { op: 'copy', from: '/none', path: '/x' },
      'copy operation does not apply: doc is missing from path: "/none": missing value',
    ],
  ])('refuses %j with 422', (operation, why) => {
    const error = failure(() => jsonPatch(web, [operation]));
    expect([error.code, error.reason, error.details?.causes?.[0]?.message]).toEqual([422, 'Invalid', why]);
  });

  it.each([
    [{ op: 'add', path: '/x', value: 1 }],
    [['nonsense']],
    [[{ path: '/x' }]],
    [[{ op: 'jump', path: '/x' }]],
    [[{ op: 'add', path: 'x', value: 1 }]],
    [[{ op: 'move', path: '/x' }]],
  ])('refuses the malformed %j with 400', (patch) => {
    expect(failure(() => jsonPatch(web, patch as Json)).code).toBe(400);
  });

  it('refuses more than ten thousand operations with 413', () => {
    const patch = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/spec/replicas', value: 2 }));
    expect(failure(() => jsonPatch(web, patch)).code).toBe(413);
  });

  it('keeps every member of the values it adds', () => {
    const odd = JSON.parse('{"a":{"__proto__":{"b":1}}}') as Json;
    const result = jsonPatch({ list: [], old: 1 }, [
      { op: 'add', path: '/list/-', value: odd },
      { op: 'replace', path: '/old', value: odd },
    ]);
    expect(JSON.stringify(result)).toBe('{"list":[{"a":{"__proto__":{"b":1}}}],"old":{"a":{"__proto__":{"b":1}}}}');
  });

  it('applies what a diff of two documents says', () => {
    const document = fc.dictionary(fc.stringMatching(/^[a-z/~]{1,4}$/), fc.jsonValue(), { maxKeys: 4 });
    fc.assert(
      fc.property(document, document, (a, b) => {
        const patch = createPatch(a, b) as unknown as Json;
        expect(jsonEqual(jsonPatch(a as Json, patch), b)).toBe(true);
      }),
    );
  });
});
