// What is written into the tables: layouts that change little, and tables that hold what the rules say after any change.
// The tables are plain maps here, which refuse nothing.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import type { BpfMap, Element, MapShape } from '../bpf/map.ts';
import { CAPACITIES, DECIDED, frontKey, slotKey, tableShapes } from '../programs/layout.ts';
import { RuleTables } from './rule-tables.ts';
import { stableOrder } from './slot-order.ts';

describe('slots of equal endpoints', () => {
  const names = fc.uniqueArray(fc.constantFrom(...'abcdefghijkl'), { maxLength: 12 });

  it('hold everybody once, and move no more than they must', () => {
    fc.assert(
      fc.property(names, names, (before, wanted) => {
        const after = stableOrder(before, wanted);
        expect([...after].sort()).toEqual([...wanted].sort());
        const moved = after.filter((one, slot) => before.includes(one) && before[slot] !== one).length;
        // Only those move whose slot is beyond the new end.
        expect(moved).toBe(before.slice(wanted.length).filter((one) => wanted.includes(one)).length);
      }),
    );
  });
});

/** The part of a kernel map that tables use, with a count of what was written. */
class PlainMap implements Pick<BpfMap, 'shape' | 'set' | 'setAll' | 'delete' | 'deleteAll' | 'elements'> {
  readonly shape: MapShape;
  readonly held = new Map<string, Element>();
  written = 0;

  constructor(shape: MapShape) {
    this.shape = shape;
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.written++;
    this.held.set(String(key), [key, value]);
  }

  setAll(elements: readonly Element[]): void {
    for (const [key, value] of elements) this.set(key, value);
  }

  delete(key: Uint8Array): boolean {
    this.written++;
    return this.held.delete(String(key));
  }

  deleteAll(keys: readonly Uint8Array[]): void {
    for (const key of keys) this.delete(key);
  }

  elements(): Element[] {
    return [...this.held.values()];
  }
}

function plainTables() {
  const shapes = tableShapes(CAPACITIES);
  const maps = Object.fromEntries(DECIDED.map((name) => [name, new PlainMap(shapes[name])])) as unknown as Record<
    (typeof DECIDED)[number],
    PlainMap
  >;
  const tables = new RuleTables(maps as unknown as ConstructorParameters<typeof RuleTables>[0]);
  const written = (): number => {
    const count = DECIDED.reduce((sum, name) => sum + maps[name].written, 0);
    for (const name of DECIDED) maps[name].written = 0;
    return count;
  };
  return { maps, tables, written };
}

/** What a client of `front` may reach, read as the program reads it. */
function reachable(maps: Readonly<Record<string, PlainMap>>, key: Uint8Array): string[] | number | undefined {
  const ways = maps.fronts?.held.get(String(key))?.[1];
  if (ways === undefined) return undefined;
  const set = new DataView(ways.buffer).getUint32(0, true);
  const value = maps.sets?.held.get(String(new Uint8Array(new Uint32Array([set]).buffer)))?.[1];
  if (value === undefined) return set;
  const count = new DataView(value.buffer).getUint32(0, true);
  return Array.from({ length: count }, (_, slot) => String(maps.slots?.held.get(String(slotKey(set, slot)))?.[1]));
}

describe('the tables', () => {
  const endpoint = fc.record({
    address: fc.constantFrom('10.244.0.2', '10.244.0.3', '10.244.1.2', '10.244.1.3'),
    weight: fc.constantFrom(1, 1, 1, 3),
    ready: fc.boolean(),
  });
  const change = fc.record({
    service: fc.constantFrom('a/a', 'a/b', 'a/c'),
    gone: fc.boolean(),
    protocol: fc.constantFrom('TCP' as const, 'UDP' as const),
    affinitySeconds: fc.constantFrom(0, 60),
    externalIPs: fc.subarray(['203.0.113.5', '203.0.113.6']),
    endpoints: fc.uniqueArray(endpoint, { selector: ({ address }) => address }),
  });

  it('hold after any changes what they would hold had everything come at once', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const one = plainTables();
        const book = new RuleBook(nodeFacts());
        for (const { gone, service, endpoints, ...facts } of changes) {
          const port = l4Port({
            ...facts,
            service,
            clusterIP: `10.96.0.${service.charCodeAt(2)}`,
            endpoints: endpoints.map(({ address, ...more }) => l4Endpoint(address, more)),
          });
          const update = book.change(new Map([[port.name, gone ? undefined : port]]));
          if (update !== undefined) one.tables.change(update.ports);
        }
        const whole = plainTables();
        whole.tables.change(book.whole().ports);
        expect([...one.maps.fronts.held.keys()].sort()).toEqual([...whole.maps.fronts.held.keys()].sort());
        for (const [, [key]] of whole.maps.fronts.held) {
          const sorted = (found: ReturnType<typeof reachable>): unknown =>
            Array.isArray(found) ? found.sort() : found;
          expect(sorted(reachable(one.maps, key))).toEqual(sorted(reachable(whole.maps, key)));
        }
        // Nothing is left of what went; numbers of sets that are free keep their last words.
        for (const name of ['slots', 'members'] as const)
          expect(one.maps[name].held.size).toBe(whole.maps[name].held.size);
        expect(one.tables.repair()).toEqual({ restored: 0, removed: 0 });
      }),
    );
  });

  it('are written where something changed, and nowhere else', () => {
    const { tables, written } = plainTables();
    const book = new RuleBook(nodeFacts());
    const apply = (port: Partial<L4ServicePort>): number => {
      const one = l4Port(port);
      const update = book.change(new Map([[one.name, one]]));
      if (update !== undefined) tables.change(update.ports);
      return written();
    };
    const endpoints = Array.from({ length: 100 }, (_, at): L4Endpoint => l4Endpoint(`10.244.1.${at + 1}`));
    // A front, a set, and a slot for each.
    expect(apply({ endpoints })).toBe(102);
    // One goes: the last one takes its slot, the set is one shorter, the last slot goes.
    expect(apply({ endpoints: endpoints.filter((_, at) => at !== 40) })).toBe(3);
    // One comes: a slot, the set.
    expect(apply({ endpoints })).toBe(2);
    // One takes the place of another.
    expect(apply({ endpoints: [...endpoints.slice(1), l4Endpoint('10.244.2.1')] })).toBe(1);
  });

  it('are put right when somebody else wrote into them', () => {
    const { maps, tables } = plainTables();
    const book = new RuleBook(nodeFacts());
    const port = l4Port({ endpoints: [l4Endpoint('10.244.0.2')] });
    book.change(new Map([[port.name, port]]));
    tables.change(book.whole().ports);
    maps.slots.delete(slotKey(0, 0));
    maps.fronts.set(frontKey({ address: '192.0.2.66', port: 80 }, 'TCP'), new Uint8Array(8));
    expect(tables.repair()).toEqual({ restored: 1, removed: 1 });
    expect(tables.repair()).toEqual({ restored: 0, removed: 0 });
  });
});
