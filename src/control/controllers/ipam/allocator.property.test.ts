// Whatever happens in whatever order: no two Services clash, nothing leaves a pool unasked, and all of it is repeatable.
// Pure; random histories of Services and pools.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Address, type Family, formatAddress } from '#lib/address-range.ts';
import { offers } from '#traffic/model/pools/pool.ts';
import { Allocator, type Outcome } from './allocator.ts';
import type { Claim } from './claim.ts';
import { claimFor, type PoolGiven, poolsOf, shown } from './testing.ts';

const texts = ['192.0.2.0', '192.0.2.1', '192.0.2.2', '192.0.2.5', 'fd00::1', 'fd00::2'];
const claims: fc.Arbitrary<Claim> = fc
  .record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    families: fc.constantFrom<readonly Family[]>([4], [6], [4, 6], [6, 4]),
    needsAll: fc.boolean(),
    ports: fc.subarray(['TCP/80', 'UDP/80', 'TCP/443'], { minLength: 1 }),
    sharingKey: fc.constantFrom('', '', 'k', 'l'),
    backends: fc.constantFrom('Cluster', 'Cluster', 'Local:app=x'),
    labels: fc.constantFrom<Record<string, string>>({}, { tier: 'web' }),
    pool: fc.constantFrom(undefined, undefined, undefined, 'p', 'q'),
    wish: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.subarray(texts, { maxLength: 1 }) },
    ),
  })
  .map(({ name, pool, wish, families, ...rest }) => {
    const addresses = [...wish].filter((text) => families.includes(text.includes(':') ? 6 : 4));
    return claimFor(name, { ...rest, families, addresses, ...(pool === undefined ? {} : { pool }) });
  });

const configurations: readonly Readonly<Record<string, PoolGiven>>[] = [
  {},
  { p: ['192.0.2.0/30'] },
  { p: ['192.0.2.0/30', 'fd00::/126'] },
  { p: ['192.0.2.0/31'], q: ['192.0.2.2/31', 'fd00::/127'] },
  {
    p: { addresses: ['192.0.2.0-192.0.2.2'], avoidBuggyIPs: true },
    q: { addresses: ['fd00::/127'], autoAssign: false },
  },
  {
    q: {
      addresses: ['192.0.2.0/29'],
      allocation: { priority: 1, serviceSelectors: [{ matchLabels: { tier: 'web' } }] },
    },
  },
];

type Step =
  | { readonly do: 'settle'; readonly claim: Claim }
  | { readonly do: 'release'; readonly key: string }
  | { readonly do: 'pools'; readonly at: number };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: claims.map((claim): Step => ({ do: 'settle', claim })) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('a', 'b', 'c').map((name): Step => ({ do: 'release', key: `default/${name}` })),
    },
    { weight: 1, arbitrary: fc.nat(configurations.length - 1).map((at): Step => ({ do: 'pools', at })) },
  ),
  { maxLength: 60 },
);

interface Seen {
  readonly claim: Claim;
  readonly addresses: readonly Address[];
}

class History {
  readonly allocator = new Allocator();
  readonly seen = new Map<string, Seen>();
  readonly outcomes: string[] = [];

  take(step: Step): Outcome | undefined {
    if (step.do === 'pools') this.allocator.setPools(poolsOf(configurations[step.at] ?? {}));
    if (step.do === 'release') {
      this.allocator.release(step.key);
      this.seen.delete(step.key);
    }
    if (step.do !== 'settle') return undefined;
    const outcome = this.allocator.settle(step.claim);
    this.outcomes.push(`${step.claim.key} ${shown(outcome)} ${outcome.refusal?.message}`);
    this.seen.set(step.claim.key, { claim: step.claim, addresses: outcome.addresses.map(({ address }) => address) });
    return outcome;
  }
}

function play(
  list: readonly Step[],
  check: (history: History, step: Step, outcome: Outcome | undefined) => void,
): History {
  const history = new History();
  history.take({ do: 'pools', at: 2 });
  for (const step of list) check(history, step, history.take(step));
  return history;
}

