// What can go wrong on the way to a backend, as values: the data plane never throws across a connection.
// Knows nothing of requests; a failure says by itself whether sending again is safe.

import type { RetryCondition } from '#traffic/model/ir.ts';

export interface Failure {
  readonly code:
    | 'connect'
    | 'connect_timeout'
    | 'pending_timeout'
    | 'hold_timeout'
    | 'retry_budget'
    | 'tls_handshake'
    | 'tls_untrusted'
    | 'tls_name'
    | 'tls_expired'
    | 'tls_protocol'
    | 'tls_settings'
    | 'closed'
    | 'protocol'
    | 'refused_stream'
    | 'reset'
    | 'unheard'
    | 'response_timeout'
    | 'try_timeout'
    | 'request_timeout'
    | 'idle_timeout'
    | 'drained';
  readonly source: 'downstream' | 'upstream' | 'internal';
  /** `unsent`: nothing reached the backend. `unanswered`: it may have acted. `never`: a response had begun, or there is no time left. */
  readonly retrySafe: 'unsent' | 'unanswered' | 'never';
  /** What a retry policy must name for another try; undefined when none is of use. */
  readonly condition: RetryCondition | undefined;
  /** Status for the client when nothing was answered yet. */
  readonly status: 502 | 503 | 504;
  /** What the client is told; names no address. */
  readonly reason: string;
}

export const failures = {
  connect: {
    code: 'connect',
    source: 'upstream',
    retrySafe: 'unsent',
    condition: 'connect_failure',
    status: 502,
    reason: 'Backend does not accept connections',
  },
  connectTimeout: {
    code: 'connect_timeout',
    source: 'upstream',
    retrySafe: 'unsent',
    condition: 'connect_failure',
    status: 504,
    reason: 'Backend did not accept the connection in time',
  },
  pendingTimeout: {
    code: 'pending_timeout',
    source: 'internal',
    retrySafe: 'never',
    condition: undefined,
    status: 503,
    reason: 'No connection to a backend became free in time',
  },
  retryBudget: {
    code: 'retry_budget',
    source: 'internal',
    retrySafe: 'never',
    condition: undefined,
    status: 503,
    reason: 'Backend fails, and no more retries may be made',
  },
  holdTimeout: {
    code: 'hold_timeout',
    source: 'internal',
    retrySafe: 'never',
    condition: undefined,
    status: 503,
    reason: 'No endpoint became ready in time',
  },
  tlsHandshake: {
    code: 'tls_handshake',
    source: 'upstream',
    retrySafe: 'unsent',
    condition: 'connect_failure',
    status: 502,
    reason: 'TLS handshake with the backend failed',
  },
  tlsUntrusted: {
    code: 'tls_untrusted',
    source: 'upstream',
    retrySafe: 'unsent',
    condition: 'connect_failure',
    status: 502,
    reason: 'Certificate of the backend is not trusted',
  },
  tlsName: {
    code: 'tls_name',
    source: 'upstream',
    retrySafe: 'unsent',
    condition: 'connect_failure',
    status: 502,
    reason: 'Certificate of the backend is for another name',
  },
  tlsExpired: {
    code: 'tls_expired',
    source: 'upstream',
    retrySafe: 'unsent',
    condition: 'connect_failure',
    status: 502,
    reason: 'Certificate of the backend is not valid at this time',
  },
  tlsProtocol: {
    code: 'tls_protocol',
    source: 'upstream',
    retrySafe: 'unsent',
    condition: 'connect_failure',
    status: 502,
    reason: 'Backend does not speak HTTP/2 over TLS',
  },
  tlsSettings: {
    code: 'tls_settings',
    source: 'internal',
    retrySafe: 'never',
    condition: undefined,
    status: 502,
    reason: 'TLS settings for the backend cannot be used',
  },
  closed: {
    code: 'closed',
    source: 'upstream',
    retrySafe: 'unanswered',
    condition: 'reset',
    status: 502,
    reason: 'Backend closed the connection without a response',
  },
  truncated: {
    code: 'closed',
    source: 'upstream',
    retrySafe: 'never',
    condition: undefined,
    status: 502,
    reason: 'Backend closed the connection within the response',
  },
  unheard: {
    code: 'unheard',
    source: 'upstream',
    retrySafe: 'unanswered',
    condition: 'reset',
    status: 502,
    reason: 'Machine of the backend does not acknowledge the request',
  },
  refusedStream: {
    code: 'refused_stream',
    source: 'upstream',
    retrySafe: 'unsent',
    condition: 'refused_stream',
    status: 503,
    reason: 'Backend takes no more requests',
  },
  reset: {
    code: 'reset',
    source: 'upstream',
    retrySafe: 'unanswered',
    condition: 'reset',
    status: 502,
    reason: 'Backend gave the request up without a response',
  },
  protocol: {
    code: 'protocol',
    source: 'upstream',
    retrySafe: 'never',
    condition: undefined,
    status: 502,
    reason: 'Backend sent a malformed response',
  },
  responseTimeout: {
    code: 'response_timeout',
    source: 'upstream',
    // Waiting again would only double the time, so this is repeated for those who ask for it by name.
    retrySafe: 'unanswered',
    condition: 'timeout',
    status: 504,
    reason: 'Backend did not respond in time',
  },
  tryTimeout: {
    code: 'try_timeout',
    source: 'upstream',
    retrySafe: 'unanswered',
    condition: 'timeout',
    status: 504,
    reason: 'Backend did not respond in the time of one try',
  },
  requestTimeout: {
    code: 'request_timeout',
    source: 'internal',
    retrySafe: 'never',
    condition: undefined,
    status: 504,
    reason: 'Request took too long',
  },
  requestUnanswered: {
    code: 'request_timeout',
    // All that was left of the request's time went by while the backend had it, or did not take the connection.
    source: 'upstream',
    retrySafe: 'never',
    condition: undefined,
    status: 504,
    reason: 'Request took too long',
  },
  drained: {
    code: 'drained',
    source: 'internal',
    // The backend may have acted, but it is gone for good: another one may know.
    retrySafe: 'unanswered',
    condition: 'reset',
    status: 503,
    reason: 'Backend has left and its time to finish is over',
  },
  idleTimeout: {
    code: 'idle_timeout',
    source: 'upstream',
    retrySafe: 'never',
    condition: undefined,
    status: 504,
    reason: 'Backend stopped sending',
  },
} as const satisfies Record<string, Failure>;
