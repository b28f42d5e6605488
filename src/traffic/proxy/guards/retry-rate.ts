// A retry budget over time (GEP-3388): which share of the last requests may have been retries, and how many are always made.
// Pure; each worker has one of its own for its share of the traffic.
import type { RetryBudgetPolicy } from '#traffic/model/ir.ts';

/** Parts of a window: what is older leaves it by parts. */
const PARTS = 20;

/** How many there were in the last `windowMs`, to within a twentieth of it. */
class RecentCount {
  readonly #partMs: number;
  readonly #parts = new Float64Array(PARTS);
  #sum = 0;
  /** Number of the part that counts now. */
  #at = 0;

  constructor(windowMs: number) {
    this.#partMs = windowMs / PARTS;
  }

  add(now: number): void {
    this.#turn(now);
    const part = this.#at % PARTS;
    this.#parts[part] = (this.#parts[part] ?? 0) + 1;
    this.#sum++;
  }

  within(now: number): number {
    this.#turn(now);
    return this.#sum;
  }

  #turn(now: number): void {
    const wanted = Math.floor(now / this.#partMs);
    for (let left = Math.min(wanted - this.#at, PARTS); left > 0; left--) {
      const part = (wanted - left + 1) % PARTS;
      this.#sum -= this.#parts[part] ?? 0;
      this.#parts[part] = 0;
    }
    this.#at = Math.max(this.#at, wanted);
  }
}

export class RetryRateBudget {
  readonly policy: RetryBudgetPolicy;
  readonly #requests: RecentCount;
  readonly #retries: RecentCount;
  readonly #lately: RecentCount;
  readonly #minCount: number;

  /** `policy.over` is there. */
  constructor(policy: RetryBudgetPolicy, workers: number) {
    const { intervalMs = 0, minCount = 0, minIntervalMs = 0 } = policy.over ?? {};
    this.policy = policy;
    this.#requests = new RecentCount(intervalMs);
    this.#retries = new RecentCount(intervalMs);
    this.#lately = new RecentCount(minIntervalMs);
    this.#minCount = Math.ceil(minCount / workers);
  }

  request(now: number): void {
    this.#requests.add(now);
  }

  retry(now: number): void {
    this.#retries.add(now);
    this.#lately.add(now);
  }

  /** Whether one more retry may be made. */
  allows(now: number): boolean {
    if (this.#lately.within(now) < this.#minCount) return true;
    const retries = this.#retries.within(now) + 1;
    return retries * 100 <= this.policy.percent * (this.#requests.within(now) + retries);
  }
}
