// What prequal has learnt of each target: latency by load, and failures of late.
// Lives as long as the balancer and is shared by its pickers; keeps no clock.
import type { Outcome, Target } from '../balancer.ts';
import { FailurePenalty } from '../failure-penalty.ts';
import { FleetLatency } from '../fleet-latency.ts';
import { LatencyByLoad } from './latency-by-load.ts';

const DECAY_MS = 10_000;

/** What a target seems to need when one attempt after the other fails. */
const PENALTY_MS = 5_000;

/** What answers take before any has come. */
const DEFAULT_MS = 30;

/** So that the first failure, worth one usual answer, counts as one for a moment. */
const ROUNDING = 0.1;

export class TargetKnowledge {
  readonly latency = new LatencyByLoad(DECAY_MS);
  readonly penalty = new FailurePenalty(DECAY_MS);
}

export class Knowledge<T extends Target> {
  #targets = new Map<T, TargetKnowledge>();
  readonly #usual = new FleetLatency(DEFAULT_MS);

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
      known.penalty.failed(this.#usual.ms, PENALTY_MS, retryAfterMs, now);
      return;
    }
    known.penalty.succeeded();
    known.latency.observe(latencyMs, target.inFlight(), now);
    this.#usual.observe(latencyMs);
  }

  /** Milliseconds that an answer is likely to take; of a newcomer what the fleet needs in the mean. */
  latencyMs(known: TargetKnowledge, inFlight: number, now: number): number {
    const estimate = known.latency.estimate(inFlight, now);
    return estimate < 0 ? this.#usual.ms : estimate;
  }

  /**
   * Requests in flight, and as many more as would take the penalty of its failures to answer: whoever fails fast is
   * always idle, and must not look so. Whole ones only: what is left of an old failure must not make a target hot.
   */
  load(known: TargetKnowledge, inFlight: number, now: number): number {
    return inFlight + Math.floor(known.penalty.at(now) / Math.max(0.1, this.#usual.ms) + ROUNDING);
  }

  describe(target: T, now: number): Readonly<Record<string, number>> {
    const known = this.#targets.get(target);
    if (known === undefined) return {};
    const inFlight = target.inFlight();
    return { latencyMs: this.latencyMs(known, inFlight, now), load: this.load(known, inFlight, now) };
  }
}
