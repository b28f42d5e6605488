// What one attempt says about the health of an endpoint.
// Knows statuses and how a connection failed; counts nothing.

/** Why an endpoint is ejected; the value of a metric label. */
export type EjectionCause =
  | 'consecutive_5xx'
  | 'consecutive_gateway_errors'
  | 'consecutive_connect_failures'
  | 'success_rate'
  | 'latency';

/** The runs that are counted from attempt to attempt, in the order of their counters. */
export const RUNS = ['consecutive_5xx', 'consecutive_gateway_errors', 'consecutive_connect_failures'] as const;

type Run = (typeof RUNS)[number];

/** Bits of `RUNS` that an attempt makes longer; it ends the others. 0 is a good one. */
export type Verdict = number;

const bits = (...runs: readonly Run[]): Verdict => runs.reduce((mask, run) => mask | (1 << RUNS.indexOf(run)), 0);

const GOOD = 0;
const SERVER_ERROR = bits('consecutive_5xx');
const GATEWAY_ERROR = bits('consecutive_5xx', 'consecutive_gateway_errors');
const NO_CONNECTION = bits(...RUNS);

/**
 * `status` of the response; 0 when none came, and then `connectFailed` says whether it was the connection that
 * could not be made. Whatever is not good counts against the success rate.
 */
export function verdictOf(status: number, connectFailed: boolean): Verdict {
  if (status === 0) return connectFailed ? NO_CONNECTION : GATEWAY_ERROR;
  if (status < 500) return GOOD;
  return status === 502 || status === 503 || status === 504 ? GATEWAY_ERROR : SERVER_ERROR;
}
