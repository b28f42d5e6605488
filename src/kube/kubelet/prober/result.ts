// What one probe attempt says, whichever way it was made.
// Data only.

export interface ProbeResult {
  /** `unknown`: the probe itself could not be made; it counts neither way. */
  readonly outcome: 'success' | 'failure' | 'unknown';
  /** Text for the event and the log. */
  readonly output: string;
  /** Nobody listens on the port yet; told apart so that a starting process is asked again soon. */
  readonly refused?: boolean;
}

export function success(output = ''): ProbeResult {
  return { outcome: 'success', output };
}

export function failure(output: string, refused = false): ProbeResult {
  return { outcome: 'failure', output, refused };
}

export function unknown(output: string): ProbeResult {
  return { outcome: 'unknown', output };
}

/** An error of a socket in the words that Kubernetes users know. */
export function dialError(address: string, error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return `dial tcp ${address}: connect: connection refused`;
  if (error.code === 'ECONNRESET') return `read tcp ${address}: read: connection reset by peer`;
  if (error.code === 'EHOSTUNREACH') return `dial tcp ${address}: connect: no route to host`;
  return `dial tcp ${address}: ${error.message}`;
}

/** `host:port`, with brackets around an IPv6 address. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