describe('Whatever happens', () => {
  it('no two Services have one address unless they may share it', () => {
    fc.assert(
      fc.property(steps, (list) => {
        play(list, ({ seen }) => {
          const all = [...seen.values()].flatMap(({ claim, addresses }) =>
            addresses.map((address) => ({ claim, text: formatAddress(address) })),
          );
          for (const [at, one] of all.entries()) {
            for (const other of all.slice(at + 1)) {
              if (one.text !== other.text || one.claim.key === other.claim.key) continue;
              expect(one.claim.sharingKey).not.toBe('');
              expect(other.claim.sharingKey).toBe(one.claim.sharingKey);
              expect(other.claim.backends).toBe(one.claim.backends);
              expect(one.claim.ports.filter((port) => other.claim.ports.includes(port))).toEqual([]);
            }
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  it('what is newly given is of a pool that offers it, of the right families, and what was asked for', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const before = new Map<string, readonly string[]>();
        play(list, ({ allocator }, step, outcome) => {
          if (step.do === 'release') before.delete(step.key);
          if (step.do !== 'settle' || outcome === undefined) return;
          const { claim } = step;
          const kept = before.get(claim.key) ?? [];
          const now = outcome.addresses.map(({ address }) => formatAddress(address));
          before.set(claim.key, now);
          expect(new Set(outcome.addresses.map(({ address }) => address.family)).size).toBe(now.length);
          for (const { address, pool } of outcome.addresses) {
            expect(claim.families).toContain(address.family);
            if (kept.includes(formatAddress(address))) continue;
            expect(pool !== undefined && offers(pool, address)).toBe(true);
            expect(allocator.pools).toContain(pool);
            if (claim.pool !== undefined) expect(pool?.name).toBe(claim.pool);
          }
          const fresh = now.length > 0 && now.every((text) => !kept.includes(text));
          if (fresh && claim.addresses.length > 0) expect(now).toEqual(claim.addresses.map(formatAddress));
          if (kept.length === 0 && claim.needsAll && claim.addresses.length === 0 && now.length > 0) {
            expect(now.length).toBe(claim.families.length);
          }
          if (now.length === 0) expect(outcome.refusal).toBeDefined();
        });
      }),
      { numRuns: 300 },
    );
  });

  it('asking again changes nothing', () => {
    fc.assert(
      fc.property(steps, (list) => {
        play(list, ({ allocator }, step, outcome) => {
          if (step.do !== 'settle' || outcome === undefined) return;
          const again = allocator.settle(step.claim);
          expect(shown(again)).toBe(shown(outcome));
          expect(again.given).toBeUndefined();
        });
      }),
      { numRuns: 200 },
    );
  });

  it('the same history gives the same addresses', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const one = play(list, () => {});
        expect(play(list, () => {}).outcomes).toEqual(one.outcomes);
      }),
      { numRuns: 100 },
    );
  });

  it('a change of pools takes nothing from anybody', () => {
    fc.assert(
      fc.property(steps, fc.array(fc.nat(configurations.length - 1), { minLength: 1 }), (list, changes) => {
        const history = play(list, () => {});
        // As each asked last, after all the others have.
        for (const { claim } of history.seen.values()) history.take({ do: 'settle', claim });
        const before = new Map([...history.seen].map(([name, { addresses }]) => [name, addresses.map(formatAddress)]));
        for (const at of changes) history.take({ do: 'pools', at });
        for (const [name, { claim }] of history.seen) {
          if (claim.addresses.length > 0 || claim.pool !== undefined) continue;
          const after = history.allocator.settle(claim).addresses.map(({ address }) => formatAddress(address));
          for (const text of before.get(name) ?? []) expect(after).toContain(text);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('a restart in any order finds everybody where they were', () => {
    fc.assert(
      fc.property(steps, fc.infiniteStream(fc.nat()), (list, ranks) => {
        const history = play(list, () => {});
        for (const { claim } of history.seen.values()) history.take({ do: 'settle', claim });
        const restarted = new Allocator();
        restarted.setPools(history.allocator.pools);
        const order = [...history.seen.values()].map((one) => ({ one, rank: ranks.next().value ?? 0 }));
        order.sort((a, b) => a.rank - b.rank);
        for (const { one } of order) expect(restarted.adopt(one.claim, one.addresses)).toBeUndefined();
        for (const { one } of order) {
          if (one.addresses.length === 0) continue;
          const after = restarted.settle(one.claim).addresses.map(({ address }) => formatAddress(address));
          for (const address of one.addresses) expect(after).toContain(formatAddress(address));
        }
      }),
      { numRuns: 200 },
    );
  });
});
