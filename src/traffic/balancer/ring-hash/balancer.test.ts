// ring_hash: what it promises of keys, its settings, and that a target's stand-in is known beforehand.
// Knows no point on the ring: only where keys end up counts.
import { describe, expect, it } from 'vitest';
import { describeBoundedLoad, describeHashing } from '../hashing/hashing.contract.ts';
import { createBalancer, policies } from '../index.ts';
import { describePolicy, type FakeTarget, picked, request, targetsOf } from '../policy.contract.ts';

const config = policies.ring_hash.parse({});
const bounded = policies.ring_hash.parse({ hashBalanceFactor: 125 });

describePolicy('ring_hash', config);
describePolicy('ring_hash with bounded loads', bounded);
describeHashing('ring_hash', config, { needless: 0, scatter: 1 / 16 }, (key) => ({
  ...request(),
  hashKey: `user-${key}`,
}));
describeBoundedLoad('ring_hash', bounded);

function ringOf(targets: readonly FakeTarget[]) {
  return createBalancer<FakeTarget>(config, { random: () => 0 }).update(targets);
}

describe('ring_hash', () => {
  it('hashes the key of the request, and the address when there is none', () => {
    const picker = ringOf(targetsOf(1, 1, 1, 1));
    const ofKey = Array.from({ length: 50 }, (_, client) => picked(picker, { ...request(client), hashKey: 'one' }));
    expect(new Set(ofKey).size).toBe(1);
    const ofAddress = Array.from({ length: 50 }, (_, client) => picked(picker, request(client)));
    expect(new Set(ofAddress).size).toBe(4);
  });

  it('retries where the key would go if the target were gone, so that caches there are warm', () => {
    const targets = targetsOf(1, 1, 1, 1, 1);
    const picker = ringOf(targets);
    for (let client = 0; client < 200; client++) {
      const first = picked(picker, request(client));
      const heir = picked(ringOf(targets.filter((target) => target !== first)), request(client));
      expect(picked(picker, request(client, [first]))).toBe(heir);
    }
  });

  it('fits any fleet into its maximum size, with a point for everybody', () => {
    const small = policies.ring_hash.parse({ maximumSize: 100 });
    const targets = targetsOf(...new Array<number>(90).fill(1), 50);
    const picker = createBalancer<FakeTarget>(small, { random: () => 0 }).update(targets);
    const seen = new Set(Array.from({ length: 20_000 }, (_, client) => picked(picker, request(client))));
    expect(seen.size).toBeGreaterThan(80);
  });

  it.each([
    [{ pointsPerEndpoint: 0 }, /"pointsPerEndpoint".*"0": use a whole number from 1 to 65536/],
    [{ maximumSize: 2.5 }, /"maximumSize".*"2.5": use a whole number from 1/],
    [{ hashBalanceFactor: 99 }, /"hashBalanceFactor".*"99": use a number from 100/],
    [{ hashBalanceFactor: '125' }, /"hashBalanceFactor"/],
  ])('refuses %j', (settings, message) => {
    expect(() => policies.ring_hash.parse(settings)).toThrow(message);
  });
});
