// Who may be chosen, step by step: subset, readiness, health, place and panic.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '#traffic/model/ir.ts';
import type { EndpointHealth } from './health.ts';
import { type SelectionSettings, selectEndpoints } from './select.ts';

function endpoint(last: number, more: Partial<Endpoint> = {}): Endpoint {
  return {
    address: `10.0.0.${last}`,
    port: 80,
    weight: 1,
    pod: '',
    node: '',
    zone: '',
    ready: true,
    serving: true,
    terminating: false,
    ...more,
  };
}

const all = (count: number, more: Partial<Endpoint> = {}, from = 1): Endpoint[] =>
  Array.from({ length: count }, (_, place) => endpoint(from + place, more));

/** Levels as `name load: last bytes of the addresses`, with `!` for panic. */
function shown(
  endpoints: readonly Endpoint[],
  against: Readonly<Record<number, EndpointHealth>> = {},
  settings: SelectionSettings = {},
): string[] {
  const health = new Map(Object.entries(against).map(([last, why]) => [`10.0.0.${last}:80`, why]));
  const { levels } = selectEndpoints(settings, endpoints, health, { node: 'n1', zone: 'a' });
  return levels.map(({ name, load, panic, endpoints: chosen }) => {
    const who = chosen.map(({ address }) => address.split('.')[3]).join(',');
    return `${name} ${load}${panic ? '!' : ''}: ${who}`;
  });
}

describe('without a place', () => {
  it('leaves out who is unhealthy or ejected, while enough are left', () => {
    expect(shown(all(4), { 1: 'ejected', 2: 'unhealthy' })).toEqual(['any 100: 3,4']);
  });

  it('takes everybody when fewer than the threshold are healthy', () => {
    expect(shown(all(3), { 1: 'ejected', 2: 'unhealthy' })).toEqual(['any 100!: 1,2,3']);
    expect(shown(all(3), { 1: 'ejected', 2: 'unhealthy' }, { panicThreshold: 30 })).toEqual(['any 100: 3']);
    expect(shown(all(4), { 1: 'ejected' }, { panicThreshold: 80 })).toEqual(['any 100!: 1,2,3,4']);
  });

  it('chooses nobody rather than panic at a threshold of 0', () => {
    expect(shown(all(2), { 1: 'ejected', 2: 'unhealthy' }, { panicThreshold: 0 })).toEqual(['any 100: ']);
  });

  it('never chooses who is drained or has not passed a check yet, not even in panic', () => {
    expect(shown(all(4), { 1: 'drained', 2: 'pending', 3: 'ejected', 4: 'ejected' })).toEqual(['any 100!: 3,4']);
    expect(shown(all(2), { 1: 'drained', 2: 'pending' })).toEqual(['any 100: ']);
  });

  it('does not count who is drained against the others', () => {
    expect(shown(all(4), { 1: 'drained', 2: 'drained', 3: 'ejected' })).toEqual(['any 100: 4']);
  });

  it('goes back to the leaving ones while the only ready one waits for its first check', () => {
    const leaving = endpoint(9, { ready: false, terminating: true });
    expect(shown([endpoint(1), leaving], { 1: 'pending' })).toEqual(['any 100: 9']);
    expect(shown([endpoint(1), leaving])).toEqual(['any 100: 1']);
  });

  it('looks at the subset only', () => {
    const mixed = [...all(2, { labels: { version: 'v1' } }), ...all(2, { labels: { version: 'v2' } }, 3)];
    expect(shown(mixed, {}, { subset: { version: 'v2' } })).toEqual(['any 100: 3,4']);
    expect(shown(mixed, { 3: 'ejected' }, { subset: { version: 'v2' } })).toEqual(['any 100: 4']);
    expect(shown(mixed, {}, { subset: { version: 'v3' } })).toEqual(['any 100: ']);
  });
});

