// Where the server listens, by whichever transport.
// Types only.

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Answers of one address that wait for a resolver; beyond it, questions are dropped, and their clients ask again. */
export const MAX_PENDING = 2_000;
