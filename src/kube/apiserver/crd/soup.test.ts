// Any schema is a definition or a refusal, and any object of it is stored or refused: nothing is an internal error.
// Knows the server by its URL only, and keywords well enough to put them where they do not belong.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Json, startTestApi, type TestApi } from '../testing/api.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const ROOT = '/apis/soup.example.com/v1/namespaces/default';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const rules = [
  'self == oldSelf',
  'has(self.a)',
  'self.a.size() > 1',
  'self.all(x, x == x)',
  'size(self) < 5',
  'self.b > self.a',
  "string(self) != ''",
  'true',
  'self.',
  'oldSelf.hasValue()',
];

const value = fc.jsonValue({ maxDepth: 3 });
const keywords: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  nullable: fc.boolean(),
  default: value,
  enum: fc.array(value, { maxLength: 3 }),
  format: fc.constantFrom('int32', 'date-time', 'duration', 'ipv4', 'byte', 'nope', ''),
  pattern: fc.constantFrom('^a+$', '(', '(a*)*b', '\\d{1,3}'),
  minimum: fc.integer({ min: -3, max: 3 }),
  maximum: fc.double({ min: -3, max: 3, noNaN: true }),
  multipleOf: fc.integer({ min: 0, max: 3 }),
  maxLength: fc.integer({ min: -1, max: 9 }),
  minItems: fc.integer({ min: 0, max: 2 }),
  maxItems: fc.integer({ min: 0, max: 5 }),
  maxProperties: fc.integer({ min: 0, max: 5 }),
  required: fc.array(fc.constantFrom('a', 'b', 'x-y'), { maxLength: 2 }),
  'x-kubernetes-preserve-unknown-fields': fc.boolean(),
  'x-kubernetes-embedded-resource': fc.boolean(),
  'x-kubernetes-int-or-string': fc.boolean(),
  'x-kubernetes-list-type': fc.constantFrom('set', 'map', 'atomic'),
  'x-kubernetes-list-map-keys': fc.array(fc.constantFrom('a', 'b'), { maxLength: 2 }),
  'x-kubernetes-map-type': fc.constantFrom('atomic', 'granular'),
  'x-kubernetes-validations': fc.array(
    fc.record(
      {
        rule: fc.constantFrom(...rules),
        message: fc.constantFrom('m', ''),
        messageExpression: fc.constantFrom("'x'", 'self'),
        fieldPath: fc.constantFrom('.a', "['b']", 'a'),
        optionalOldSelf: fc.boolean(),
      },
      { requiredKeys: ['rule'] },
    ),
    { maxLength: 2 },
  ),
};

/** Mostly sensible, so that many are served and their objects are held to them. */
const { schema } = fc.letrec<{ schema: Json }>((tie) => ({
  schema: fc
    .tuple(
      fc.constantFrom('object', 'object', 'array', 'string', 'integer', 'number', 'boolean'),
      fc
        .uniqueArray(fc.constantFrom(...Object.keys(keywords)), { maxLength: 2 })
        .chain((names) =>
          fc.record(Object.fromEntries(names.map((name) => [name, keywords[name] as fc.Arbitrary<unknown>]))),
        ),
      fc.oneof(
        { maxDepth: 3 },
        fc.constant(undefined),
        fc.dictionary(fc.constantFrom('a', 'b', 'x-y'), tie('schema'), { maxKeys: 2 }),
      ),
      fc.oneof({ maxDepth: 3 }, fc.constant({ type: 'string' } as Json), tie('schema')),
      fc.oneof(
        { maxDepth: 2 },
        fc.constant({}),
        fc.record({
          anyOf: fc.array(fc.constantFrom({ required: ['a'] }, { minimum: 1 }, { type: 'string' }), { maxLength: 2 }),
        }),
      ),
    )
    .map(
      ([type, extra, properties, items, logic]): Json => ({
        type,
        ...(type === 'object' && properties !== undefined ? { properties } : {}),
        ...(type === 'object' && properties === undefined ? { additionalProperties: items } : {}),
        ...(type === 'array' ? { items } : {}),
        ...logic,
        ...extra,
      }),
    ),
}));

const objects = fc.array(
  fc.oneof(
    value,
    fc.dictionary(fc.constantFrom('a', 'b', 'x-y', 'other'), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 }),
    fc.array(fc.dictionary(fc.constantFrom('a', 'b'), fc.jsonValue({ maxDepth: 1 }))),
  ),
  { minLength: 1, maxLength: 4 },
);

test('schemas and their objects', async () => {
  let number = 0;
  let served = 0;
  await fc.assert(
    fc.asyncProperty(schema, objects, async (spec, specs) => {
      const plural = `soups${++number}`;
      const kind = `Soup${number}`;
      const root = { type: 'object', properties: { spec } };
      const made = await api.call('POST', CRDS, {
        body: {
          apiVersion: 'apiextensions.k8s.io/v1',
          kind: 'CustomResourceDefinition',
          metadata: { name: `${plural}.soup.example.com` },
          spec: {
            group: 'soup.example.com',
            names: { plural, kind },
            scope: 'Namespaced',
            versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: root } }],
          },
        },
      });
      expect(made.code, JSON.stringify(made.body)).toBeLessThan(500);
      if (made.code !== 201) return;
      served++;
      for (const [index, each] of specs.entries()) {
        const name = `o${index % 2}`;
        const body = { apiVersion: 'soup.example.com/v1', kind, metadata: { name }, spec: each };
        const type = index === 0 ? 'application/json' : 'application/apply-patch+yaml';
        const answer =
          index === 0
            ? await api.call('POST', `${ROOT}/${plural}`, { body, type })
            : await api.call('PATCH', `${ROOT}/${plural}/${name}?fieldManager=m${index}`, { body, type });
        expect(answer.code, JSON.stringify({ each, answer: answer.body })).toBeLessThan(500);
      }
      expect(
        (await api.call('GET', `${ROOT}/${plural}`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })).code,
      ).toBe(200);
      await api.call('DELETE', `${CRDS}/${plural}.soup.example.com`);
    }),
    { numRuns: 120 },
  );
  expect(served).toBeGreaterThan(20);
}, 120_000);