describe('with a place', () => {
  const zones = [...all(2, { zone: 'a' }), ...all(2, { zone: 'b' }, 3)];
  const sameZone: SelectionSettings = { locality: { prefer: 'same_zone' } };

  it('prefers the own zone and overflows when it is not healthy enough', () => {
    expect(shown(zones, {}, sameZone)).toEqual(['zone 100: 1,2', 'any 0: 3,4']);
    expect(shown(zones, { 1: 'ejected' }, sameZone)).toEqual(['zone 70: 2', 'any 30: 3,4']);
    expect(shown(zones, { 1: 'ejected', 2: 'ejected' }, sameZone)).toEqual(['any 100: 3,4']);
  });

  it('panics only when the levels together cannot carry the load', () => {
    const lost = { 1: 'ejected', 2: 'ejected', 3: 'ejected' } as const;
    expect(shown(zones, lost, sameZone)).toEqual(['zone 0!: 1,2', 'any 100: 4']);
    expect(shown(zones, { ...lost, 4: 'ejected' }, sameZone)).toEqual(['zone 50!: 1,2', 'any 50!: 3,4']);
  });

  it('tells node, zone and the rest apart', () => {
    const places = [endpoint(1, { node: 'n1', zone: 'a' }), endpoint(2, { node: 'n2', zone: 'a' }), endpoint(3)];
    const sameNode: SelectionSettings = { locality: { prefer: 'same_node' } };
    expect(shown(places, {}, sameNode)).toEqual(['node 100: 1', 'zone 0: 2', 'any 0: 3']);
    expect(shown(places, { 1: 'unhealthy' }, sameNode)).toEqual(['zone 100: 2', 'any 0: 3']);
  });

  it('overflows by its own figure when the cluster has one', () => {
    const eager: SelectionSettings = { locality: { prefer: 'same_zone', overprovisioningPercent: 200 } };
    expect(shown(zones, { 1: 'ejected' }, eager)).toEqual(['zone 100: 2', 'any 0: 3,4']);
  });
});

describe('whatever the endpoints are', () => {
  const place = fc.constantFrom('', 'a', 'b');
  const one = fc.record({
    zone: place,
    node: place,
    ready: fc.boolean(),
    serving: fc.boolean(),
    terminating: fc.boolean(),
  });
  const against = fc.option(fc.constantFrom<EndpointHealth>('drained', 'pending', 'unhealthy', 'ejected'));
  const settings: fc.Arbitrary<SelectionSettings> = fc.record(
    {
      panicThreshold: fc.integer({ min: 0, max: 100 }),
      locality: fc.record({ prefer: fc.constantFrom('same_zone' as const, 'same_node' as const) }),
    },
    { requiredKeys: [] },
  );

  it('loads add up, nobody is chosen twice, and nobody unfit but in panic', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(one, against), { maxLength: 12 }), settings, (rows, setting) => {
        const endpoints = rows.map(([more], place) => endpoint(place, more));
        const health = new Map(
          rows.flatMap(([, why], place) => (why === null ? [] : [[`10.0.0.${place}:80` as string, why] as const])),
        );
        const { levels, panic } = selectEndpoints(setting, endpoints, health, { node: 'a', zone: 'a' });
        const chosen = levels.flatMap((level) => level.endpoints);
        expect(new Set(chosen).size).toBe(chosen.length);
        const reasonOf = ({ address }: Endpoint) => health.get(`${address}:80`);
        for (const level of levels) {
          for (const one of level.endpoints) {
            expect(['drained', 'pending']).not.toContain(reasonOf(one));
            if (!level.panic) expect(reasonOf(one)).toBeUndefined();
          }
        }
        expect(panic).toBe(levels.some((level) => level.panic));
        // Requests that are drawn for a level find somebody there; only a cluster without anybody has none.
        expect(levels.reduce((sum, { load }) => sum + load, 0)).toBe(100);
        if (chosen.length > 0)
          for (const { load, endpoints } of levels) if (load > 0) expect(endpoints).not.toEqual([]);
        const healthy = endpoints.filter((one) => one.ready && reasonOf(one) === undefined);
        for (const one of healthy) expect(chosen).toContain(one);
      }),
      { numRuns: 500 },
    );
  });
});
