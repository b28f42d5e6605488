// The planner of slice writes, held to its promises for any input.
// Pure: slices are written by carrying a plan out in memory.
import fc from 'fast-check';
import type { Endpoint, EndpointPort, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { describe, expect, test } from 'vitest';
import type { PortGroup } from './desired.ts';
import { planSlices, type SlicePlan } from './diff.ts';

const MAX = 4;

const endpoint = (id: number, ready: boolean): Endpoint => ({
  addresses: [`127.244.0.${id}`],
  conditions: { ready },
  targetRef: { kind: 'Pod', uid: `uid-${id}` },
});
const ports = (port: number): EndpointPort[] => [{ name: 'http', port, protocol: 'TCP' }];

/** Endpoints by id with readiness, on one of two ports. */
const world = fc
  .dictionary(
    fc.integer({ min: 1, max: 20 }).map(String),
    fc.record({ ready: fc.boolean(), port: fc.constantFrom(80, 90) }),
  )
  .map((pods): PortGroup[] =>
    [80, 90].flatMap((port) => {
      const endpoints = Object.entries(pods)
        .filter(([, pod]) => pod.port === port)
        .map(([id, pod]) => endpoint(Number(id), pod.ready));
      return endpoints.length === 0 ? [] : [{ ports: ports(port), endpoints }];
    }),
  );

let counter = 0;

function carryOut(existing: readonly EndpointSlice[], plan: SlicePlan): EndpointSlice[] {
  const removed = new Set(plan.remove);
  const updated = new Map(plan.update.map((update) => [update.slice, update.endpoints]));
  const rest = existing
    .filter((slice) => !removed.has(slice))
    .map((slice): EndpointSlice => ({ ...slice, endpoints: [...(updated.get(slice) ?? slice.endpoints ?? [])] }));
  const created = plan.create.map(
    (content): EndpointSlice => ({
      metadata: { name: `s-${counter++}` },
      addressType: 'IPv4',
      ports: [...content.ports],
      endpoints: [...content.endpoints],
    }),
  );
  return [...rest, ...created];
}

function flatten(slices: readonly { ports?: readonly EndpointPort[]; endpoints?: readonly Endpoint[] }[]): string[] {
  return slices.flatMap((slice) => (slice.endpoints ?? []).map((e) => JSON.stringify([slice.ports, e]))).sort();
}

describe('planning slices', () => {
  test('from any history of worlds arrives at exactly the endpoints wanted, in slices that are not too large', () => {
    fc.assert(
      fc.property(fc.array(world, { minLength: 1, maxLength: 6 }), (worlds) => {
        let slices: EndpointSlice[] = [];
        for (const groups of worlds) {
          slices = carryOut(slices, planSlices(slices, groups, MAX));
          expect(flatten(slices)).toEqual(flatten(groups));
          expect(slices.every((slice) => (slice.endpoints ?? []).length <= MAX)).toBe(true);
          expect(slices.length).toBeGreaterThan(0);
        }
      }),
    );
  });

  test('writes nothing when nothing has changed', () => {
    fc.assert(
      fc.property(fc.array(world, { minLength: 1, maxLength: 4 }), (worlds) => {
        let slices: EndpointSlice[] = [];
        for (const groups of worlds) slices = carryOut(slices, planSlices(slices, groups, MAX));
        const plan = planSlices(slices, worlds.at(-1) ?? [], MAX);
        expect([plan.create, plan.update, plan.remove]).toEqual([[], [], []]);
        expect(plan.keep).toHaveLength(slices.length);
      }),
    );
  });

  test('leaves an endpoint in its slice and does not touch the others when one changes', () => {
    const full = [{ ports: ports(80), endpoints: [1, 2, 3, 4, 5, 6].map((id) => endpoint(id, true)) }];
    const slices = carryOut([], planSlices([], full, MAX));
    expect(slices.map((slice) => slice.endpoints?.length)).toEqual([4, 2]);
    const changed = [{ ports: ports(80), endpoints: [1, 2, 3, 4, 5, 6].map((id) => endpoint(id, id !== 6)) }];
    const plan = planSlices(slices, changed, MAX);
    expect(plan.update.map((update) => update.slice)).toEqual([slices[1]]);
    expect(plan.keep).toEqual([slices[0]]);
  });

  test('puts a new endpoint where there is room rather than into a new slice', () => {
    const slices = carryOut([], planSlices([], [{ ports: ports(80), endpoints: [endpoint(1, true)] }], MAX));
    const plan = planSlices(slices, [{ ports: ports(80), endpoints: [endpoint(1, true), endpoint(2, true)] }], MAX);
    expect(plan.create).toEqual([]);
    expect(plan.update).toHaveLength(1);
  });
});
