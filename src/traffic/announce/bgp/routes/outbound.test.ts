// What a peer is told adds up to what is wanted, whatever is wanted in between; and nothing is told twice.
// The peer is a table that does what the messages say.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMessage, MAX_LENGTH } from '../wire/codec.ts';
import type { Family } from '../wire/family.ts';
import type { UpdateMessage } from '../wire/message.ts';
import { type Announcement, readAnnouncement, routesByPeer } from './announcement.ts';
import { present, type Terms } from './attributes.ts';
import { Outbound } from './outbound.ts';

const terms: Terms = {
  localAs: 64512,
  ibgp: true,
  fourOctetAs: true,
  families: new Set<Family>(['ipv4', 'ipv6']),
  nextHops: { ipv4: ['192.0.2.1'], ipv6: ['2001:db8::1', 'fe80::1'] },
};

/** What a router knows after these messages: prefix to its attributes. */
class Table {
  readonly routes = new Map<string, string>();
  messages = 0;
  ends = 0;

  take(updates: readonly UpdateMessage[]): void {
    for (const update of updates) {
      expect(encodeMessage(update, terms).length).toBeLessThanOrEqual(MAX_LENGTH);
      this.messages++;
      const { mpReach, mpUnreach, ...rest } = update.attributes;
      const gone = [...update.withdrawn, ...(mpUnreach?.prefixes ?? [])];
      const here = [...update.announced, ...(mpReach?.prefixes ?? [])];
      if (gone.length + here.length === 0) this.ends++;
      for (const prefix of gone) expect(this.routes.delete(prefix)).toBe(true);
      for (const prefix of here) this.routes.set(prefix, JSON.stringify([rest, mpReach?.nextHops]));
    }
  }
}

const prefix = fc.oneof(
  fc.integer({ min: 0, max: 400 }).map((n) => `10.0.${n >> 8}.${n & 255}/32`),
  fc.integer({ min: 1, max: 400 }).map((n) => `2001:db8:1::${n.toString(16)}/128`),
);
const announcement: fc.Arbitrary<Announcement> = fc.record(
  {
    prefix,
    localPref: fc.integer({ min: 0, max: 3 }),
    communities: fc.subarray(['64512:1', '64512:2', 'no-export', '64512:1:2']),
  },
  { requiredKeys: ['prefix'] },
);
const wish = fc.uniqueArray(announcement, { selector: ({ prefix: text }) => text, maxLength: 60 });
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('want' as const), wish }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'send' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reset' as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { kind: 'refresh' as const, family: 'ipv4' as const },
      { kind: 'refresh' as const, family: 'ipv6' as const },
    ),
  },
);

const tableOf = (wanted: readonly Announcement[]): Map<string, string> =>
  new Map(
    wanted.map((each) => {
      const route = readAnnouncement(each);
      const presented = present(route, terms);
      if (presented.kind === 'withheld') throw new Error(presented.why);
      return [
        route.prefix,
        JSON.stringify([presented.attributes, route.family === 'ipv6' ? presented.nextHops : undefined]),
      ];
    }),
  );
const routesOf = (wanted: readonly Announcement[]) => routesByPeer(wanted, ['a']).get('a') ?? new Map();

