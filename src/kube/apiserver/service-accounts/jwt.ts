// JSON Web Tokens signed with one elliptic key (ES256): written, read, and described for whoever verifies them elsewhere.
// Knows nothing of what a token claims.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { type Fields, isFields } from '../registry/any-object.ts';

/** Longer texts are no tokens of ours; they are not looked into. */
const MAX_LENGTH = 16_384;

/** A new private key on P-256 as PEM text (PKCS #8). */
export function createSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

export class JwtKey {
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  /** As upstream: the digest of the public key, so that it says nothing and changes with the key. */
  readonly id: string;

  /** Throws when the text is not a private key on P-256. */
  constructor(pem: string) {
    this.#private = createPrivateKey(pem);
    if (this.#private.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      throw new Error('The key that signs tokens of service accounts is not one on P-256: remove it, and start again');
    }
    this.#public = createPublicKey(this.#private);
    const der = this.#public.export({ type: 'spki', format: 'der' });
    this.id = createHash('sha256').update(der).digest('base64url');
  }

  sign(claims: Fields): string {
    const text = `${encode({ alg: 'ES256', kid: this.id })}.${encode(claims)}`;
    const signature = sign('sha256', Buffer.from(text), { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return `${text}.${signature.toString('base64url')}`;
  }

  /** The claims of a token that this key has signed; undefined for any other text. */
  read(token: string): Fields | undefined {
    if (token.length > MAX_LENGTH) return undefined;
    const parts = token.split('.');
    const [head = '', body = '', signature = ''] = parts;
    // The algorithm is ours to say: a token that names another one is not read at all.
    if (parts.length !== 3 || decode(head)?.alg !== 'ES256') return undefined;
    const bytes = Buffer.from(signature, 'base64url');
    if (bytes.length !== 64) return undefined;
    const key = { key: this.#public, dsaEncoding: 'ieee-p1363' } as const;
    return verify('sha256', Buffer.from(`${head}.${body}`), key, bytes) ? decode(body) : undefined;
  }

  /** The public key as a JSON Web Key. */
  jwk(): Fields {
    const { kty, crv, x, y } = this.#public.export({ format: 'jwk' });
    return { use: 'sig', kty, kid: this.id, crv, alg: 'ES256', x, y };
  }
}

function encode(value: Fields): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
