// What every balancing policy is: a long-lived balancer, and the immutable picker it hands out.
// Pure: no I/O, no clock of its own, no Kubernetes; in-flight counts come from the caller.

/** One endpoint as a policy sees it. The object's identity survives updates as long as address and port do. */
export interface Target {
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

export type Pick =
  | { readonly type: 'target'; readonly target: Target }
  /** Nobody can take the request; `reason` is fit for a log line. */
  | { readonly type: 'none'; readonly reason: string };

/** The momentary state of a balancer. Picking neither allocates nor throws on the hot path. */
export interface Picker {
  pick(input: PickInput): Pick;
}

export interface Balancer {
  /** Replaces the targets; state of those that stay (position, weights) is kept. */
  update(targets: readonly Target[]): Picker;
}

/** A random number in [0, 1), injected so that tests are exact. */
export type Random = () => number;
