// Rules about values of custom resources: each one kept and broken, in upstream's words.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeObject,
  definition,
  type Schema,
  schemaFromCustom,
  structuralCauses,
  validateStructure,
} from './index.ts';
import { readRules, valueMistakes } from './value-rules.ts';

const metadata = definition('meta.v1.ObjectMeta') as Schema;

/** Causes for a custom resource whose `spec` holds `value` in a field of this schema. */
function causes(schema: object, value: unknown): string[] {
  const spec = { type: 'object', properties: { field: schema } };
  const custom = schemaFromCustom({ type: 'object', properties: { spec } }, metadata);
  const issues = validateStructure(custom, { spec: { field: value } });
  return structuralCauses(issues).map((cause) => `${cause.field}: ${cause.message}`);
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
  [
    { 'x-kubernetes-int-or-string': true },
    true,
    'Invalid value: "boolean": spec.field in body must be of type integer or string: "boolean"',
  ],
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
    'Invalid value: []: spec.field in body should have at least 1 items',
  ],
  [
    { type: 'object', additionalProperties: { type: 'string' }, maxProperties: 0 },
    { a: 'b' },
    'Too many: 1: must have at most 0 items',
  ],
  [
    { type: 'string', not: { enum: ['a'] } },
    'a',
    'Invalid value: "a": spec.field in body must not validate the schema (not)',
  ],
  [
    { type: 'string', anyOf: [{ maxLength: 1 }, { minLength: 3 }] },
    'ab',
    'Invalid value: "ab": spec.field in body must validate at least one schema (anyOf)',
  ],
  [
    { type: 'string', allOf: [{ maxLength: 1 }] },
    'ab',
    'Invalid value: "ab": spec.field in body must validate all the schemas (allOf)',
  ],
])('%j refuses %j', (schema, value, message) => {
  expect(causes(schema, value)).toEqual([`spec.field: ${message}`]);
});

test.each([
  [{ type: 'string', enum: ['a', 'b'], maxLength: 1, pattern: '^[ab]$' }, 'b'],
  [{ type: 'string', maxLength: 1 }, '😀'],
  [{ type: 'number', minimum: 0, maximum: 1, exclusiveMaximum: true }, 0.5],
  [{ type: 'string', pattern: '(?i)go only' }, 'anything'],
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
  for (const value of [{}, { a: 'x', b: 'y' }]) {
    expect(causes(schema, value)).toEqual([expect.stringContaining('must validate one and only one schema (oneOf)')]);
  }
});

test('mistakes within lists and maps carry their place', () => {
  const schema = { type: 'array', items: { type: 'object', additionalProperties: { type: 'integer', maximum: 1 } } };
  expect(causes(schema, [{ a: 1 }, { b: 2 }])).toEqual([
    'spec.field[1].b: Invalid value: 2: spec.field[1].b in body should be less than or equal to 1',
  ]);
});

describe('decoding', () => {
  test('does not refuse a custom resource for a wrong type: that is invalid, not undecodable', () => {
    const custom = schemaFromCustom({ type: 'object', properties: { spec: { type: 'object' } } }, metadata);
    const object = { apiVersion: 'g/v1', kind: 'K', spec: 'text' };
    expect(decodeObject(custom, object, 'Strict').warnings).toEqual([]);
    expect(object.spec).toBe('text');
  });
});

test('any rules against any value end in a list of mistakes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (source, value) => {
      for (const mistake of valueMistakes(readRules(source, true), value, 'x'))
        expect(mistake.reason).toMatch(/^FieldValue/);
    }),
  );
});
