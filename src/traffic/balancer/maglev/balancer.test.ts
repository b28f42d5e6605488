// maglev: what it promises of keys, and its settings.
// Knows no entry of the table: only where keys end up counts.
import { describe, expect, it } from 'vitest';
import { describeBoundedLoad, describeHashing } from '../hashing/hashing.contract.ts';
import { createBalancer, policies } from '../index.ts';
import { describePolicy, type FakeTarget, picked, request, targetsOf } from '../policy.contract.ts';

const config = policies.maglev.parse({});
/** A table that is quickly built: the contract does so thousands of times. */
const small = policies.maglev.parse({ tableSize: 1009 });
const bounded = policies.maglev.parse({ tableSize: 1009, hashBalanceFactor: 125 });

describePolicy('maglev', small);
describePolicy('maglev with bounded loads', bounded);
describeHashing('maglev', config, { needless: 0.02, scatter: 0.001 }, (key) => ({
  ...request(),
  hashKey: `user-${key}`,
}));
describeBoundedLoad('maglev', bounded);

describe('maglev', () => {
  it('hashes the key of the request, and the address when there is none', () => {
    const picker = createBalancer<FakeTarget>(config, { random: () => 0 }).update(targetsOf(1, 1, 1, 1));
    const ofKey = Array.from({ length: 50 }, (_, client) => picked(picker, { ...request(client), hashKey: 'one' }));
    expect(new Set(ofKey).size).toBe(1);
    const ofAddress = Array.from({ length: 50 }, (_, client) => picked(picker, request(client)));
    expect(new Set(ofAddress).size).toBe(4);
  });

  it('still retries on every other target when the table is too small for the fleet', () => {
    const tiny = policies.maglev.parse({ tableSize: 3 });
    const targets = targetsOf(1, 1, 1, 1, 1);
    const picker = createBalancer<FakeTarget>(tiny, { random: () => 0 }).update(targets);
    const tried: FakeTarget[] = [];
    while (tried.length < 5) tried.push(picked(picker, request(1, tried)));
    expect(new Set(tried).size).toBe(5);
  });

  it.each([
    [{ tableSize: 65_536 }, /"tableSize".*"65536": use a prime, as 65537/],
    [{ tableSize: 2 }, /"tableSize".*"2": use a whole number from 3 to 5000011/],
    [{ hashBalanceFactor: 50 }, /"hashBalanceFactor"/],
  ])('refuses %j', (settings, message) => {
    expect(() => policies.maglev.parse(settings)).toThrow(message);
  });
});
