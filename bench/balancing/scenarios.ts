// The fleets that policies are tried on, and the load each gets.
// Data only; rates are low enough for two cores, because it is the queues that matter.

import type { BackendPlan } from './service-time.ts';

export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly backends: readonly BackendPlan[];
  /** Open loop: requests a second. Closed loop: so many clients, each asking again as soon as it was answered. */
  readonly load: { readonly rate: number } | { readonly clients: number };
  /** The first so many backends are the odd ones, whose share is shown. */
  readonly odd: number;
  /** Seconds of load before what counts. */
  readonly warmup: number;
  /** Contestants with passive ejection take part as well. */
  readonly ejection?: boolean;
}

function fleet(count: number, plan: BackendPlan): BackendPlan[] {
  return Array.from({ length: count }, () => plan);
}

/** The same queues, more slowly: service takes `times` as long and requests come as much more rarely. */
export function slowedDown(scenario: Scenario, times: number): Scenario {
  const { load } = scenario;
  return {
    ...scenario,
    backends: scenario.backends.map((plan) => ({ ...plan, meanMs: plan.meanMs * times })),
    load: 'rate' in load ? { rate: load.rate / times } : load,
  };
}

export const scenarios: readonly Scenario[] = [
  {
    id: 'a',
    title: '16 backends of 2 at a time and 10 ms, of which 2 are 16 times slower; 1000/s, 35 % of what all can do',
    backends: [...fleet(2, { concurrency: 2, meanMs: 160 }), ...fleet(14, { concurrency: 2, meanMs: 10 })],
    load: { rate: 1000 },
    odd: 2,
    warmup: 3,
  },
  {
    id: 'b',
    title: '4 backends of 1 at a time and 5 ms (CPU-bound), 16 clients in a closed loop',
    backends: fleet(4, { concurrency: 1, meanMs: 5 }),
    load: { clients: 16 },
    odd: 0,
    warmup: 2,
  },
  {
    id: 'c',
    title: '8 backends of 4 at a time and 10 ms, of which 1 fails at once; 800/s, counted after 5 s',
    backends: [{ concurrency: 4, meanMs: 10, fails: true }, ...fleet(7, { concurrency: 4, meanMs: 10 })],
    load: { rate: 800 },
    odd: 1,
    warmup: 5,
    ejection: true,
  },
  {
    id: 'd',
    title: '8 backends of 4 at a time and 10 ms, of which 1 stalls for 2 s in every 5 s; 800/s',
    backends: [
      { concurrency: 4, meanMs: 10, stalls: { everyMs: 5000, forMs: 2000, afterMs: 1000 } },
      ...fleet(7, { concurrency: 4, meanMs: 10 }),
    ],
    load: { rate: 800 },
    odd: 1,
    warmup: 5,
  },
  {
    id: 'e',
    title: '8 backends of 2 at a time and 5 ms, every 10th request 20 times as heavy; 660/s, 60 % of what they can do',
    backends: fleet(8, { concurrency: 2, meanMs: 5, heavy: { share: 0.1, factor: 20 } }),
    load: { rate: 660 },
    odd: 0,
    warmup: 3,
  },
];
