// Label and field selectors: what they read, how they match, what they refuse.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  labelSelectorMatches,
  labelSelectorQuery,
  mapSelectorMatches,
  parseFieldSelector,
  parseLabelSelector,
} from './selector.ts';
import { StatusError } from './status.ts';

const web = { app: 'web', tier: 'front', version: '3' };

describe('label selector text', () => {
  test.each([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web , tier', true],
    ['app!=web', false],
    ['absent!=web', true],
    ['tier in (front, back)', true],
    ['tier notin (front,back)', false],
    ['absent notin (a)', true],
    ['app', true],
    ['!app', false],
    ['!absent', true],
    ['version>2,version<4', true],
    ['app>2', false],
    ['absent>2', false],
    ['app=', false],
    ['in in (in)', false],
    ['app in (in,notin,web)', true],
  ])('"%s" on the labels of web: %s', (text, matches) => {
    if (text.startsWith('in ')) expect(() => parseLabelSelector(text)).toThrow(StatusError);
    else expect(parseLabelSelector(text).matches(web)).toBe(matches);
  });

  test.each([
    ['app in web', "unable to parse requirement: found 'web' expected: '('"],
    ['app in (a b)', "unable to parse requirement: found 'b', expected: ',', or ')'"],
    ['app web', "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt"],
    ['app=(', "unable to parse requirement: found '(', expected: identifier"],
    ['!', "unable to parse requirement: found '', expected: identifier"],
    ['app,', "found '', expected: identifier after ','"],
    ['app=a b', "found 'b', expected: ',' or 'end of string'"],
    [',app', "found ',', expected: !, identifier, or 'end of string'"],
  ])('"%s" is refused with upstream’s words', (text, message) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ code: 400, message }));
  });

  test('keys, values and limits must be possible', () => {
    expect(() => parseLabelSelector('-a=b')).toThrow(/key: Invalid value: "-a": name part must consist of/);
    expect(() => parseLabelSelector('a/b/c')).toThrow(
      /key: Invalid value: "a\/b\/c": a qualified name must consist of/,
    );
    expect(() => parseLabelSelector('Ab/c')).toThrow(/prefix part a lowercase RFC 1123 subdomain/);
    expect(() => parseLabelSelector('a=-b')).toThrow(/values\[0\]\[a\]: Invalid value: "-b": a valid label must be/);
    expect(() => parseLabelSelector(`a=${'x'.repeat(64)}`)).toThrow(/must be no more than 63 bytes/);
    expect(() => parseLabelSelector('a>b')).toThrow(/the value must be an integer/);
  });

  const key = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/).filter((text) => text !== 'in' && text !== 'notin');
  const value = fc.stringMatching(/^([A-Za-z0-9]([A-Za-z0-9._-]{0,6}[A-Za-z0-9])?)?$/);
  const term = fc.oneof(
    key,
    key.map((name) => `!${name}`),
    fc.tuple(key, fc.constantFrom('=', '==', '!='), value).map((parts) => parts.join('')),
    fc
      .tuple(key, fc.constantFrom('in', 'notin'), fc.uniqueArray(value, { minLength: 1, maxLength: 4 }))
      .map(([name, operator, values]) => `${name} ${operator} (${values.join(',')})`),
  );

  test('prints as text that selects the same', () => {
    const labels = fc.dictionary(key, value, { maxKeys: 5 });
    fc.assert(
      fc.property(fc.array(term, { maxLength: 5 }), labels, (terms, given) => {
        const query = parseLabelSelector(terms.join(','));
        const again = parseLabelSelector(query.toString());
        expect(again.toString()).toBe(query.toString());
        expect(again.matches(given)).toBe(query.matches(given));
      }),
    );
  });

  test('any text reads, or is refused as a bad request', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[ab!=(),<> in]{0,20}$/)), (text) => {
        try {
          parseLabelSelector(text).matches(web);
        } catch (error) {
          expect(error).toMatchObject({ code: 400 });
        }
      }),
    );
  });
});

describe('LabelSelector objects', () => {
  test('an empty selector selects everything, an absent one nothing', () => {
    expect(labelSelectorMatches({}, undefined)).toBe(true);
    expect(labelSelectorMatches(undefined, web)).toBe(false);
  });

  test('all conditions must hold', () => {
    const matchExpressions = [
      { key: 'tier', operator: 'In', values: ['front'] },
      { key: 'version', operator: 'Exists' },
      { key: 'old', operator: 'DoesNotExist' },
      { key: 'app', operator: 'NotIn', values: ['api'] },
    ];
    const selector = { matchLabels: { app: 'web' }, matchExpressions };
    expect(labelSelectorMatches(selector, web)).toBe(true);
    expect(labelSelectorMatches(selector, { ...web, old: '' })).toBe(false);
    expect(String(labelSelectorQuery(selector))).toBe('app=web,app notin (api),!old,tier in (front),version');
  });

  test('an unknown operator is named', () => {
    const selector = { matchExpressions: [{ key: 'a', operator: 'Near' }] };
    expect(() => labelSelectorQuery(selector)).toThrow('"Near" is not a valid label selector operator');
  });

  test('labels that an object inherits are none', () => {
    expect(labelSelectorMatches({ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, {})).toBe(false);
  });
});

test('a plain map selector that is empty selects nothing', () => {
  expect(mapSelectorMatches({}, web)).toBe(false);
  expect(mapSelectorMatches(undefined, web)).toBe(false);
  expect(mapSelectorMatches({ app: 'web' }, web)).toBe(true);
  expect(mapSelectorMatches({ app: 'web', tier: 'back' }, web)).toBe(false);
});

describe('field selector text', () => {
  const fields: Readonly<Record<string, string>> = { 'metadata.name': 'web', 'spec.nodeName': 'a' };
  const read = (field: string): string | undefined => fields[field];

  test.each([
    ['', true],
    ['metadata.name=web', true],
    ['metadata.name==web,spec.nodeName=a', true],
    ['metadata.name!=web', false],
    ['status.phase=', true],
    ['status.phase!=Failed', true],
  ])('"%s" matches: %s', (text, matches) => {
    expect(parseFieldSelector(text).matches(read)).toBe(matches);
  });

  test('values escape what separates', () => {
    expect(parseFieldSelector('a=x\\,y\\=z\\\\').requirements).toEqual([
      { field: 'a', operator: '=', value: 'x,y=z\\' },
    ]);
    expect(() => parseFieldSelector('a=x\\y')).toThrow('invalid field selector: invalid escape sequence: \\y');
    expect(() => parseFieldSelector('a=x=y')).toThrow('invalid field selector: unescaped character in value: =');
  });

  test('a term without an operator is refused', () => {
    expect(() => parseFieldSelector('metadata.name')).toThrow(
      "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
    );
  });

  test('any value survives printing', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('=', '!='), (value, operator) => {
        const text = `a${operator}${value.replace(/[\\,=]/g, '\\$&')}`;
        const query = parseFieldSelector(text);
        expect(query.requirements).toEqual([{ field: 'a', operator, value }]);
        expect(parseFieldSelector(query.toString())).toEqual(query);
      }),
    );
  });
});
