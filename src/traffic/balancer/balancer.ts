// What every balancing policy is: a long-lived balancer, and the immutable picker it hands out.
// Pure: no I/O, no clock of its own, no Kubernetes; in-flight counts come from the caller.

/** One endpoint as a policy sees it. The object's identity survives updates as long as address and port do. */
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
  /** Client address for hashing policies. */
  readonly clientAddress: string;
  /** Targets that this request has tried already; a picker avoids them while others remain. */
  readonly tried: readonly Target[];
}

export type Pick<T extends Target = Target> =
  | { readonly type: 'target'; readonly target: T }
  /** Nobody can take the request; `reason` is fit for a log line. */
  | { readonly type: 'none'; readonly reason: string };

/** The momentary state of a balancer. Picking neither allocates nor throws on the hot path. */
export interface Picker<T extends Target = Target> {
  pick(input: PickInput): Pick<T>;
}

export interface Balancer<T extends Target = Target> {
  /** Replaces the targets; state of those that stay (position, weights) is kept. */
  update(targets: readonly T[]): Picker<T>;
}

/** A random number in [0, 1), injected so that tests are exact. */
export type Random = () => number;
