// What a token of a service account claims: whose it is, for whom, how long, and what it ends with.
// Knows the words of the claims; whether they still hold is asked elsewhere.
import { randomUUID } from 'node:crypto';
import { dig, digArray, digNumber, digString, type Fields } from '../registry/any-object.ts';

/** An object that a token names. */
export interface Named {
  readonly name: string;
  readonly uid: string;
}

export interface TokenClaims {
  readonly namespace: string;
  readonly account: Named;
  /** The token is of no use without it. */
  readonly pod?: Named;
  readonly secret?: Named;
  /** Where the pod runs, or what the token is bound to. */
  readonly node?: Named;
  readonly audiences: readonly string[];
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Names this one token. */
  readonly id: string;
}

const OWN = 'kubernetes.io';

export const userPrefix = 'system:serviceaccount:';

export function newTokenId(): string {
  return randomUUID();
}

export function writeClaims(issuer: string, claims: TokenClaims): Fields {
  const { namespace, account, pod, secret, node, audiences, issuedAt, expiresAt, id } = claims;
  return {
    aud: audiences,
    exp: expiresAt,
    iat: issuedAt,
    iss: issuer,
    jti: id,
    [OWN]: {
      namespace,
      ...(node === undefined ? {} : { node }),
      ...(pod === undefined ? {} : { pod }),
      ...(secret === undefined ? {} : { secret }),
      serviceaccount: account,
    },
    nbf: issuedAt,
    sub: `${userPrefix}${namespace}:${account.name}`,
  };
}

/** Undefined when they are not those of a service account of `issuer`. */
export function readClaims(issuer: string, claims: Fields): TokenClaims | undefined {
  const account = named(claims, 'serviceaccount');
  const namespace = digString(claims, OWN, 'namespace');
  if (claims.iss !== issuer || account === undefined || namespace === '') return undefined;
  if (claims.sub !== `${userPrefix}${namespace}:${account.name}`) return undefined;
  const pod = named(claims, 'pod');
  const secret = named(claims, 'secret');
  const node = named(claims, 'node');
  return {
    namespace,
    account,
    ...(pod === undefined ? {} : { pod }),
    ...(secret === undefined ? {} : { secret }),
    ...(node === undefined ? {} : { node }),
    audiences: digArray(claims, 'aud').map(String),
    issuedAt: digNumber(claims, 'nbf') ?? Number.POSITIVE_INFINITY,
    expiresAt: digNumber(claims, 'exp') ?? 0,
    id: digString(claims, 'jti'),
  };
}

function named(claims: Fields, what: string): Named | undefined {
  if (dig(claims, OWN, what) === undefined) return undefined;
  return { name: digString(claims, OWN, what, 'name'), uid: digString(claims, OWN, what, 'uid') };
}
