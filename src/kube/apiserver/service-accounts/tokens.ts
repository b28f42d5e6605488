// The tokens of service accounts: issued with the cluster's key, and accepted as long as what they name is there.
// Knows claims and objects; nothing of requests.
import type { User } from '../http/authn.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Registry } from '../registry/registry.ts';
import { type Named, readClaims, type TokenClaims, userPrefix, writeClaims } from './claims.ts';
import { JwtKey } from './jwt.ts';

/** Upstream's name of a cluster's issuer; its API takes tokens that are meant for it. */
const ISSUER = 'https://kubernetes.default.svc.cluster.local';
/** As upstream: clocks differ a little, and what is being deleted may still say goodbye. */
const LEEWAY_SECONDS = 60;
/** Reading a signature costs more than many a request; pods come back with the same few tokens. */
const MAX_REMEMBERED = 1024;

/** What a token shows of its holder, or why it is not accepted. */
export type TokenOutcome = { readonly user: User; readonly audiences: readonly string[] } | { readonly error: string };

export class ServiceAccountTokens {
  readonly issuer = ISSUER;
  /** Of tokens that are for this API. */
  readonly audiences: readonly string[] = [ISSUER];
  readonly #key: JwtKey;
  readonly #registry: Registry;
  readonly #read = new Map<string, TokenClaims>();

  /** `keyPem`: private key on P-256 (PKCS #8). */
  constructor(keyPem: string, registry: Registry) {
    this.#key = new JwtKey(keyPem);
    this.#registry = registry;
  }

  issue(claims: TokenClaims): string {
    return this.#key.sign(writeClaims(ISSUER, claims));
  }

  /** Keys by which others verify tokens, as a JSON Web Key Set. */
  keySet(): unknown {
    return { keys: [this.#key.jwk()] };
  }

  /** Undefined for a text that is no token of this cluster's. `now` in milliseconds since the epoch. */
  authenticate(token: string, audiences: readonly string[], now: number): TokenOutcome | undefined {
    const claims = this.#claims(token);
    if (claims === undefined) return undefined;
    const shared = claims.audiences.filter((each) => audiences.includes(each));
    if (shared.length === 0) {
      const error = `token audiences ${JSON.stringify(claims.audiences)} is invalid for the target audiences ${JSON.stringify(audiences)}`;
      return { error };
    }
    const seconds = now / 1000;
    if (seconds > claims.expiresAt + LEEWAY_SECONDS) return { error: 'service account token has expired' };
    if (seconds < claims.issuedAt - LEEWAY_SECONDS) return { error: 'service account token is not valid yet' };
    const lost = this.#lost(claims, now);
    return lost === undefined ? { user: userOf(claims), audiences: shared } : { error: lost };
  }

  #claims(token: string): TokenClaims | undefined {
    const known = this.#read.get(token);
    if (known !== undefined) return known;
    const read = this.#key.read(token);
    const claims = read === undefined ? undefined : readClaims(ISSUER, read);
    if (claims === undefined) return undefined;
    // The oldest go first: a map keeps the order in which things came.
    for (const oldest of this.#read.keys()) {
      if (this.#read.size < MAX_REMEMBERED) break;
      this.#read.delete(oldest);
    }
    this.#read.set(token, claims);
    return claims;
  }

  /** Which of the objects the token stands on is gone, or another than it was. */
  #lost({ namespace, account, pod, secret, node }: TokenClaims, now: number): string | undefined {
    const missing = (resource: string, what: Named | undefined, within: string | undefined): boolean =>
      what !== undefined && !lives(this.#registry.builtin('', 'v1', resource).collection, within, what, now);
    if (missing('serviceaccounts', account, namespace)) return 'service account token has been invalidated';
    const bound = missing('pods', pod, namespace) || missing('secrets', secret, namespace);
    // A pod's node is only told; a token without pod ends with its node.
    if (bound || (pod === undefined && missing('nodes', node, undefined))) {
      return 'service account token has been invalidated: what it is bound to is gone';
    }
    return undefined;
  }
}

interface Objects {
  get(namespace: string | undefined, name: string): { readonly object: AnyObject } | undefined;
}

function lives(objects: Objects, namespace: string | undefined, { name, uid }: Named, now: number): boolean {
  const metadata = objects.get(namespace, name)?.object.metadata;
  if (metadata === undefined || metadata.uid !== uid) return false;
  const { deletionTimestamp } = metadata;
  return deletionTimestamp === undefined || Date.parse(deletionTimestamp) + LEEWAY_SECONDS * 1000 >= now;
}

function userOf({ namespace, account, pod, node, id }: TokenClaims): User {
  const about = 'authentication.kubernetes.io';
  return {
    name: `${userPrefix}${namespace}:${account.name}`,
    uid: account.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: {
      ...(id === '' ? {} : { [`${about}/credential-id`]: [`JTI=${id}`] }),
      ...(node === undefined ? {} : { [`${about}/node-name`]: [node.name], [`${about}/node-uid`]: [node.uid] }),
      ...(pod === undefined ? {} : { [`${about}/pod-name`]: [pod.name], [`${about}/pod-uid`]: [pod.uid] }),
    },
  };
}
