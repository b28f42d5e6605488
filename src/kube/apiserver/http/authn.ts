// Who is asking: a client certificate of our authority, or a bearer token: from the table, or of a service account; or nobody known.
// Knows certificates and headers; what a user may do is not decided here.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { TLSSocket } from 'node:tls';
import { unauthorized } from '#kube/api/status.ts';
import type { Clock } from '#lib/clock.ts';
import type { ServiceAccountTokens, TokenOutcome } from '../service-accounts/tokens.ts';
import { takeWebSocketToken } from './websocket-token.ts';

export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  /** What else is known of the user, e.g. the pod that holds the token. */
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export type TokenTable = ReadonlyMap<string, { readonly name: string; readonly groups: readonly string[] }>;

const ANYONE = 'system:authenticated';
/** Who comes without any credentials. What is allowed to them is for roles to say. */
export const anonymous: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** Throws `StatusError` 401 when the request carries a certificate or a token, and neither is a valid one. */
export function authenticate(request: Http2ServerRequest, tokens: TokenAuthenticator): User {
  const user =
    fromHeader(request.headers.authorization, tokens) ?? fromCertificate(request) ?? fromProtocol(request, tokens);
  return user === undefined ? anonymous : withEveryone(user);
}

function withEveryone(user: User): User {
  return { ...user, groups: [...user.groups.filter((group) => group !== ANYONE), ANYONE] };
}

function fromHeader(header: string | undefined, tokens: TokenAuthenticator): User | undefined {
  return fromToken(/^Bearer +(\S+)$/i.exec(header ?? '')?.[1], tokens);
}

function fromProtocol(request: Http2ServerRequest, tokens: TokenAuthenticator): User | undefined {
  // Only HTTP/1.1 is upgraded, and its requests have no stream.
  if (request.stream !== undefined) return undefined;
  return fromToken(takeWebSocketToken(request as unknown as IncomingMessage), tokens);
}

function fromToken(token: string | undefined, tokens: TokenAuthenticator): User | undefined {
  if (token === undefined) return undefined;
  const outcome = tokens.authenticate(token, undefined);
  if (!('user' in outcome)) throw unauthorized();
  return outcome.user;
}

/** Every bearer token that is accepted, of whichever kind. */
export class TokenAuthenticator {
  readonly #table: TokenTable;
  readonly #accounts: ServiceAccountTokens;
  readonly #clock: Clock;

  constructor(table: TokenTable, accounts: ServiceAccountTokens, clock: Clock) {
    this.#table = table;
    this.#accounts = accounts;
    this.#clock = clock;
  }

  /** `audiences`: whom the token has to be meant for; this API when left out. */
  authenticate(token: string, audiences: readonly string[] = this.#accounts.audiences): TokenOutcome {
    const listed = fromTable(token, this.#table);
    // Such a token names no audience; it is for this API.
    if (listed !== undefined) {
      const shared = audiences.filter((each) => this.#accounts.audiences.includes(each));
      if (shared.length > 0) return { user: withEveryone(listed), audiences: shared };
    }
    const outcome = this.#accounts.authenticate(token, audiences, this.#clock.wall());
    if (outcome === undefined) return { error: 'invalid bearer token' };
    return 'user' in outcome ? { ...outcome, user: withEveryone(outcome.user) } : outcome;
  }
}

function fromTable(text: string, tokens: TokenTable): User | undefined {
  const given = Buffer.from(text);
  let found: User | undefined;
  // Every token is compared, in constant time, so that the answer's timing tells nothing of them.
  for (const [token, user] of tokens) {
    const known = Buffer.from(token);
    if (known.length === given.length && timingSafeEqual(known, given)) found = user;
  }
  return found;
}

/** Reading a certificate costs more than many a request, and a connection never changes its own. */
const certificateUsers = new WeakMap<object, User | 'none' | 'refused'>();

function fromCertificate(request: Http2ServerRequest): User | undefined {
  // HTTP/1.1 requests have no stream; what HTTP/2 calls its socket is a stand-in made anew each time.
  const connection: object = request.stream?.session ?? request.socket;
  let user = certificateUsers.get(connection);
  if (user === undefined) {
    user = readCertificate(request.stream?.session?.socket ?? request.socket);
    certificateUsers.set(connection, user);
  }
  if (user === 'refused') throw unauthorized();
  return user === 'none' ? undefined : user;
}

/** CN is the name, each O a group, as upstream's x509 authenticator reads them. */
function readCertificate(socket: unknown): User | 'none' | 'refused' {
  if (!(socket instanceof TLSSocket)) return 'none';
  const subject: Readonly<Record<string, string | string[] | undefined>> | undefined =
    socket.getPeerCertificate().subject;
  if (subject === undefined) return 'none';
  const name = [subject.CN ?? []].flat()[0];
  // One of another authority, or past its end, is refused; its holder is not taken for somebody without any.
  if (!socket.authorized || name === undefined) return 'refused';
  return { name, groups: [subject.O ?? []].flat() };
}
