// Rules about values of custom resources: each one kept and broken, in upstream's words.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyStructuralDefaults, blockingCause, readStructural, validateCustom } from './index.ts';

/** Causes for a custom resource whose `spec` holds `value` in a field of this schema, and held `before`. */
function causes(schema: object, value: unknown, before?: unknown): string[] {
  const spec = { type: 'object', properties: { field: schema } };
  const custom = readStructural({ type: 'object', properties: { spec } });
  const previous = before === undefined ? undefined : { spec: { field: before } };
  return validateCustom(custom, { spec: { field: value } }, previous).map(
    (cause) => `${cause.field}: ${cause.message}`,
  );
}

test.each([
  [{ type: 'integer' }, 'x', 'Invalid value: "string": spec.field in body must be of type integer: "string"'],
  [{ type: 'integer' }, 1.5, 'Invalid value: "number": spec.field in body must be of type integer: "number"'],
  [{ type: 'object' }, [], 'Invalid value: "array": spec.field in body must be of type object: "array"'],
  [
    { type: 'string', format: 'date-time' },
    'now',
    'Invalid value: "now": spec.field in body must be of type date-time: "now"',
  ],
  [{ type: 'string' }, null, 'Invalid value: "null": spec.field in body must be of type string: "null"'],
  [
    { type: 'string', format: 'ipv4' },
    '1.2.3',
    'Invalid value: "1.2.3": spec.field in body must be of type ipv4: "1.2.3"',
  ],
  [{ type: 'integer', enum: [1, 2] }, 3, 'Unsupported value: 3: supported values: "1", "2"'],
  [{ type: 'string', enum: ['a', 'b'] }, 'c', 'Unsupported value: "c": supported values: "a", "b"'],
  [{ type: 'string', maxLength: 2 }, 'abc', 'Too long: may not be more than 2 bytes'],
  [{ type: 'string', minLength: 2 }, 'a', 'Invalid value: "a": spec.field in body should be at least 2 chars long'],
  [{ type: 'string', pattern: '^a+$' }, 'b', `Invalid value: "b": spec.field in body should match '^a+$'`],
  [{ type: 'integer', minimum: 1 }, 0, 'Invalid value: 0: spec.field in body should be greater than or equal to 1'],
  [
    { type: 'number', minimum: 1, exclusiveMinimum: true },
    1,
    'Invalid value: 1: spec.field in body should be greater than 1',
  ],
  [{ type: 'integer', maximum: 1 }, 2, 'Invalid value: 2: spec.field in body should be less than or equal to 1'],
  [{ type: 'integer', multipleOf: 5 }, 7, 'Invalid value: 7: spec.field in body should be a multiple of 5'],
  [{ type: 'array', items: { type: 'string' }, maxItems: 1 }, ['a', 'b'], 'Too many: 2: must have at most 1 items'],
  [
    { type: 'array', items: { type: 'string' }, minItems: 1 },
    [],
    'Invalid value: 0: spec.field in body should have at least 1 items',
  ],
  [
    { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 0 },
    { a: 'b' },
    'Too many: 1: must have at most 0 items',
  ],
  [
    { type: 'object', additionalProperties: { type: 'string' }, minProperties: 1 },
    {},
    'Invalid value: 0: spec.field in body should have at least 1 properties',
  ],
])('%j refuses %j', (schema, value, message) => {
  expect(causes(schema, value)).toEqual([`spec.field: ${message}`]);
});

test.each([
  [{ type: 'string', not: { enum: ['a'] } }, 'a', ['"spec.field" must not validate the schema (not)']],
  [
    { type: 'string', anyOf: [{ maxLength: 1 }, { minLength: 3 }] },
    'ab',
    ['"spec.field" must validate at least one schema (anyOf)', 'Too long: may not be more than 1 bytes'],
  ],
  [
    { type: 'string', allOf: [{ maxLength: 1 }] },
    'ab',
    ['Too long: may not be more than 1 bytes', '"spec.field" must validate all the schemas (allOf). None validated'],
  ],
  [
    { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    true,
    ['"spec.field" must validate at least one schema (anyOf)', 'must be of type integer: "boolean"'],
  ],
])('logic: %j refuses %j', (schema, value, texts) => {
  const found = causes(schema, value);
  expect(found).toHaveLength(texts.length);
  for (const [index, text] of texts.entries()) expect(found[index]).toContain(text);
});

test.each([
  [{ type: 'string', enum: ['a', 'b'], maxLength: 1, pattern: '^[ab]$' }, 'b'],
  [{ type: 'string', maxLength: 1 }, '😀'],
  [{ type: 'number', minimum: 0, maximum: 1, exclusiveMaximum: true }, 0.5],
  [{ type: 'string', pattern: '(?i)^go only$' }, 'GO only'],
  [{ type: 'string', nullable: true }, null],
  [{ type: 'string', format: 'nobody-knows' }, 'x'],
  [{ anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true }, '80%'],
  [
    {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'string' } },
      oneOf: [{ required: ['a'] }, { required: ['b'] }],
    },
    { a: 'x' },
  ],
])('%j takes %j', (schema, value) => {
  expect(causes(schema, value)).toEqual([]);
});

