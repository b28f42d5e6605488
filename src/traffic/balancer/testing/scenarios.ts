// The situations that policies are compared in: slow, failing and stalling backends, and requests of unequal cost.
// Knows no policy.
import { type BackendModel, exponential, type Scenario } from './simulator.ts';

const pod: BackendModel = { slots: 4, work: exponential(10) };

function fleet(count: number, model: BackendModel, ...odd: readonly BackendModel[]): readonly BackendModel[] {
  return [...new Array<BackendModel>(count - odd.length).fill(model), ...odd];
}

const slow: BackendModel = { slots: 4, work: exponential(160) };

const recovering: BackendModel = {
  slots: 4,
  work: (random, now) => exponential(now < 10_000 ? 160 : 10)(random),
};

export const scenarios = {
  /** Half of what the fourteen good ones can do. */
  twoSlowOfSixteen: {
    backends: fleet(16, pod, slow, slow),
    duration: 30_000,
    load: { perSecond: 2800 },
    warmUp: 5_000,
  },
  /** The same share of slow ones in a fleet too large to look at whole. */
  twelveSlowOfHundred: {
    backends: fleet(100, pod, ...new Array<BackendModel>(12).fill(slow)),
    duration: 6_000,
    load: { perSecond: 17_600 },
    warmUp: 2_000,
  },
  /** One request at a time each, all of them busy. */
  fourCpuBound: { backends: fleet(4, { slots: 1, work: exponential(5) }), duration: 60_000, load: { clients: 32 } },
  oneFails: {
    backends: fleet(8, pod, { ...pod, failsAfter: 0.2 }),
    duration: 35_000,
    load: { perSecond: 1400 },
    warmUp: 5_000,
  },
  oneStalls: {
    backends: fleet(8, pod, { ...pod, stalls: { every: 10_000, length: 2_000 } }),
    duration: 60_000,
    load: { perSecond: 1600 },
  },
  /** Sixteen times slower for the first 10 s, then as good as the others; counted from long after that. */
  oneRecovers: { backends: fleet(8, pod, recovering), duration: 60_000, load: { perSecond: 1600 }, warmUp: 45_000 },
  /** The same in a fleet too large to look at whole. */
  fourRecoverOfTwenty: {
    backends: fleet(20, pod, recovering, recovering, recovering, recovering),
    duration: 60_000,
    load: { perSecond: 2400 },
    warmUp: 45_000,
  },
  /** One request in two thousand takes two seconds, wherever it goes. */
  rareGiants: {
    backends: fleet(4, { slots: 4, work: (random) => (random() < 0.0005 ? 2000 : exponential(9)(random)) }),
    duration: 60_000,
    load: { perSecond: 1120 },
  },
  /** One request in five hundred fails, wherever it goes: no reason to keep off anybody. */
  sporadicErrors: { backends: fleet(4, { ...pod, errs: 0.002 }), duration: 60_000, load: { perSecond: 1120 } },
  /** One request of twenty costs forty times as much; two thirds of what the fleet can do. */
  unequalCost: {
    backends: fleet(8, { slots: 4, work: (random) => (random() < 0.05 ? 80 : 2) * (0.5 + random()) }),
    duration: 20_000,
    load: { perSecond: 3600 },
  },
} satisfies Record<string, Scenario>;
