// Values of a schema for property tests: objects as a careful client would write them in JSON.
// Knows schemas only, so that the codec is held to them and not to its own table.
import fc from 'fast-check';
import type { Schema } from '../schema/index.ts';

const TEXT = fc.string({ maxLength: 6, unit: 'grapheme' }).filter((text) => text.isWellFormed() && text !== '');
const SECOND = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 });

const timeText = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19);

const FORMATS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  byte: fc.uint8Array({ minLength: 1, maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  'date-time': SECOND.map((seconds) => `${timeText(seconds)}Z`),
  'micro-time': fc
    .tuple(SECOND, fc.nat(999_999))
    .map(([seconds, micros]) => `${timeText(seconds)}.${String(micros).padStart(6, '0')}Z`),
  quantity: fc.constantFrom('0', '1', '500m', '2Gi', '-3', '1e3'),
  'int-or-string': fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), TEXT, fc.constant('')),
  int32: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).filter((value) => value !== 0),
  int64: fc.maxSafeInteger().filter((value) => value !== 0),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => value !== 0),
  json: fc.oneof(fc.integer(), fc.boolean(), TEXT, fc.constant({ a: [1, null] })),
  raw: fc.constant({ apiVersion: 'example.com/v1', kind: 'Widget', spec: { size: 1 } }),
  fields: fc.constant({ 'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } } }),
  'schema-or-array': fc.constantFrom({ type: 'string' }, [{ type: 'string' }, { type: 'integer' }]),
  'schema-or-bool': fc.constantFrom<unknown>(true, false, { type: 'string' }),
  'schema-or-strings': fc.constantFrom<unknown>({ type: 'string' }, ['a', 'b']),
};

/** Zero values of omitted fields are not made: JSON says nothing of them. `depth` is how deep objects go. */
export function sampleOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const formatted = schema.format === undefined ? undefined : FORMATS[schema.format];
  if (formatted !== undefined) return formatted;
  switch (schema.type) {
    case 'string':
      return TEXT;
    case 'boolean':
      return fc.constant(true);
    case 'array':
      return fc.array(sampleOf(schema.items as Schema, depth), { minLength: 1, maxLength: 2 });
    default:
      return objectOf(schema, depth);
  }
}

/** A few fields at a time: all at once would grow without bounds, and hide which of them fails. */
const MAX_FIELDS = 4;

function objectOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema.additionalProperties !== undefined) {
    const value = sampleOf(schema.additionalProperties, depth);
    return fc.dictionary(fc.oneof(TEXT, fc.constant('__proto__')), value, { minKeys: 1, maxKeys: 2 });
  }
  const properties = schema.properties ?? {};
  // Objects within objects have no envelope, so that this wire cannot say their kind; Go loses it too.
  const isObject = properties.metadata !== undefined;
  const names = Object.keys(properties).filter((name) => !isObject || !['apiVersion', 'kind'].includes(name));
  if (depth <= 0 || names.length === 0) return fc.constant({});
  return fc.subarray(names, { maxLength: Math.min(MAX_FIELDS, names.length) }).chain((chosen) => {
    const fields: Record<string, fc.Arbitrary<unknown>> = {};
    for (const name of chosen) fields[name] = sampleOf(properties[name] as Schema, depth - 1);
    return fc.record(fields);
  });
}
