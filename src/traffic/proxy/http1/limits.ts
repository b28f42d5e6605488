// How much a client may send, and how long it may take.
// Plain numbers with defaults; who enforces them reads them here.

export interface HttpLimits {
  /** Bytes of the request line, without its line end. */
  readonly requestLine: number;
  /** Bytes of the whole head; of a response, with all interim responses before it. */
  readonly head: number;
  /** Header lines of a request; a response may have twice as many. */
  readonly headers: number;
  /** Bytes of a request body; 0 for no limit. */
  readonly body: number;
  /** Milliseconds from the first byte of a head (or from accept) to its end; and for a handshake. */
  readonly headTimeout: number;
  /** Milliseconds a connection may stay open between two requests. */
  readonly idleTimeout: number;
  /** Milliseconds in which `bodyMinimum` bytes have to come while a request body is due. */
  readonly bodyTimeout: number;
  /** Bytes that begin `bodyTimeout` anew; a body that comes more slowly is refused. */
  readonly bodyMinimum: number;
  /** Milliseconds a client may refuse to read while bytes wait for it. */
  readonly sendTimeout: number;
  /** Milliseconds a connection that is being closed still swallows input, so that no reset overtakes its last answer. */
  readonly linger: number;
  /** Connections under way at a time, per worker, whose PROXY header or ClientHello is still to come. */
  readonly handshakes: number;
  /** Streams that a client of HTTP/2 may have open at a time. */
  readonly streams: number;
  /** Bytes of a request kept so that it can be sent again. */
  readonly replay: number;
}

export const defaultLimits: HttpLimits = {
  requestLine: 8 * 1024,
  head: 64 * 1024,
  headers: 100,
  body: 0,
  headTimeout: 10_000,
  idleTimeout: 75_000,
  bodyTimeout: 60_000,
  bodyMinimum: 1024,
  sendTimeout: 60_000,
  linger: 2000,
  handshakes: 4096,
  streams: 100,
  replay: 64 * 1024,
};
