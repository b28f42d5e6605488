// Any text is either an expression or an issue, and any expression comes to an end: nothing throws and nothing hangs.
// Knows the grammar well enough to write expressions that nobody would.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readStructural } from '../custom/index.ts';
import { celValue, compileProgram, DYN, schemaType, type Type, type Value } from './index.ts';

const schema = readStructural({
  type: 'object',
  properties: {
    name: { type: 'string' },
    n: { type: 'integer' },
    list: { type: 'array', items: { type: 'string' } },
    map: { type: 'object', additionalProperties: { type: 'integer' } },
    any: { 'x-kubernetes-int-or-string': true },
  },
});
const selfType = schemaType(schema, true)?.type as Type;
const variables = new Map([
  ['self', selfType],
  ['dyn1', DYN],
]);

const words =
  `self . name n list map any dyn1 ( ) [ ] { } ? : , + - * / % ! && || == != < <= > >= in 1 2.5 3u 'a' "b" r'\\d' b'x' true false null
has size all exists exists_one map filter transformList startsWith matches contains split join format int string double duration timestamp
type dyn optional . of none orValue .? [? quantity ip cidr url isIP semver sets contains findAll x y -9223372036854775808 9223372036854775807
sum min max indexOf substring replace cel bind \``.split(/\s+/);

/** Expressions that are well formed, so that most of them run. */
const expression = fc.letrec<{ any: string; bool: string; text: string; whole: string; list: string }>((tie) => ({
  whole: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('self.n', '1', '-7', '9223372036854775807', 'dyn1.x', 'self.map.k', 'self.any'),
    tie('text').map((text) => `size(${text})`),
    tie('list').map((list) => `${list}.map(x, size(x)).sum()`),
    fc
      .tuple(tie('whole'), fc.constantFrom('+', '-', '*', '/', '%'), tie('whole'))
      .map((parts) => `(${parts.join(' ')})`),
    fc.tuple(tie('bool'), tie('whole'), tie('whole')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
  ),
  text: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('self.name', "'a'", "''", "'(a+)+$'", "'10.0.0.1'", 'dyn1.y', 'string(self.n)'),
    fc.tuple(tie('text'), tie('text')).map(([a, b]) => `(${a} + ${b})`),
    fc.tuple(tie('text'), tie('whole'), tie('whole')).map(([a, b, c]) => `${a}.substring(${b}, ${c})`),
    fc.tuple(tie('text'), tie('text'), tie('text')).map(([a, b, c]) => `${a}.replace(${b}, ${c})`),
    fc.tuple(tie('list'), tie('text')).map(([a, b]) => `${a}.join(${b})`),
    fc.tuple(tie('text'), tie('list')).map(([a, b]) => `${a}.format(${b})`),
  ),
  list: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('self.list', "['a', 'b']", 'dyn1.z', "[?self.?name, 'c']"),
    fc.tuple(tie('text'), tie('text')).map(([a, b]) => `${a}.split(${b})`),
    fc.tuple(tie('list'), tie('bool')).map(([a, b]) => `${a}.filter(x, ${b})`),
    fc.tuple(tie('list'), tie('text')).map(([a, b]) => `${a}.map(x, ${b})`),
    fc.tuple(tie('list'), tie('list')).map(([a, b]) => `(${a} + ${b})`),
  ),
  bool: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('true', 'false', 'has(self.name)', 'dyn1.b', "isIP('x')"),
    fc.tuple(tie('whole'), fc.constantFrom('<', '==', '>='), tie('whole')).map((parts) => `(${parts.join(' ')})`),
    fc
      .tuple(tie('text'), fc.constantFrom('matches', 'contains', 'startsWith'), tie('text'))
      .map(([a, f, b]) => `${a}.${f}(${b})`),
    fc
      .tuple(tie('list'), fc.constantFrom('all', 'exists', 'exists_one'), tie('bool'))
      .map(([a, f, b]) => `${a}.${f}(x, ${b})`),
    fc.tuple(tie('bool'), fc.constantFrom('&&', '||'), tie('bool')).map((parts) => `(${parts.join(' ')})`),
    tie('bool').map((each) => `!${each}`),
  ),
  any: fc.oneof(tie('bool'), tie('whole'), tie('text'), tie('list')),
})).any;

const self = { name: 'web', n: 3, list: ['a', 'bb'], map: { k: 1 }, any: '5%' };

function run(text: string, dynamic: unknown): void {
  const program = compileProgram(text, { variables, callLimit: 100_000 });
  if ('issue' in program) {
    expect(program.issue).toMatch(/^ERROR: <input>:\d+:\d+: /);
    return;
  }
  expect(program.cost.most).toBeGreaterThanOrEqual(program.cost.least);
  const given = new Map<string, Value>([
    ['self', celValue(self, selfType)],
    ['dyn1', celValue(dynamic, DYN)],
  ]);
  const outcome = program.evaluate(given);
  if ('error' in outcome) expect(outcome.error.message).not.toMatch(/undefined|not a function|of null/);
}

test('words in any order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...words), { maxLength: 25 }),
      fc.jsonValue({ maxDepth: 2 }),
      (parts, dynamic) => {
        run(parts.join(' '), dynamic);
        run(parts.join(''), dynamic);
      },
    ),
    { numRuns: 500 },
  );
}, 60_000);

test('any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => run(text, null)),
    { numRuns: 500 },
  );
}, 60_000);

test('expressions that are well formed', () => {
  fc.assert(
    fc.property(expression, fc.dictionary(fc.constantFrom('x', 'y', 'z', 'b'), fc.jsonValue({ maxDepth: 2 })), run),
    { numRuns: 500 },
  );
}, 60_000);
