// ip_hash: which clients move when targets come, go or change weight.
// Knows no score: only where clients end up counts.
import { describe, expect, it } from 'vitest';
import { createBalancer } from '../index.ts';
import { describePolicy, type FakeTarget, picked, request, targetsOf } from '../policy.contract.ts';

describePolicy('ip_hash', { type: 'ip_hash' });

const CLIENTS = 2000;

function homes(targets: readonly FakeTarget[]): FakeTarget[] {
  const picker = createBalancer<FakeTarget>({ type: 'ip_hash' }, { random: () => 0 }).update(targets);
  return Array.from({ length: CLIENTS }, (_, client) => picked(picker, request(client)));
}

describe('ip_hash', () => {
  it('moves only the clients of a target that goes, and spreads them over all others', () => {
    const targets = targetsOf(1, 1, 1, 1, 1);
    const before = homes(targets);
    const after = homes(targets.slice(1));
    const moved = new Map<FakeTarget | undefined, number>();
    for (const [client, home] of before.entries()) {
      if (home !== targets[0]) expect(after[client]).toBe(home);
      else moved.set(after[client], (moved.get(after[client]) ?? 0) + 1);
    }
    expect(moved.size).toBe(4);
  });

  it('moves clients only to a target that comes', () => {
    const targets = targetsOf(1, 1, 1, 1);
    const before = homes(targets.slice(1));
    const after = homes(targets);
    const moved = after.filter((home, client) => home !== before[client]);
    expect(new Set(moved)).toEqual(new Set(targets.slice(0, 1)));
    expect(Math.abs(moved.length / CLIENTS - 1 / 4)).toBeLessThan(0.05);
  });

  it('does not depend on the order of the targets', () => {
    const targets = targetsOf(1, 1, 1, 1);
    expect(homes([...targets].reverse())).toEqual(homes(targets));
  });

  it('moves clients only towards a target that gains weight', () => {
    const targets = targetsOf(1, 1, 1);
    const before = homes(targets);
    Object.assign(targets[2] ?? {}, { weight: 3 });
    for (const [client, home] of homes(targets).entries()) {
      if (home !== targets[2]) expect(home).toBe(before[client]);
    }
  });
});
