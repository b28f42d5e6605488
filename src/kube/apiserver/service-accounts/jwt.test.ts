// Tokens as texts: what was signed is read back, and nothing else is.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSigningKey, JwtKey } from './jwt.ts';

const key = new JwtKey(createSigningKey());

test('claims come back as they were signed', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (claims) => {
      const read = key.read(key.sign(claims));
      expect(read).toEqual(JSON.parse(JSON.stringify(claims)));
    }),
    { numRuns: 30 },
  );
});

test('a changed token is none', () => {
  const token = key.sign({ sub: 'a' });
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.constantFrom('A', 'B', '.', '-', ''), (at, character) => {
      const changed = token.slice(0, at) + character + token.slice(at + 1);
      // The last characters of base64 may hold bits that mean nothing.
      fc.pre(changed !== token && at < token.length - 2);
      expect(key.read(changed)).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

test('any text is read without an error', () => {
  fc.assert(fc.property(fc.string(), (text) => key.read(text) === undefined));
  const parts = fc.tuple(fc.base64String(), fc.base64String(), fc.base64String());
  fc.assert(fc.property(parts, (texts) => key.read(texts.join('.')) === undefined));
});

test('tokens of another key, without signature or of another algorithm are none', () => {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const [, body = '', signature = ''] = key.sign({ sub: 'a' }).split('.');
  expect(new JwtKey(createSigningKey()).read(key.sign({ sub: 'a' }))).toBeUndefined();
  expect(key.read(`${encode({ alg: 'none' })}.${body}.`)).toBeUndefined();
  expect(key.read(`${encode({ alg: 'HS256', kid: key.id })}.${body}.${signature}`)).toBeUndefined();
});

test('the key is described without its secret', () => {
  expect(Object.keys(key.jwk()).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
});
