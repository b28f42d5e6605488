// The engine and a worker agree on the counter of every endpoint, whatever comes and goes, and in which order.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Cluster, Endpoint } from '#traffic/model/ir.ts';
import { createSnapshotBuilder } from '#traffic/snapshot/index.ts';
import { EndpointSlots } from './endpoint-slots.ts';
import { cluster, endpoint } from './testing/model.ts';
import { createInFlightMemory, InFlightCounters } from './workers/in-flight.ts';

const name = fc.constantFrom('a', 'b');
const ports = fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 });
const step = fc.oneof(
  fc.record({ name, cluster: fc.boolean() }),
  fc.record({ name, endpoints: fc.option(ports, { nil: undefined }) }),
);

it('gives every endpoint of every cluster a counter of its own, the same on both sides', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const memory = createInFlightMemory(1);
      const slots = new EndpointSlots(memory, 1);
      const counters = new InFlightCounters(memory, 0, 1, () => {});
      const builder = createSnapshotBuilder({ random: () => 0, counters });
      for (const [at, one] of steps.entries()) {
        const clusters = new Map<string, Cluster | undefined>();
        const endpoints = new Map<string, readonly Endpoint[] | undefined>();
        if ('cluster' in one) clusters.set(one.name, one.cluster ? cluster(one.name) : undefined);
        else
          endpoints.set(
            one.name,
            one.endpoints?.map((port) => endpoint(port)),
          );
        const update = { version: at, clusters, endpoints };
        counters.learn(slots.apply(update));
        const snapshot = builder.apply(update);
        counters.settle();
        const targets = [...snapshot.clusters.values()].flatMap((entry) => entry.targets);
        for (const { key, index } of targets) expect([key, index]).toEqual([key, slots.table.slotOf(key)]);
        expect(new Set(slots.table.entries().map(([key]) => key))).toEqual(new Set(targets.map(({ key }) => key)));
      }
    }),
  );
});
