// Addresses of pods and names of images: small rules with sharp edges.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resolveImage } from '../images.ts';
import { AddressPool } from './address-pool.ts';

describe('AddressPool', () => {
  test('begins at the second address and never gives the last', () => {
    const pool = new AddressPool('127.244.3.0/29');
    const given = ['a', 'b', 'c', 'd', 'e'].map((owner) => pool.acquire(owner));
    expect(given).toEqual(['127.244.3.2', '127.244.3.3', '127.244.3.4', '127.244.3.5', '127.244.3.6']);
    expect(() => pool.acquire('f')).toThrow('All 5 pod addresses of the node are in use');
  });

  test('an owner keeps its address, and a freed one rests until all others were given', () => {
    const pool = new AddressPool('127.244.0.0/29');
    expect(pool.acquire('a')).toBe('127.244.0.2');
    expect(pool.acquire('a')).toBe('127.244.0.2');
    pool.release('a');
    expect(['b', 'c', 'd', 'e', 'f'].map((owner) => pool.acquire(owner)).at(-1)).toBe('127.244.0.2');
  });

  test('no two owners ever hold the same address', () => {
    const step = fc.record({ owner: fc.integer({ min: 0, max: 9 }), take: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const pool = new AddressPool('10.0.0.0/28');
        const held = new Map<string, string>();
        for (const { owner, take } of steps) {
          const name = String(owner);
          if (take) held.set(name, pool.acquire(name));
          else {
            pool.release(name);
            held.delete(name);
          }
          expect(new Set(held.values()).size).toBe(held.size);
        }
      }),
    );
  });

  test('gives addresses of IPv6 ranges, in the form that others write them', () => {
    const pool = new AddressPool('fd00:10:244:0001::/64');
    expect([pool.cidr, pool.gateway, pool.family]).toEqual(['fd00:10:244:1::/64', 'fd00:10:244:1::1', 6]);
    expect([pool.acquire('a'), pool.acquire('b')]).toEqual(['fd00:10:244:1::2', 'fd00:10:244:1::3']);
  });

  test('holds what an earlier run gave, and nothing that is not its own', () => {
    const pool = new AddressPool('10.0.0.0/29');
    expect(pool.hold('a', '10.0.0.3')).toBe(true);
    expect(pool.hold('a', '10.0.0.3')).toBe(true);
    expect(pool.acquire('a')).toBe('10.0.0.3');
    for (const address of ['10.0.0.3', '10.0.0.1', '10.0.0.7', '10.0.1.2', 'fd00::3', 'x']) {
      expect(pool.hold('b', address)).toBe(false);
    }
    expect(['b', 'c', 'd', 'e'].map((owner) => pool.acquire(owner))).toEqual([
      '10.0.0.4',
      '10.0.0.5',
      '10.0.0.6',
      '10.0.0.2',
    ]);
  });

  test.each(['127.244.0.0', '127.244.0.0/31', '300.0.0.0/24', '10/8', 'fd00::/127', ''])('refuses "%s"', (cidr) => {
    expect(() => new AddressPool(cidr)).toThrow(`Pod range "${cidr}"`);
  });
});

describe('resolveImage()', () => {
  const images = {
    'shop/cart': { command: ['cart'] },
    'shop/cart:2': { command: ['cart-2'] },
    'host:5000/app': { command: ['app'] },
    nginx: { command: ['nginx'] },
    'latest:latest': { command: ['latest'] },
  };
  test.each([
    ['shop/cart', 'cart'],
    ['shop/cart:1.0', 'cart'],
    ['shop/cart:2', 'cart-2'],
    ['shop/cart:2@sha256:abc', 'cart-2'],
    ['host:5000/app:v1', 'app'],
    ['registry.example/library/nginx:1.27', 'nginx'],
    ['registry.example:5000/shop/cart:2', 'cart-2'],
    ['latest', 'latest'],
    ['other/cart', undefined],
    ['toString', undefined],
  ])('%s', (name, program) => {
    expect(resolveImage(images, name)?.command[0]).toBe(program);
  });
});
