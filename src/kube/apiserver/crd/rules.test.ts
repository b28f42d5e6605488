// Rules in CEL over HTTP: refused definitions, refused objects, and what a rule may cost.
// Knows the server by its URL only.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

function definition(plural: string, kind: string, spec: Json): Json {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      names: { plural, kind },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
        },
      ],
    },
  };
}

const object = (kind: string, name: string, spec: Json): Json => ({
  apiVersion: 'example.com/v1',
  kind,
  metadata: { name },
  spec,
});
const pathOf = (plural: string): string => `/apis/example.com/v1/namespaces/default/${plural}`;
const merge = (path: string, body: unknown) => api.call('PATCH', path, { body, type: 'application/merge-patch+json' });
const integers = (...names: string[]): Json => Object.fromEntries(names.map((name) => [name, { type: 'integer' }]));

describe('a rule', () => {
  it('refuses objects in its own words, with its reason, at its place', async () => {
    const rules = [
      { rule: 'self.min <= self.max', messageExpression: "'min %d is more than max %d'.format([self.min, self.max])" },
      {
        rule: '!has(self.max) || self.max < 100',
        message: 'too much',
        reason: 'FieldValueForbidden',
        fieldPath: '.max',
      },
      { rule: 'self.min >= 0' },
    ];
    const spec = { type: 'object', properties: integers('min', 'max'), 'x-kubernetes-validations': rules };
    await api.ok('POST', CRDS, { body: definition('spans', 'Span', spec) });
    const refused = await api.call('POST', pathOf('spans'), { body: object('Span', 'a', { min: 200, max: 150 }) });
    expect(refused.code).toBe(422);
    expect(at(refused.body, 'details', 'causes')).toEqual([
      { reason: 'FieldValueInvalid', message: 'Invalid value: min 200 is more than max 150', field: 'spec' },
      { reason: 'FieldValueForbidden', message: 'Forbidden: too much', field: 'spec.max' },
    ]);
    const negative = await api.call('POST', pathOf('spans'), { body: object('Span', 'a', { min: -1, max: 1 }) });
    expect(negative.body.message).toBe(
      'Span.example.com "a" is invalid: spec: Invalid value: failed rule: self.min >= 0',
    );
    const missing = await api.call('POST', pathOf('spans'), { body: object('Span', 'a', { max: 1 }) });
    expect(missing.body.message).toContain('spec: Invalid value: "object": no such key: min evaluating rule');
    expect((await api.call('POST', pathOf('spans'), { body: object('Span', 'a', { min: 1, max: 2 }) })).code).toBe(201);
  });

  it('is not asked about values that are not of their type', async () => {
    const refused = await api.call('POST', pathOf('spans'), { body: object('Span', 'b', { min: 'one', max: 2 }) });
    expect(refused.body.message).toContain('spec.min in body must be of type integer: "string"');
    expect(refused.body.message).toContain('some validation rules were not checked because the object was invalid');
  });

  it('compares with what was there before', async () => {
    const name = {
      type: 'string',
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'name is immutable' }],
    };
    const count = {
      type: 'integer',
      'x-kubernetes-validations': [
        {
          rule: 'oldSelf.hasValue() ? self >= oldSelf.value() : self == 1',
          optionalOldSelf: true,
          message: 'starts at 1',
        },
      ],
    };
    const spec = { type: 'object', properties: { name, count } };
    await api.ok('POST', CRDS, { body: definition('fixeds', 'Fixed', spec) });
    const wrong = await api.call('POST', pathOf('fixeds'), { body: object('Fixed', 'a', { name: 'x', count: 2 }) });
    expect(wrong.body.message).toContain('spec.count: Invalid value: 2: starts at 1');
    await api.ok('POST', pathOf('fixeds'), { body: object('Fixed', 'a', { name: 'x', count: 1 }) });
    expect((await merge(`${pathOf('fixeds')}/a`, { spec: { count: 3 } })).code).toBe(200);
    const changed = await merge(`${pathOf('fixeds')}/a`, { spec: { name: 'y', count: 2 } });
    expect(at(changed.body, 'details', 'causes')).toEqual([
      { reason: 'FieldValueInvalid', message: 'Invalid value: "y": name is immutable', field: 'spec.name' },
      { reason: 'FieldValueInvalid', message: 'Invalid value: 2: starts at 1', field: 'spec.count' },
    ]);
  });

  it('lets go with a warning what was wrong before and is unchanged', async () => {
    const inner = { type: 'object', properties: integers('n') };
    const free = { type: 'object', properties: { inner, s: { type: 'string' } } };
    await api.ok('POST', CRDS, { body: definition('laters', 'Later', free) });
    await api.ok('POST', pathOf('laters'), { body: object('Later', 'a', { inner: { n: 0 } }) });
    const strict = { ...inner, 'x-kubernetes-validations': [{ rule: 'self.n > 0', message: 'n must count' }] };
    const current = await api.ok('GET', `${CRDS}/laters.example.com`);
    const next = definition('laters', 'Later', {
      type: 'object',
      properties: { inner: strict, s: { type: 'string' } },
    });
    await api.ok('PUT', `${CRDS}/laters.example.com`, { body: { ...next, metadata: current.metadata } });
    const unchanged = await merge(`${pathOf('laters')}/a`, { spec: { s: 'new' } });
    expect(unchanged.code).toBe(200);
    expect(unchanged.headers.warning).toBe('299 - "spec.inner: Invalid value: n must count"');
    expect((await merge(`${pathOf('laters')}/a`, { spec: { inner: { n: -1 } } })).code).toBe(422);
  });

  it('cannot hold the server up', async () => {
    const list = { type: 'array', maxItems: 100_000, items: { type: 'integer' } };
    // Small by the estimate of one side, endless by the data: dyn has no size that is known.
    const rule = 'dyn(self.a).all(x, dyn(self.a).all(y, x + y >= 0))';
    const spec = { type: 'object', properties: { a: list }, 'x-kubernetes-validations': [{ rule }] };
    const dear = await api.call('POST', CRDS, { body: definition('dears', 'Dear', spec) });
    expect(dear.code).toBe(422);
    expect(dear.body.message).toContain(
      'x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x',
    );
    const map = { type: 'object', maxProperties: 10, additionalProperties: { type: 'integer' } };
    const keys = {
      type: 'object',
      properties: { m: map },
      'x-kubernetes-validations': [{ rule: "self.m.all(k, k.matches('^(aa?aa?aa?)+$'))", message: 'only a' }],
    };
    await api.ok('POST', CRDS, { body: definition('keys', 'Key', keys) });
    const long = `${'a'.repeat(2_900_000)}!`;
    const refused = await api.call('POST', pathOf('keys'), { body: object('Key', 'a', { m: { [long]: 1 } }) });
    expect(refused.body.message).toContain('no further validation rules will be run due to call cost exceeds limit');
  });
});

