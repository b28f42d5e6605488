// What prequal has learnt of each target: latency by load, and failures of late.
// Lives as long as the balancer and is shared by its pickers; keeps no clock.
import type { Outcome, Target } from '../balancer.ts';
import { PeakEstimate } from '../peak-ewma/estimate.ts';
import { LatencyByLoad } from './latency-by-load.ts';

const DECAY_MS = 10_000;

/** What a failure counts as, unless the target asks for more by `Retry-After`. */
const PENALTY_MS = 5_000;
const MAX_PENALTY_MS = 300_000;

/** What answers take before any has come. */
const DEFAULT_MS = 30;

/** Share of one answer in the fleet's mean. */
const MEAN_WEIGHT = 1 / 64;

export class TargetKnowledge {
  readonly latency = new LatencyByLoad(DECAY_MS);
  readonly penalty = new PeakEstimate(0, DECAY_MS, 0);
}

export class Knowledge<T extends Target> {
  #targets = new Map<T, TargetKnowledge>();
  #meanMs = DEFAULT_MS;

  /** Keeps what is known of these, and forgets all others. */
  keep(targets: readonly T[]): readonly TargetKnowledge[] {
    const before = this.#targets;
    this.#targets = new Map(targets.map((target) => [target, before.get(target) ?? new TargetKnowledge()]));
    return [...this.#targets.values()];
  }

  observe(target: T, { latencyMs, failed, retryAfterMs, now }: Outcome): void {
    const known = this.#targets.get(target);
    if (known === undefined) return;
    if (failed) {
      known.penalty.observe(Math.max(latencyMs, Math.min(MAX_PENALTY_MS, retryAfterMs || PENALTY_MS)), now);
      return;
    }
    known.latency.observe(latencyMs, target.inFlight(), now);
    this.#meanMs += MEAN_WEIGHT * (latencyMs - this.#meanMs);
  }

  /** Milliseconds that an answer is likely to take; of a newcomer what the fleet needs in the mean. */
  latencyMs(known: TargetKnowledge, inFlight: number, now: number): number {
    const estimate = known.latency.estimate(inFlight, now);
    return estimate < 0 ? this.#meanMs : estimate;
  }

  /**
   * Requests in flight, and as many more as would take the penalty of its failures to answer: whoever fails fast is
   * always idle, and must not look so. Whole ones only: what is left of an old failure must not make a target hot.
   */
  load(known: TargetKnowledge, inFlight: number, now: number): number {
    return inFlight + Math.floor(known.penalty.excess(now) / Math.max(1, this.#meanMs));
  }

  describe(target: T, now: number): Readonly<Record<string, number>> {
    const known = this.#targets.get(target);
    if (known === undefined) return {};
    const inFlight = target.inFlight();
    return { latencyMs: this.latencyMs(known, inFlight, now), load: this.load(known, inFlight, now) };
  }
}
