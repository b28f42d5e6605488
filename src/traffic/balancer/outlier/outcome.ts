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

export type Run = (typeof RUNS)[number];

/** Which runs an attempt makes longer; it ends the others. */
export interface Verdict {
  /** Counts against the success rate. */
  readonly failed: boolean;
  readonly lengthens: Readonly<Record<Run, boolean>>;
}

const verdict = (failed: boolean, gateway: boolean, connect: boolean): Verdict =>
  Object.freeze({
    failed,
    lengthens: Object.freeze({
      consecutive_5xx: failed,
      consecutive_gateway_errors: gateway,
      consecutive_connect_failures: connect,
    }),
  });

const GOOD = verdict(false, false, false);
const SERVER_ERROR = verdict(true, false, false);
const GATEWAY_ERROR = verdict(true, true, false);
const NO_CONNECTION = verdict(true, true, true);

/**
 * `status` of the response; 0 when none came, and then `connectFailed` says whether it was the connection that
 * could not be made. One of four frozen values: nothing is allocated.
 */
export function verdictOf(status: number, connectFailed: boolean): Verdict {
  if (status === 0) return connectFailed ? NO_CONNECTION : GATEWAY_ERROR;
  if (status < 500) return GOOD;
  return status === 502 || status === 503 || status === 504 ? GATEWAY_ERROR : SERVER_ERROR;
}
