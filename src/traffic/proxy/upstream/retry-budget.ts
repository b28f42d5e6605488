// Whether a request that failed on one endpoint may be sent once more.
// Knows the method and the failure; nothing of connections or bodies.

import type { Failure } from './failure.ts';

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export function mayRepeat(method: string): boolean {
  return method === 'GET' || idempotent.has(method);
}

/** One per client connection, begun anew with each request. */
export class RetryBudget {
  #attempts = 0;
  #reuseRaceForgiven = false;

  begin(attempts: number): void {
    this.#attempts = attempts;
    this.#reuseRaceForgiven = false;
  }

  /** Takes one attempt from the budget where sending again is safe; `reused` tells that the connection was not new. */
  allows(failure: Failure, method: string, reused: boolean): boolean {
    if (failure.retrySafe === 'never') return false;
    if (failure.retrySafe === 'unanswered') {
      if (!mayRepeat(method)) return false;
      if (reused && !this.#reuseRaceForgiven) {
        // The backend closed an idle connection as we used it: no sign of illness, so it costs no attempt.
        this.#reuseRaceForgiven = true;
        return true;
      }
    }
    return this.#attempts-- > 0;
  }
}