describe('what a peer is told', () => {
  it('adds up to what is wanted', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), wish, (steps, last) => {
        const outbound = new Outbound();
        outbound.begin([]);
        let table = new Table();
        for (const each of [...steps, { kind: 'want' as const, wish: last }, { kind: 'send' as const }]) {
          if (each.kind === 'want') outbound.want(routesOf(each.wish));
          if (each.kind === 'send') table.take(outbound.take(terms));
          if (each.kind === 'refresh') outbound.repeat(each.family);
          if (each.kind === 'reset') {
            outbound.end();
            outbound.begin([]);
            table = new Table();
          }
        }
        expect(table.routes).toEqual(tableOf(last));
        expect(outbound.told).toBe(last.length);
        expect(outbound.take(terms)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('is one message for each set of attributes, filled to its greatest length', () => {
    const outbound = new Outbound();
    outbound.begin(['ipv4', 'ipv6']);
    const many = Array.from({ length: 10_000 }, (_, n) => ({ prefix: `10.${n >> 8}.${n & 255}.0/24` }));
    outbound.want(routesOf([...many, { prefix: '192.0.2.0/24', localPref: 7 }]));
    const table = new Table();
    table.take(outbound.take(terms));
    // 4 bytes a prefix; one more message for the other preference; two ends.
    expect(table.messages).toBe(Math.ceil((10_000 * 4) / 4000) + 1 + 1 + 2 - 1);
    expect(table.ends).toBe(2);
    outbound.want(new Map());
    const before = table.messages;
    table.take(outbound.take(terms));
    expect(table.messages - before).toBe(Math.ceil(40_004 / 4064));
    expect(table.routes.size).toBe(0);
  });

  it('is nothing, not even an end, before anything was wanted', () => {
    const outbound = new Outbound();
    outbound.begin(['ipv4']);
    expect(outbound.take(terms)).toEqual([]);
    outbound.want(new Map());
    expect(outbound.take(terms)).toHaveLength(1);
  });

  it('leaves out what the session cannot carry, and says why', () => {
    const outbound = new Outbound();
    outbound.begin([]);
    outbound.want(
      routesOf([{ prefix: '192.0.2.7' }, { prefix: '2001:db8::7' }, { prefix: '2001:db8::8', nextHop: '2001:db8::1' }]),
    );
    const updates = outbound.take({ ...terms, nextHops: { ipv4: ['192.0.2.1'], ipv6: [] } });
    expect(updates).toHaveLength(2);
    expect([...outbound.withheld()]).toEqual([['There is no ipv6 next hop: set nextHop.ipv6 of the peer', 1]]);
    outbound.want(routesOf([]));
    outbound.take(terms);
    expect(outbound.withheld().size).toBe(0);
  });
});

describe('an announcement', () => {
  it.each<[string, Announcement, RegExp]>([
    ['a prefix with too many bits', { prefix: '192.0.2.1/24' }, /use "192\.0\.2\.0\/24"/],
    ['a next hop of the other family', { prefix: '192.0.2.0/24', nextHop: '2001:db8::1' }, /use an ipv4 address/],
    ['a preference below zero', { prefix: '192.0.2.0/24', localPref: -1 }, /localPref is -1/],
    ['a community that is none', { prefix: '192.0.2.0/24', communities: ['all'] }, /"all" is no community/],
  ])('of %s is refused by name', (_what, wrong, words) => {
    expect(() => routesOf([wrong])).toThrow(words);
  });

  it('may come twice when it says the same, and to each peer in its own way', () => {
    const same = { prefix: '192.0.2.7', communities: ['1:2', '1:1'] };
    const tables = routesByPeer([same, { ...same, communities: ['1:1', '1:2', '1:1'] }], ['a', 'b']);
    expect(tables.get('a')?.size).toBe(1);
    const ways = [
      { ...same, peers: ['a'] },
      { prefix: '192.0.2.7', localPref: 5, peers: ['b', 'nobody'] },
    ];
    expect(routesByPeer(ways, ['a', 'b']).get('b')?.get('192.0.2.7/32')).toMatchObject({ localPref: 5 });
    expect(() => routesByPeer([same, { prefix: '192.0.2.7/32' }], ['a', 'b'])).toThrow(/peer "a" in two ways/);
  });

  it('has the path and preference that the session asks for', () => {
    const route = readAnnouncement({ prefix: '192.0.2.7', localPref: 9 });
    const ebgp = { ...terms, ibgp: false };
    expect(present(route, terms)).toMatchObject({ attributes: { asPath: [], localPref: 9 } });
    const outside = present(route, ebgp);
    expect(outside).toMatchObject({ attributes: { asPath: [{ kind: 'sequence', ases: [64512] }] } });
    expect(outside).not.toHaveProperty('attributes.localPref');
    expect(present(route, { ...ebgp, localAs: 4_200_000_000, fourOctetAs: false })).toMatchObject({
      attributes: { asPath: [{ ases: [23456] }], as4Path: [{ ases: [4_200_000_000] }] },
    });
  });
});
