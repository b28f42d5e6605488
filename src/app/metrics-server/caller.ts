// Who calls a server that stands behind a Kubernetes API server, and whether they may: both asked of that API server.
// Knows headers, certificates and reviews; not what is served. (Upstream: apiserver/pkg/server/options, delegated.)

import { X509Certificate } from 'node:crypto';
import type { Http2ServerRequest } from 'node:http2';
import { TLSSocket } from 'node:tls';
import { StatusError, unauthorized } from '#kube/api/status.ts';
import type { Attributes } from '#kube/apiserver/authz/attributes.ts';
import { refusal } from '#kube/apiserver/authz/authorizer.ts';
import type { User } from '#kube/apiserver/http/authn.ts';
import type { Client } from '#kube/client/client.ts';
import type { Clock } from '#lib/clock.ts';

/** From the ConfigMap `extension-apiserver-authentication`. */
export interface Trust {
  readonly clientCaPem: string;
  readonly proxyCaPem: string;
  readonly proxyNames: readonly string[];
  readonly userHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly extraPrefixes: readonly string[];
}

const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };
const EVERYBODY = 'system:authenticated';
/** So long an answer of the API server holds, in milliseconds; upstream's are 10 s. */
const KEPT_MS = 10_000;
const MOST_KEPT = 4_096;

const listOf = (text: string | undefined): string[] => (text === undefined ? [] : (JSON.parse(text) as string[]));

export async function readTrust(client: Client): Promise<Trust> {
  const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
  const { data = {} } = (await client.raw('GET', path)) as { data?: Record<string, string> };
  return {
    clientCaPem: data['client-ca-file'] ?? '',
    proxyCaPem: data['requestheader-client-ca-file'] ?? '',
    proxyNames: listOf(data['requestheader-allowed-names']),
    userHeaders: listOf(data['requestheader-username-headers']),
    groupHeaders: listOf(data['requestheader-group-headers']),
    uidHeaders: listOf(data['requestheader-uid-headers']),
    extraPrefixes: listOf(data['requestheader-extra-headers-prefix']),
  };
}

export class Caller {
  readonly #client: Client;
  readonly #trust: Trust;
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly until: number; readonly answer: Promise<unknown> }>();

  constructor(client: Client, trust: Trust, clock: Clock) {
    this.#client = client;
    this.#trust = trust;
    this.#clock = clock;
  }

  /** Throws `StatusError` 401. */
  async identify(request: Http2ServerRequest): Promise<User> {
    const certificate = certificateOf(request);
    if (certificate !== undefined) {
      const proxied = this.#proxied(request, certificate);
      if (proxied !== undefined) return proxied;
    }
    const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (token !== undefined) return await this.#reviewed(token);
    if (certificate !== undefined && isOf(certificate, this.#trust.clientCaPem)) {
      const subject = partsOf(certificate);
      return withEverybody({ name: subject.CN[0] ?? '', groups: subject.O });
    }
    return ANONYMOUS;
  }

  /** Throws `StatusError` 403. */
  async authorize(user: User, attributes: Attributes): Promise<void> {
    if (user.groups.includes('system:masters')) return;
    const { name, groups, uid, extra } = user;
    const what =
      attributes.kind === 'path'
        ? { nonResourceAttributes: { path: attributes.path, verb: attributes.verb } }
        : { resourceAttributes: { ...attributes, kind: undefined } };
    const spec = { user: name, groups, ...(uid && { uid }), ...(extra && { extra }), ...what };
    const { status } = (await this.#ask('authorization.k8s.io/v1', 'SubjectAccessReview', spec)) as {
      status?: { allowed?: boolean; reason?: string };
    };
    if (status?.allowed !== true) throw refusal(user, attributes, status?.reason ?? '');
  }

  /** The API server itself, which says who asked it. */
  #proxied(request: Http2ServerRequest, certificate: X509Certificate): User | undefined {
    const { proxyCaPem, proxyNames, userHeaders, groupHeaders, uidHeaders, extraPrefixes } = this.#trust;
    const [name = ''] = partsOf(certificate).CN;
    if (!isOf(certificate, proxyCaPem) || (proxyNames.length > 0 && !proxyNames.includes(name))) return undefined;
    const valuesOf = (headers: readonly string[]): string[] =>
      headers.flatMap((header) => valuesIn(request, header.toLowerCase()));
    const [user] = valuesOf(userHeaders);
    if (user === undefined) return undefined;
    const extra: Record<string, string[]> = {};
    for (const header of Object.keys(request.headers)) {
      const prefix = extraPrefixes.find((one) => header.startsWith(one.toLowerCase()));
      if (prefix === undefined) continue;
      extra[decodeURIComponent(header.slice(prefix.length))] = valuesIn(request, header);
    }
    const [uid] = valuesOf(uidHeaders);
    return { name: user, groups: valuesOf(groupHeaders), extra, ...(uid === undefined ? {} : { uid }) };
  }

  async #reviewed(token: string): Promise<User> {
    const { status } = (await this.#ask('authentication.k8s.io/v1', 'TokenReview', { token })) as {
      status?: { authenticated?: boolean; user?: { username?: string; groups?: string[]; uid?: string } };
    };
    if (status?.authenticated !== true) throw unauthorized();
    const { username = '', groups = [], uid } = status.user ?? {};
    return withEverybody({ name: username, groups, ...(uid === undefined ? {} : { uid }) });
  }

  async #ask(apiVersion: string, kind: string, spec: unknown): Promise<unknown> {
    const key = JSON.stringify([kind, spec]);
    const now = this.#clock.now();
    const known = this.#kept.get(key);
    if (known !== undefined && known.until > now) return await known.answer;
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    const answer = this.#client.raw('POST', `/apis/${apiVersion}/${kind.toLowerCase()}s`, { apiVersion, kind, spec });
    this.#kept.set(key, { until: now + KEPT_MS, answer });
    try {
      return await answer;
    } catch (error) {
      this.#kept.delete(key);
      const message = `Internal error occurred: ${kind} failed: ${(error as Error).message}`;
      throw new StatusError(500, 'InternalError', message);
    }
  }
}

function certificateOf(request: Http2ServerRequest): X509Certificate | undefined {
  const socket = request.stream?.session?.socket ?? request.socket;
  return socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
}

/** One of an authority, and within its time: which of both authorities let it in says who may do what by it. */
function isOf(certificate: X509Certificate, caPem: string): boolean {
  const now = Date.now();
  if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo)) return false;
  return (caPem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? []).some((pem) => {
    const authority = new X509Certificate(pem);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  });
}

function partsOf({ subject }: X509Certificate): { readonly CN: string[]; readonly O: string[] } {
  const of = (key: string): string[] =>
    subject.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
  return { CN: of('CN'), O: of('O') };
}

/** HTTP/1.1 joins what came several times; groups are told apart by the raw ones. */
function valuesIn({ rawHeaders }: Http2ServerRequest, header: string): string[] {
  const values: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === header) values.push(rawHeaders[at + 1] ?? '');
  }
  return values;
}

const withEverybody = (user: User): User => ({
  ...user,
  groups: [...user.groups.filter((group) => group !== EVERYBODY), EVERYBODY],
});
