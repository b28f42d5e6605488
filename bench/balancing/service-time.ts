// One simulated backend: so many requests at a time, the others in a queue, each taking a time drawn from a seed.
// Pure but for the timer it is given; knows nothing of HTTP.

/** Milliseconds throughout. */
export interface BackendPlan {
  /** Requests worked on at a time; more wait in order. */
  readonly concurrency: number;
  /** Of the exponentially distributed service time. */
  readonly meanMs: number;
  /** This share of the requests takes `factor` times as long. */
  readonly heavy?: { readonly share: number; readonly factor: number };
  /** Answers every request with 503, at once. */
  readonly fails?: boolean;
  /** Begins nothing and ends nothing for `forMs`, once in every `everyMs`, beginning `afterMs` from the start. */
  readonly stalls?: { readonly everyMs: number; readonly forMs: number; readonly afterMs: number };
}

export interface Job {
  /** Whoever waits has left: it is skipped when its turn comes. */
  cancelled: boolean;
  done(status: number): void;
}

type Later = (ms: number, run: () => void) => void;

export class SimulatedBackend {
  readonly #plan: BackendPlan;
  readonly #random: () => number;
  readonly #now: () => number;
  readonly #later: Later;
  readonly #started: number;
  readonly #waiting: Job[] = [];
  #working = 0;

  constructor(plan: BackendPlan, random: () => number, now: () => number, later: Later) {
    this.#plan = plan;
    this.#random = random;
    this.#now = now;
    this.#later = later;
    this.#started = now();
  }

  take(job: Job): void {
    if (this.#plan.fails) {
      job.done(503);
      return;
    }
    this.#waiting.push(job);
    this.#goOn();
  }

  #goOn(): void {
    while (this.#working < this.#plan.concurrency) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      if (job.cancelled) continue;
      this.#working++;
      this.#later(this.#serviceTime() + this.#stallLeft(this.#now()), () => this.#end(job));
    }
  }

  #end(job: Job): void {
    const stall = this.#stallLeft(this.#now());
    // What is under way as a stall begins ends behind it.
    if (stall > 0) {
      this.#later(stall, () => this.#end(job));
      return;
    }
    this.#working--;
    if (!job.cancelled) job.done(200);
    this.#goOn();
  }

  #serviceTime(): number {
    const { meanMs, heavy } = this.#plan;
    const time = -Math.log(1 - this.#random()) * meanMs;
    return heavy !== undefined && this.#random() < heavy.share ? time * heavy.factor : time;
  }

  #stallLeft(now: number): number {
    const stalls = this.#plan.stalls;
    if (stalls === undefined) return 0;
    const since = now - this.#started - stalls.afterMs;
    const into = since % stalls.everyMs;
    return since >= 0 && into < stalls.forMs ? stalls.forMs - into : 0;
  }
}
