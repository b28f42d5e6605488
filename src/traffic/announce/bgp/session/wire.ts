// A connection to a peer, as the session sees it.
// Types only: TCP stands behind it, or a test.

export interface WireHandlers {
  readonly data: (bytes: Buffer) => void;
  /** What was written has gone out. */
  readonly drained: () => void;
  /** Nothing more will come; called once, and not after `end` or `drop`. */
  readonly closed: (why: string) => void;
}

export interface Wire {
  readonly localAddress: string;
  readonly remoteAddress: string;
  /** Something written before has not gone out yet. */
  readonly congested: boolean;
  listen(handlers: WireHandlers): void;
  write(bytes: Buffer): void;
  /** Sends these bytes as the last ones, and closes when they are gone, or after a while. */
  end(bytes?: Buffer): void;
  /** Closes at once. */
  drop(): void;
}
