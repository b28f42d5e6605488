// Objects by chance: what a schema allows for the most part, and what nothing allows here and there.
// Knows schemas and what has divided readers of objects before; nothing of requests.
import type { Schema } from '#kube/api/schema/index.ts';
import type { Random } from '../random.ts';

const texts: readonly string[] = [
  'a',
  'b',
  'c',
  'default',
  'A_b',
  '',
  ' ',
  '-',
  '.',
  '..',
  '/',
  'a/b',
  'a.example.com/b',
  'x'.repeat(300),
  '\0',
  '\ud800',
  '\u{1f600}',
  '0',
  '1',
  '-1',
  '65536',
  '1Gi',
  '1e400',
  '100m',
  '-5k',
  '50%',
  '150%',
  '1h',
  '1h1h',
  '9999999999h',
  '10.0.0.1',
  '::1',
  '10.0.0.0/8',
  '::/0',
  '300.1.1.1',
  '*',
  '*.example.com',
  '*/5 * * * *',
  '@yearly',
  '61 * * * *',
  '(a+)+$',
  '[',
  '\\',
  '^/.*$',
  'self == oldSelf',
  'self.size() > 1 && has(self.a)',
  'object.spec',
  '[1,2].map(x, x*2)',
  '1/0 == 1',
  '((((',
  '{.spec.a}',
  '.spec[?(@.a)]',
  '$(A)',
  'true',
  'null',
  '2026-01-01T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '0000-00-00',
  'YQ==',
  'YQ',
  'TCP',
  'Always',
  'Exists',
  'In',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'status',
  'http',
  '80',
  'k=v',
  'a in (b,c)',
  '!a',
  'resourceVersion',
];

const numbers: readonly number[] = [
  0,
  1,
  2,
  -1,
  3,
  10,
  80,
  443,
  65535,
  65536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1.5,
  1e308,
];

/** Of no type in particular. */
function odd(random: Random): unknown {
  return random.of<() => unknown>([
    () => null,
    () => random.of(numbers),
    () => random.of(texts),
    () => random.once(2),
    () => [],
    () => ({}),
    () => [null],
    () => nested(1 + random.below(60)),
    () => JSON.parse(`{"__proto__":{"a":1},"constructor":{"prototype":{"b":2}}}`) as unknown,
    () => [[[[]]]],
    () => Array.from({ length: 200 }, () => random.of(texts)),
  ])();
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

interface Room {
  /** How many values there may be. */
  left: number;
  /** Whether about one value in thirty is of another type. */
  readonly wild: boolean;
}

/** What `schema` describes, and every third time with values that it does not allow. */
export function drawValue(
  schema: Schema | undefined,
  random: Random,
  room: Room = { left: 120, wild: random.once(3) },
): unknown {
  room.left -= 1;
  if (schema === undefined || (room.wild && random.once(30))) return odd(random);
  switch (schema.type) {
    case 'object':
      return objectOf(schema, random, room);
    case 'array':
      return Array.from({ length: room.left < 0 ? 0 : random.of([0, 1, 1, 1, 2, 3]) }, () =>
        drawValue(schema.items, random, room),
      );
    case 'integer':
      return room.wild && random.once(3) ? random.of(numbers) : random.below(100);
    case 'number':
      return random.of(numbers);
    case 'boolean':
      return random.once(2);
    case 'string':
      return textOf(schema, random);
    default:
      return schema.format === 'int-or-string' ? random.of([random.of(numbers), random.of(texts)]) : odd(random);
  }
}

function objectOf(schema: Schema, random: Random, room: Room): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  const names = Object.keys(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  // A few of many: what is rarely set must not be set rarely because there is so much of it.
  const share = Math.max(1, Math.ceil(names.length / 4));
  for (const name of names) {
    const kept = required.has(name) && !(room.wild && random.once(10));
    if (!kept && (room.left < 0 || !random.once(share))) continue;
    object[name] = drawValue(schema.properties?.[name], random, room);
  }
  if (schema.additionalProperties !== undefined) {
    for (let left = random.below(3); left > 0; left--) {
      set(object, random.of(texts), drawValue(schema.additionalProperties, random, room));
    }
  }
  if (room.wild && random.once(20)) set(object, random.of(texts), odd(random));
  return object;
}

function set(object: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function textOf(schema: Schema, random: Random): unknown {
  if (schema.enum !== undefined && !random.once(10)) return random.of(schema.enum);
  if (schema.format === 'date-time' && !random.once(4)) return '2026-01-01T00:00:00Z';
  if (schema.format === 'quantity' && !random.once(4)) return random.of(['1', '100m', '64Mi', '2Gi', '-1', '0']);
  return random.of(texts);
}
