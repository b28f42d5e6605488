// ip_hash: which clients move when targets come, go or change weight.
// Knows no point on the ring: only where clients end up counts.
import { describe, expect, it } from 'vitest';
import { describeHashing } from '../hashing/hashing.contract.ts';
import { createBalancer } from '../index.ts';
import { describePolicy, type FakeTarget, picked, request, targetsOf } from '../policy.contract.ts';

describePolicy('ip_hash', { type: 'ip_hash' });
describeHashing('ip_hash', { type: 'ip_hash' }, { needless: 0, scatter: 1 / 16 });

describe('ip_hash', () => {
  it('heeds the address alone, whatever key the request has', () => {
    const picker = createBalancer<FakeTarget>({ type: 'ip_hash' }, { random: () => 0 }).update(targetsOf(1, 1, 1, 1));
    const home = picked(picker, request(3));
    for (let key = 0; key < 50; key++) {
      expect(picked(picker, { ...request(3), hashKey: `user-${key}` })).toBe(home);
    }
  });
});