describe('a definition', () => {
  const rule = (text: Json | string, schema: Json = { type: 'integer' }): Json => ({
    type: 'object',
    properties: { x: { ...schema, 'x-kubernetes-validations': [typeof text === 'string' ? { rule: text } : text] } },
  });
  const place = 'spec.validation.openAPIV3Schema.properties[spec].properties[x].x-kubernetes-validations[0]';

  it.each([
    [
      'self.y > 1',
      `${place}.rule: Invalid value: {"rule":"self.y > 1"}: compilation failed: ERROR: <input>:1:5: type 'int' does not support field selection`,
    ],
    ['self + 1', `${place}.rule: Invalid value: {"rule":"self + 1"}: cel expression must evaluate to a bool`],
    ['', `${place}.rule: Required value: rule is not specified`],
    [
      { rule: 'self > 1', message: 'a\nb' },
      `${place}.message: Invalid value: "a\\nb": message must not contain line breaks`,
    ],
    [{ rule: 'self > 1', messageExpression: 'self' }, 'messageExpression must evaluate to a string'],
    [{ rule: 'self > 1', reason: 'Because' }, `${place}.reason: Unsupported value: "Because"`],
    [
      { rule: 'self > 1', fieldPath: '.none' },
      `${place}.fieldPath: Invalid value: ".none": fieldPath must be a valid path`,
    ],
    [{ rule: 'self > 1', optionalOldSelf: true }, 'may not be set if oldSelf is not used in rule'],
  ])('with the rule %j is refused', async (text, message) => {
    const refused = await api.call('POST', CRDS, { body: definition('bads', 'Bad', rule(text)) });
    expect(refused.code).toBe(422);
    expect(refused.body.message).toContain(message);
  });

  it('has no transition rules where items cannot be told apart', async () => {
    const items = { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self >= oldSelf' }] };
    const list = { type: 'object', properties: { list: { type: 'array', maxItems: 5, items } } };
    const refused = await api.call('POST', CRDS, { body: definition('bads', 'Bad', list) });
    expect(refused.body.message).toContain(
      'oldSelf cannot be used on the uncorrelatable portion of the schema within spec.validation.openAPIV3Schema.properties[spec].properties[list]',
    );
  });
});
