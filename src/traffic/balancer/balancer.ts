// What every balancing policy is: a long-lived balancer, and the immutable picker it hands out.
// Pure: no I/O, no clock of its own, no Kubernetes; in-flight counts come from the caller.

/** One endpoint as a policy sees it. The object's identity survives updates as long as address, port and pod do. */
export interface Target {
  /** Slot of the endpoint's shared counters; two targets with the same address and port share it. */
  readonly index: number;
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  /** Requests in flight now, over every worker. */
  inFlight(): number;
}

export interface PickInput {
  /** Client address: what hashing policies hash when there is no `hashKey`. */
  readonly clientAddress: string;
  /** What hashing policies hash; empty for the client address. */
  readonly hashKey: string;
  /** Monotonic milliseconds, for policies that remember how long ago something was. */
  readonly now: number;
  /** Targets that this request has tried already; a picker avoids them while others remain. */
  readonly tried: readonly Target[];
}

export type Pick<T extends Target = Target> =
  | { readonly type: 'target'; readonly target: T }
  /** Nobody can take the request; `reason` is fit for a log line. */
  | { readonly type: 'none'; readonly reason: string };

/** How likely a request is to go to a target, 0 to 1. */
export interface Chance<T extends Target = Target> {
  readonly target: T;
  readonly share: number;
}

/** The momentary state of a balancer. Picking neither allocates nor throws on the hot path. */
export interface Picker<T extends Target = Target> {
  pick(input: PickInput): Pick<T>;
}

/** How one attempt on a target came to its end. */
export interface Outcome {
  /** From sending to the response head. */
  readonly latencyMs: number;
  /** The target failed: no response, or a 5xx. An answer that comes fast because it is an error is no good answer. */
  readonly failed: boolean;
  /** Milliseconds that a failing target asked to be left alone (`Retry-After`); 0 when it did not. */
  readonly retryAfterMs: number;
  /** Monotonic milliseconds. */
  readonly now: number;
}

export interface Balancer<T extends Target = Target> {
  /** Replaces the targets; state of those that stay (position, weights, latencies) is kept. */
  update(targets: readonly T[]): Picker<T>;
  /** Learns from an attempt. Left out by policies that learn nothing; runs on the hot path. */
  observe?(target: T, outcome: Outcome): void;
  /** What the policy knows of a target, for people: `{ ewmaMs: 3.2 }`. */
  describe?(target: T, now: number): Readonly<Record<string, number>>;
  /**
   * The chances of the targets of the last update, in its order, for a request that came now: they sum to 1.
   * Place on a wheel and random numbers count as unknown (other requests move them on meanwhile); loads, latencies
   * and hashes count as they are. Disturbs nothing: the picks that follow are those that would have come anyway.
   * For people (`explain`, the admin page), not for the hot path: may cost thousands of picks.
   */
  preview(input: PickInput): readonly Chance<T>[];
}

/** A random number in [0, 1), injected so that tests are exact. */
export type Random = () => number;
