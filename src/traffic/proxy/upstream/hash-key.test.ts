// What a hashing policy hashes of a request, by what its cluster asks for.
import { expect, it } from 'vitest';
import type { HashPolicy } from '#traffic/model/ir.ts';
import { cookieOf, hashKeyOf } from './hash-key.ts';

const request = {
  method: 'GET',
  header: (name: string) => ({ 'x-user': 'ann', cookie: 'a=1; shop=s%201; shop=2' })[name],
  query: (name: string) => ({ user: 'bob' })[name],
};

it.each<[HashPolicy | undefined, string]>([
  [undefined, ''],
  [{ type: 'source_ip' }, '192.0.2.1'],
  [{ type: 'header', name: 'x-user' }, 'ann'],
  [{ type: 'header', name: 'x-other' }, ''],
  [{ type: 'cookie', name: 'shop' }, 's%201'],
  [{ type: 'cookie', name: 'sho' }, ''],
  [{ type: 'query', name: 'user' }, 'bob'],
])('%j hashes "%s"', (policy, expected) => {
  expect(hashKeyOf(policy, request, '192.0.2.1')).toBe(expected);
});

it.each([
  ['', undefined],
  ['shop', undefined],
  ['shop=', ''],
  [' other=1 ;  shop = x=y ', 'x=y'],
  ['a=1, shop=2', '2'],
])('in "%s" the cookie is %j', (header, expected) => {
  expect(cookieOf(header, 'shop')).toBe(expected);
});
