// Cross-origin requests (Fetch standard, CORS): answers preflights, and says on every answer who may read it.
// The policy of the route is the only voice: what a backend says of the same is replaced.

import type { CorsPolicy } from '#traffic/model/ir.ts';
import { fieldValue, removeFields } from '../http/head-edits.ts';
import type { LocalReply } from '../http/local-reply.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { FilterExchange, FilterFactory, HttpFilter, ResponseLines } from './filter.ts';
import { type OriginTest, originTest } from './origins.ts';

const spoken: ReadonlySet<string> = new Set([
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
]);

/** A policy with its lines made. */
interface Prepared {
  readonly policy: CorsPolicy;
  readonly allows: OriginTest;
  /** Anybody may read answers that no credentials went into: they need not differ by origin. */
  readonly public: boolean;
  readonly credentials: string;
  readonly exposed: string;
}

export function cors(policy: CorsPolicy): FilterFactory {
  const prepared = prepare(policy);
  return () => new Cors(prepared);
}

function prepare(policy: CorsPolicy): Prepared {
  const any = policy.allowOrigins.includes('*');
  // To a browser, `*` beside credentials is the name of a header and no wildcard.
  const exposed = policy.exposeHeaders.filter((name) => name !== '*' || !policy.allowCredentials);
  return {
    policy,
    allows: originTest(policy.allowOrigins),
    public: any && !policy.allowCredentials,
    credentials: policy.allowCredentials ? 'Access-Control-Allow-Credentials: true\r\n' : '',
    exposed: exposed.length === 0 ? '' : `Access-Control-Expose-Headers: ${exposed.join(', ')}\r\n`,
  };
}

/** What a preflight is answered with; undefined for every other request. */
export function preflightReply(policy: CorsPolicy, head: RequestHead): LocalReply | undefined {
  return preflight(prepare(policy), head);
}

function preflight(prepared: Prepared, head: RequestHead): LocalReply | undefined {
  const origin = head.header('origin');
  const method = head.header('access-control-request-method');
  // Without the header it is an OPTIONS request like any other, and the backend's.
  if (head.method !== 'OPTIONS' || origin === undefined || method === undefined) return undefined;
  const wanted = head.header('access-control-request-headers') ?? '';
  const headers = preflightLines(prepared, origin, method, wanted);
  return { status: 200, body: '', contentType: '', headers, code: 'cors_preflight' };
}

class Cors implements HttpFilter {
  readonly #prepared: Prepared;
  #origin: string | undefined;
  #preflight = false;

  constructor(prepared: Prepared) {
    this.#prepared = prepared;
  }

  onRequest({ head }: FilterExchange): LocalReply | undefined {
    this.#origin = head.header('origin');
    const reply = preflight(this.#prepared, head);
    this.#preflight = reply !== undefined;
    return reply;
  }

  onResponse(_x: FilterExchange, head: ResponseLines): void {
    if (this.#preflight) return;
    const prepared = this.#prepared;
    removeFields(head, spoken);
    const origin = this.#origin;
    if (origin !== undefined && prepared.allows(origin))
      head.added += `${allowOrigin(prepared, origin)}${prepared.credentials}${prepared.exposed}`;
    // Also where nothing was allowed: a cache must not give this answer to another origin.
    if (!prepared.public) varyBy(head, 'Origin');
  }
}

function allowOrigin(prepared: Prepared, origin: string): string {
  return `Access-Control-Allow-Origin: ${prepared.public ? '*' : origin}\r\n`;
}

/** A refusal is a 200 as well, which says nothing: the browser then keeps the request back. */
function preflightLines(prepared: Prepared, origin: string, method: string, wanted: string): string {
  const { policy, allows, credentials, exposed } = prepared;
  const vary = 'Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n';
  if (!allows(origin)) return vary;
  const methods = listOrEcho(policy.allowMethods, method, policy.allowCredentials);
  const headers = listOrEcho(policy.allowHeaders, wanted, policy.allowCredentials);
  return (
    allowOrigin(prepared, origin) +
    (methods === '' ? '' : `Access-Control-Allow-Methods: ${methods}\r\n`) +
    (headers === '' ? '' : `Access-Control-Allow-Headers: ${headers}\r\n`) +
    credentials +
    exposed +
    `Access-Control-Max-Age: ${policy.maxAgeSeconds}\r\n${vary}`
  );
}

/** With credentials a browser takes `*` for a name: what was asked for is said instead. */
function listOrEcho(list: readonly string[], asked: string, credentials: boolean): string {
  if (!list.includes('*')) return list.join(', ');
  return credentials ? asked : '*';
}

/** Says that the answer depends on a request header, once. */
export function varyBy(head: ResponseLines, name: string): void {
  const before = fieldValue(head, 'vary');
  if (before !== undefined) {
    const names = before.toLowerCase().split(',');
    if (names.some((one) => one.trim() === '*' || one.trim() === name.toLowerCase())) return;
  }
  head.added += `Vary: ${name}\r\n`;
}
