// What a shop service is: a name, and handlers that turn a request into a reply.
// Knows no socket; server.ts does the talking.

/** A request as a handler sees it. */
export interface Incoming {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly cookies: ReadonlyMap<string, string>;
  /** Sent on with every call to another service, so that one purchase can be followed through all logs. */
  readonly requestId: string;
  /** The JSON body; an empty body is `{}`. Rejects with `Refused` 400 or 413. */
  json(): Promise<Readonly<Record<string, unknown>>>;
}

export interface Reply {
  readonly status?: number;
  /** Text goes out as HTML, anything else as JSON. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Handler = (request: Incoming) => Reply | Promise<Reply>;

export interface Service {
  readonly name: string;
  /** `GET /api/cart`; a trailing `*` takes every path below. */
  readonly routes: Readonly<Record<string, Handler>>;
}

/** A request that cannot be served; the message is meant for the caller. */
export class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Who answered: shown on the page, and in every JSON reply. */
export interface ServedBy {
  readonly pod: string;
  readonly node: string;
}

export const servedBy: ServedBy = {
  pod: process.env.POD_NAME ?? `local-${process.pid}`,
  node: process.env.NODE_NAME ?? 'local',
};
