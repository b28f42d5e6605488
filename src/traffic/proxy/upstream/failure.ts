// What can go wrong on the way to a backend, as values: the data plane never throws across a connection.
// Knows nothing of requests; a failure says by itself whether sending again is safe.

export interface Failure {
  readonly code: 'connect' | 'connect_timeout' | 'closed' | 'protocol' | 'response_timeout' | 'idle_timeout';
  readonly source: 'downstream' | 'upstream' | 'internal';
  /** `unsent`: nothing reached the backend. `unanswered`: it may have acted. `never`: a response had begun, or waiting again would only double the time. */
  readonly retrySafe: 'unsent' | 'unanswered' | 'never';
  /** Status for the client when nothing was answered yet. */
  readonly status: 502 | 504;
  /** What the client is told; names no address. */
  readonly reason: string;
}

export const failures = {
  connect: {
    code: 'connect',
    source: 'upstream',
    retrySafe: 'unsent',
    status: 502,
    reason: 'Backend does not accept connections',
  },
  connectTimeout: {
    code: 'connect_timeout',
    source: 'upstream',
    retrySafe: 'unsent',
    status: 504,
    reason: 'Backend did not accept the connection in time',
  },
  closed: {
    code: 'closed',
    source: 'upstream',
    retrySafe: 'unanswered',
    status: 502,
    reason: 'Backend closed the connection without a response',
  },
  truncated: {
    code: 'closed',
    source: 'upstream',
    retrySafe: 'never',
    status: 502,
    reason: 'Backend closed the connection within the response',
  },
  protocol: {
    code: 'protocol',
    source: 'upstream',
    retrySafe: 'never',
    status: 502,
    reason: 'Backend sent a malformed response',
  },
  responseTimeout: {
    code: 'response_timeout',
    source: 'upstream',
    retrySafe: 'never',
    status: 504,
    reason: 'Backend did not respond in time',
  },
  idleTimeout: {
    code: 'idle_timeout',
    source: 'upstream',
    retrySafe: 'never',
    status: 504,
    reason: 'Backend stopped sending',
  },
} as const satisfies Record<string, Failure>;
