// Limits of a cluster: counted over workers, with room given back however a request ends.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cluster } from '#traffic/model/ir.ts';
import { EndpointSlots } from '../endpoint-slots.ts';
import { cluster } from '../testing/model.ts';
import { createInFlightMemory, InFlightCounters } from '../workers/in-flight.ts';
import { Admission } from './admission.ts';
import { ClusterGuards } from './cluster-guard.ts';

/** Two workers that share memory, told of `config` as the engine tells them. */
function twoWorkers(config: Cluster): { admissions: (worker: 0 | 1) => Admission; overflows: string[] } {
  const memory = createInFlightMemory(2);
  const slots = new EndpointSlots(memory, 2).apply({ version: 1, clusters: new Map([[config.name, config]]) });
  const overflows: string[] = [];
  const guards = [0, 1].map((index) => {
    const counters = new InFlightCounters(memory, index, 2, () => {});
    counters.learn(slots);
    return new ClusterGuards(counters, () => 0);
  });
  return {
    admissions: (worker) =>
      new Admission(guards[worker] as ClusterGuards, { overflowed: (_, limit) => overflows.push(limit) }),
    overflows,
  };
}

describe('Admission', () => {
  it('lets in as many requests as the cluster may have, whichever worker they came to', () => {
    const config = cluster('web', { circuitBreaker: { maxRequests: 2 } });
    const { admissions, overflows } = twoWorkers(config);
    const [a, b, c] = [admissions(0), admissions(1), admissions(0)];
    expect([a.enter(config), b.enter(config), c.enter(config)]).toEqual([true, true, false]);
    b.leave();
    expect(c.enter(config)).toBe(true);
    expect(overflows).toEqual(['requests']);
  });

  it('counts nothing for a cluster without limits', () => {
    const config = cluster('web');
    const { admissions } = twoWorkers(config);
    expect(admissions(0).enter(config)).toBe(true);
    expect(admissions(0).allowsRetry()).toBe(true);
  });

  it('keeps retries to a share of the requests, and to a few where there are few requests', () => {
    const config = cluster('web', { retryBudget: { percent: 20, minConcurrent: 1 } });
    const { admissions, overflows } = twoWorkers(config);
    const requests = Array.from({ length: 10 }, (_, i) => admissions(i % 2 === 0 ? 0 : 1));
    for (const request of requests) request.enter(config);
    const allowed = requests.filter((request) => {
      if (!request.allowsRetry()) return false;
      request.beginRetry();
      return true;
    });
    expect(allowed).toHaveLength(2);
    expect(overflows).toEqual(Array.from({ length: 8 }, () => 'retry_budget'));
    for (const request of requests) request.leave();
    const alone = admissions(0);
    alone.enter(config);
    expect(alone.allowsRetry()).toBe(true);
  });

  it('gives everything back, in whatever order requests retry, wait and leave', () => {
    const step = fc.tuple(fc.nat(3), fc.constantFrom('enter', 'retry', 'end', 'wait', 'endWait', 'leave'));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const config = cluster('web', { circuitBreaker: { maxRequests: 3, maxRetries: 2, maxPending: 2 } });
        const { admissions } = twoWorkers(config);
        const all = [admissions(0), admissions(1), admissions(0), admissions(1)];
        const inside = new Set<Admission>();
        for (const [which, what] of steps) {
          const one = all[which] as Admission;
          if (what === 'enter') {
            if (!inside.has(one) && one.enter(config)) inside.add(one);
          } else if (inside.has(one)) {
            if (what === 'retry' && one.allowsRetry()) one.beginRetry();
            else if (what === 'end') one.endRetry();
            else if (what === 'wait') one.wait({ retry() {} });
            else if (what === 'endWait') one.endWait();
            else if (what === 'leave') {
              one.leave();
              inside.delete(one);
            }
          }
        }
        for (const one of inside) one.leave();
        // All of the room is there again.
        const fresh = [admissions(0), admissions(1), admissions(0)];
        expect(fresh.map((one) => one.enter(config))).toEqual([true, true, true]);
        expect(fresh.map((one) => one.wait({ retry() {} }))).toEqual([true, true, false]);
      }),
    );
  });
});