test('one of two fields means one, not none and not both', () => {
  const properties = { a: { type: 'string' }, b: { type: 'string' } };
  const schema = { type: 'object', properties, oneOf: [{ required: ['a'] }, { required: ['b'] }] };
  const text = '<nil>: Invalid value: "": "spec.field" must validate one and only one schema (oneOf).';
  expect(causes(schema, {})).toEqual([`${text} Found none valid`, 'spec.field.a: Required value']);
  expect(causes(schema, { a: 'x', b: 'y' })).toEqual([`${text} Found 2 valid alternatives`]);
});

test('mistakes within lists and maps carry their place', () => {
  const schema = { type: 'array', items: { type: 'object', additionalProperties: { type: 'integer', maximum: 1 } } };
  expect(causes(schema, [{ a: 1 }, { b: 2 }])).toEqual([
    'spec.field[1].b: Invalid value: 2: spec.field[1].b in body should be less than or equal to 1',
  ]);
});

describe('lists', () => {
  const item = { type: 'object', properties: { name: { type: 'string' }, port: { type: 'integer' } } };
  const byName = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    items: item,
  };
  const set = { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } };

  test('hold each key once', () => {
    expect(causes(byName, [{ name: 'a' }, { name: 'b' }, { name: 'a' }, { name: 'a' }])).toEqual([
      'spec.field[2]: Duplicate value: {"name":"a"}',
    ]);
  });

  test('of type set hold each value once', () => {
    expect(causes(set, ['a', 'b', 'a'])).toEqual(['spec.field[2]: Duplicate value: "a"']);
  });

  test('that had duplicates before may keep them', () => {
    expect(causes(set, ['a', 'a', 'b'], ['a', 'a'])).toEqual([]);
  });
});

describe('what was wrong before', () => {
  const list = {
    type: 'array',
    items: { type: 'object', properties: { name: { type: 'string' }, size: { type: 'integer', maximum: 1 } } },
  };

  test('stays accepted while it is unchanged', () => {
    const schema = { type: 'object', properties: { a: { type: 'integer', maximum: 1 }, b: { type: 'string' } } };
    expect(causes(schema, { a: 5, b: 'new' }, { a: 5, b: 'old' })).toEqual([]);
    expect(causes(schema, { a: 6, b: 'old' }, { a: 5, b: 'old' })).toHaveLength(1);
  });

  test('is found again in a list by key, or by place', () => {
    const keyed = { ...list, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] };
    const before = [{ name: 'bad', size: 5 }];
    const after = [{ name: 'good', size: 1 }, ...before];
    expect(causes(keyed, after, before)).toEqual([]);
    expect(causes(list, after, before)).toHaveLength(1);
    expect(causes({ ...list, 'x-kubernetes-list-type': 'atomic' }, [...before, { name: 'n' }], before)).toHaveLength(1);
  });
});

test('resources inside of resources have a type and proper metadata', () => {
  const schema = {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    'x-kubernetes-preserve-unknown-fields': true,
  };
  expect(causes(schema, { kind: 'no kind', metadata: { labels: { 'a b': 'x' } } })).toEqual([
    'spec.field.apiVersion: Required value',
    expect.stringContaining(
      'spec.field.kind: Invalid value: "no kind": may have mixed case, but should otherwise match',
    ),
    expect.stringContaining('spec.field.metadata.labels: Invalid value: "a b"'),
  ]);
  expect(causes(schema, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' }, more: 1 })).toEqual([]);
});

test('rules in CEL are left out when a value is not of its type', () => {
  const found = validateCustom(readStructural({ type: 'object', required: ['spec'] }), {});
  expect(blockingCause(found)?.message).toContain(
    'some validation rules were not checked because the object was invalid',
  );
  expect(blockingCause([])).toBeUndefined();
});

describe('defaults', () => {
  const schema = readStructural({
    type: 'object',
    properties: {
      plain: { type: 'string', default: 'x' },
      nullable: { type: 'string', nullable: true, default: 'x' },
      bare: { type: 'string' },
      deep: { type: 'object', properties: { inner: { type: 'integer', default: 1 } } },
      list: { type: 'array', items: { type: 'object', properties: { n: { type: 'integer', default: 2 } } } },
      map: { type: 'object', additionalProperties: { type: 'string' } },
    },
  });

  test.each([
    [{}, { plain: 'x', nullable: 'x' }],
    [
      { plain: null, nullable: null, bare: null },
      { plain: 'x', nullable: null },
    ],
    [
      { deep: {}, list: [{}] },
      { plain: 'x', nullable: 'x', deep: { inner: 1 }, list: [{ n: 2 }] },
    ],
    [{ map: { a: null, b: 'c' } }, { plain: 'x', nullable: 'x', map: { b: 'c' } }],
  ])('%j becomes %j', (given, filled) => {
    const value = structuredClone(given);
    applyStructuralDefaults(schema, value);
    expect(value).toEqual(filled);
  });
});

test('any schema against any value ends in causes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (source, value) => {
      for (const cause of validateCustom(readStructural(source), value)) expect(cause.reason).toMatch(/^FieldValue/);
    }),
  );
});
