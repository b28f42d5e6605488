// What a line of the access log can say: every field, and what it means.
// Data only; who fills it in and who writes it down are others.

/** One request, once it is over. Text is empty where there is nothing to say. */
export interface AccessRecord {
  readonly listener: string;
  readonly client: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly protocol: string;
  readonly status: number;
  readonly durationMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly route: string;
  readonly cluster: string;
  readonly endpoint: string;
  readonly pod: string;
  readonly attempts: number;
  readonly requestId: string;
  readonly traceId: string;
  readonly failure: string;
  readonly heldMs: number;
  readonly userAgent: string;
  readonly referer: string;
}

export type AccessField = 'time' | keyof AccessRecord;

/** In the order of a line. */
export const accessFields: Readonly<Record<AccessField, string>> = {
  time: 'when the response ended, ISO 8601 in UTC',
  listener: 'name of the listener',
  client: 'address of the client, as trusted proxies tell it',
  method: 'of the request',
  host: 'in lower case, without port',
  path: 'with its query, as routes see it',
  protocol: 'HTTP/1.1 or HTTP/2, on the client’s side',
  status: 'of the response; 499 when the client left before there was one',
  durationMs: 'from the end of the request head to the last byte of the response, milliseconds',
  bytesIn: 'payload of the request',
  bytesOut: 'payload of the response, as the client got it',
  route: 'the route that matched',
  cluster: 'the cluster that it leads to',
  endpoint: 'address:port of the last attempt',
  pod: 'namespace/name of the pod there',
  attempts: 'how many there were',
  requestId: 'X-Request-Id, the client’s or one made for it',
  traceId: 'of the trace, when it is recorded',
  failure: 'what went wrong, in one word',
  heldMs: 'how long it waited for the first endpoint of its cluster, milliseconds',
  userAgent: 'what the client calls itself',
  referer: 'the page that the request comes from',
};

/** Those of a line unless somebody picks. */
export const defaultAccessFields: readonly AccessField[] = (Object.keys(accessFields) as AccessField[]).filter(
  (name) => name !== 'userAgent' && name !== 'referer',
);

export function isAccessField(name: string): name is AccessField {
  return Object.hasOwn(accessFields, name);
}

export const ACCESS_FORMATS = ['json', 'text'] as const;

export interface AccessLogSettings {
  /** `-` is standard output. */
  readonly file: string;
  readonly format: (typeof ACCESS_FORMATS)[number];
  readonly fields: readonly AccessField[];
  /** Of all requests, which share has a line: 0 to 1. Those that failed (5xx) always have one. */
  readonly ratio: number;
  /** Milliseconds from which on a request always has a line; 0: however long it took, it needs not. */
  readonly slow: number;
}

/** Every request, in JSON, with the usual fields. */
export function accessLogTo(file: string): AccessLogSettings {
  return { file, format: 'json', fields: defaultAccessFields, ratio: 1, slow: 0 };
}
