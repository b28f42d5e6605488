// Quantities: reading, canonical text, exact arithmetic.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addQuantities, compareQuantities, formatQuantity, parseQuantity, Quantity } from './quantity.ts';

const canonical: readonly (readonly [text: string, printed: string])[] = [
  ['0', '0'],
  ['0Gi', '0'],
  ['100m', '100m'],
  ['1000m', '1'],
  ['0.5', '500m'],
  ['.5', '500m'],
  ['1.', '1'],
  ['+3', '3'],
  ['-1.5', '-1500m'],
  ['007', '7'],
  ['5000', '5k'],
  ['1500k', '1500k'],
  ['1000000', '1M'],
  ['1E', '1E'],
  ['12e6', '12e6'],
  ['1e3', '1e3'],
  ['1E2', '100'],
  ['5e-3', '5e-3'],
  ['1024Mi', '1Gi'],
  ['1.5Gi', '1536Mi'],
  ['1023', '1023'],
  ['1000Ki', '1000Ki'],
  ['0.5Ki', '512'],
  ['0.1Ki', '102400m'],
  ['1Ei', '1Ei'],
  ['1n', '1n'],
  ['0.1n', '1n'],
  ['-0.1n', '-1n'],
  ['1u', '1u'],
  ['10000Ei', '9223372036854775807'],
];

test.each(canonical)('%s is printed as %s', (text, printed) => {
  expect(formatQuantity(parseQuantity(text))).toBe(printed);
});

const wrongForm = /^quantities must match the regular expression/;

test.each([
  ['', wrongForm],
  ['one', wrongForm],
  ['1 Gi', wrongForm],
  ['1Gi ', wrongForm],
  ['1,5', wrongForm],
  ['1_0', wrongForm],
  ['1'.repeat(1000), wrongForm],
  ['1Gib', wrongForm],
  ['1KiB', wrongForm],
  ['M', /^unable to parse numeric part of quantity$/],
  ['.', /^unable to parse numeric part of quantity$/],
  ['--1', /^unable to parse quantity's suffix$/],
  ['1K', /^unable to parse quantity's suffix$/],
  ['1e', /^unable to parse quantity's suffix$/],
  ['1mm', /^unable to parse quantity's suffix$/],
])('"%s" is refused', (text, message) => {
  expect(() => parseQuantity(text)).toThrow(message);
});

test('value() and milli() round away from zero', () => {
  expect(parseQuantity('1500m').value()).toBe(2);
  expect(parseQuantity('-1500m').value()).toBe(-2);
  expect(parseQuantity('250m').milli()).toBe(250);
  expect(parseQuantity('1u').milli()).toBe(1);
  expect(parseQuantity('2Gi').value()).toBe(2 ** 31);
  expect(parseQuantity('1500m').toNumber()).toBe(1.5);
});

test('adding keeps the form of the first amount that is not zero', () => {
  expect(String(parseQuantity('0').add(parseQuantity('1Gi')))).toBe('1Gi');
  expect(String(addQuantities(parseQuantity('512Mi'), parseQuantity('512Mi')))).toBe('1Gi');
  expect(String(addQuantities())).toBe('0');
});

describe('any quantity', () => {
  const suffixes = [
    '',
    'n',
    'u',
    'm',
    'k',
    'M',
    'G',
    'T',
    'P',
    'E',
    'Ki',
    'Mi',
    'Gi',
    'Ti',
    'Pi',
    'Ei',
    'e3',
    'E-2',
    'e+1',
  ];
  const written = fc
    .tuple(fc.constantFrom('', '+', '-'), fc.nat(999_999), fc.option(fc.nat(9999)), fc.constantFrom(...suffixes))
    .map(([sign, whole, fraction, suffix]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${suffix}`);

  test('prints as text that reads back as the same amount, and prints the same again', () => {
    fc.assert(
      fc.property(written, (text) => {
        const first = parseQuantity(text);
        const second = parseQuantity(first.toString());
        expect(second.nanos).toBe(first.nanos);
        expect(second.toString()).toBe(first.toString());
      }),
    );
  });

  test('is ordered as its exact amount, and addition undoes subtraction', () => {
    fc.assert(
      fc.property(written, written, (left, right) => {
        const [a, b] = [parseQuantity(left), parseQuantity(right)];
        expect(Math.sign(compareQuantities(a, b))).toBe(a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0);
        expect(a.subtract(b).add(b).nanos).toBe(a.nanos);
      }),
    );
  });

  test('reads or is refused with an Error, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+]?[0-9.]*[a-zA-Z]{0,3}[-+]?[0-9]{0,30}$/)), (text) => {
        try {
          expect(parseQuantity(text)).toBeInstanceOf(Quantity);
        } catch (error) {
          expect((error as Error).message).toMatch(/quantit/);
        }
      }),
    );
  });
});
