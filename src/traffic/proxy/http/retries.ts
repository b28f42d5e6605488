// Whether a try that went wrong is worth another one, and after how long.
// Knows the policy, the method and what went wrong; nothing of connections, bodies or budgets.

import type { Random } from '#traffic/balancer/balancer.ts';
import type { RetryCondition, RetryPolicy } from '#traffic/model/ir.ts';
import type { Failure } from '../upstream/failure.ts';

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function mayRepeat(method: string): boolean {
  return method === 'GET' || idempotent.has(method);
}

const defaultConditions: readonly RetryCondition[] = ['connect_failure', 'reset', 'refused_stream'];

/** A policy made ready: read at the first failure, never before. */
interface Compiled {
  readonly on: ReadonlySet<RetryCondition>;
  readonly statuses: ReadonlySet<number>;
  readonly methods: ReadonlySet<string>;
}

const compiled = new WeakMap<RetryPolicy, Compiled>();

function compile(policy: RetryPolicy): Compiled {
  const known = compiled.get(policy);
  if (known !== undefined) return known;
  const fresh = {
    on: new Set(policy.on ?? defaultConditions),
    statuses: new Set(policy.statuses),
    methods: new Set(policy.methods),
  };
  compiled.set(policy, fresh);
  return fresh;
}

/** One per client stream, begun anew with each request. */
export class Retries {
  #policy: RetryPolicy = { attempts: 0 };
  #left = 0;
  #reuseRaceForgiven = false;

  begin(policy: RetryPolicy): void {
    this.#policy = policy;
    this.#left = policy.attempts;
    this.#reuseRaceForgiven = false;
  }

  /** Whether a try is left that this failure may take. */
  allows({ condition, retrySafe }: Failure, method: string): boolean {
    if (this.#left === 0 || condition === undefined || retrySafe === 'never') return false;
    const policy = compile(this.#policy);
    if (retrySafe === 'unanswered' && !mayRepeat(method) && !policy.methods.has(method)) return false;
    return policy.on.has(condition);
  }

  /** Takes one try where sending again is safe and asked for; `reused` tells that the connection was not new. */
  afterFailure(failure: Failure, method: string, reused: boolean): boolean {
    const { condition, retrySafe } = failure;
    if (condition === 'reset' && retrySafe === 'unanswered' && reused && !this.#reuseRaceForgiven) {
      if (!mayRepeat(method) && !compile(this.#policy).methods.has(method)) return false;
      // The backend closed an idle connection as we used it: no sign of illness, so it costs no try.
      this.#reuseRaceForgiven = true;
      return true;
    }
    return this.allows(failure, method) && this.#take();
  }

  /** Takes one try when the policy names this status and the method may be repeated: the backend may have acted. */
  afterStatus(status: number, method: string): boolean {
    // Every success takes this path: nothing is looked up for it.
    if (status < 400 || this.#left === 0) return false;
    const policy = compile(this.#policy);
    const named =
      policy.statuses.has(status) ||
      (status >= 500 && policy.on.has('5xx')) ||
      (status >= 502 && status <= 504 && policy.on.has('gateway_error')) ||
      (status === 409 && policy.on.has('retriable_4xx'));
    return named && (mayRepeat(method) || policy.methods.has(method)) && this.#take();
  }

  /** Milliseconds to wait before the next try: anything up to a bound that doubles with each (full jitter). */
  backoff(random: Random): number {
    const { backoff, attempts } = this.#policy;
    if (backoff === undefined) return 0;
    const spent = attempts - this.#left;
    return random() * Math.min(backoff.maxMs, backoff.baseMs * 2 ** Math.max(0, spent - 1));
  }

  #take(): boolean {
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }
}
