// What becomes of addresses when Services go, pools change, and everything starts anew.
// Pure; who gets which address in the first place is allocator.cases.test.ts.
import { describe, expect, it } from 'vitest';
import { formatAddress } from '#lib/address-range.ts';
import { allocatorOf, claimFor, poolsOf, shown } from './testing.ts';

const small = { a: ['192.0.2.8/30'] };
const key = { sharingKey: 'k' };

describe('An address that was given back', () => {
  it('is given again last, the one longest free first', () => {
    const allocator = allocatorOf(small);
    for (const name of ['w', 'x', 'y']) allocator.settle(claimFor(name));
    allocator.release('default/x');
    allocator.release('default/w');
    const after = ['1', '2', '3', '4'].map((name) => shown(allocator.settle(claimFor(name))));
    expect(after).toEqual(['192.0.2.11', '192.0.2.9', '192.0.2.8', 'PoolExhausted']);
  });

  it('goes to the Service that had it, if that comes back in time', () => {
    const allocator = allocatorOf(small);
    for (const name of ['w', 'x']) allocator.settle(claimFor(name));
    allocator.release('default/w');
    expect(shown(allocator.settle(claimFor('y')))).toBe('192.0.2.10');
    expect(shown(allocator.settle(claimFor('w')))).toBe('192.0.2.8');
  });

  it('is not free while another shares it', () => {
    const allocator = allocatorOf({ a: ['192.0.2.1/32'] });
    allocator.settle(claimFor('x', key));
    allocator.settle(claimFor('y', { ...key, ports: ['TCP/81'] }));
    allocator.release('default/x');
    expect(shown(allocator.settle(claimFor('z')))).toBe('PoolExhausted');
    allocator.release('default/y');
    expect(shown(allocator.settle(claimFor('z')))).toBe('192.0.2.1');
  });
});

describe('When the pools change', () => {
  it('a Service keeps what another pool holds now', () => {
    const allocator = allocatorOf(small);
    allocator.settle(claimFor('x'));
    allocator.setPools(
      poolsOf({ z: { addresses: ['192.0.2.0/24'], avoidBuggyIPs: true, allocation: { namespaces: ['shop'] } } }),
    );
    const { addresses, refusal } = allocator.settle(claimFor('x'));
    expect(addresses.map(({ pool }) => pool?.name)).toEqual(['z']);
    expect(refusal).toBeUndefined();
  });

  it('a Service keeps what no pool holds any more, and is told so', () => {
    const allocator = allocatorOf(small);
    allocator.settle(claimFor('x'));
    allocator.setPools(poolsOf({ b: ['198.51.100.0/24'] }));
    const outcome = allocator.settle(claimFor('x'));
    expect(shown(outcome)).toBe('192.0.2.8');
    expect(outcome.refusal?.reason).toBe('StaleAddress');
    expect(outcome.addresses[0]?.pool).toBeUndefined();
    allocator.setPools([]);
    expect(shown(allocator.settle(claimFor('x')))).toBe('192.0.2.8');
    allocator.setPools(poolsOf(small));
    expect(allocator.settle(claimFor('x')).refusal).toBeUndefined();
    expect(shown(allocator.settle(claimFor('y')))).toBe('192.0.2.9');
  });

  it('nobody else gets an address that one keeps', () => {
    const allocator = allocatorOf(small);
    allocator.settle(claimFor('x'));
    allocator.setPools([]);
    allocator.setPools(poolsOf({ a: ['192.0.2.8/32'] }));
    expect(shown(allocator.settle(claimFor('y')))).toBe('PoolExhausted');
  });
});

describe('After a restart', () => {
  it('addresses are those of before, and of two who claim one the first has it', () => {
    const allocator = allocatorOf(small);
    const [address] = claimFor('x', { addresses: ['192.0.2.9'] }).addresses;
    if (address === undefined) throw new Error('No address');
    expect(allocator.adopt(claimFor('x'), [address])).toBeUndefined();
    expect(allocator.adopt(claimFor('y'), [address])?.reason).toBe('AddressInUse');
    expect(shown(allocator.settle(claimFor('y')))).toBe('192.0.2.8');
    expect(shown(allocator.settle(claimFor('x')))).toBe('192.0.2.9');
  });
});

describe('A Service that gives back', () => {
  it('says what, and why', () => {
    const allocator = allocatorOf(small);
    allocator.settle(claimFor('x'));
    const { given } = allocator.settle(claimFor('x', { addresses: ['192.0.2.10'] }));
    expect(given?.back.map(formatAddress)).toEqual(['192.0.2.8']);
    expect(given?.cause.message).toBe('The Service asks for 192.0.2.10 in place of 192.0.2.8');
  });

  it('has the words of its wish when that cannot be met', () => {
    const allocator = allocatorOf(small);
    allocator.settle(claimFor('x'));
    const { refusal } = allocator.settle(claimFor('x', { addresses: ['203.0.113.1'] }));
    expect(refusal).toEqual({
      reason: 'AddressNotInPool',
      message: '203.0.113.1 is in no pool; put it into an AddressPool or IPAddressPool, or ask for one that is',
    });
  });
});
