// Keys of session tickets: one secret for all workers, changed now and then, with the last one still good.
// Knows nothing of connections. A context derives keys of its own, so that no other context can open its tickets.

import { hkdfSync, randomBytes } from 'node:crypto';

/** Newest first: new tickets are made with the first, all of them open tickets. */
export type TicketSecrets = readonly [Uint8Array, ...Uint8Array[]];

/** Made where the workers are started, so that a session of one resumes at every other. */
export class TicketSecretRing {
  #secrets: TicketSecrets = [randomBytes(32)];

  get secrets(): TicketSecrets {
    return this.#secrets;
  }

  /** The last one stays good until the next change; what is older is forgotten. */
  rotate(): TicketSecrets {
    this.#secrets = [randomBytes(32), this.#secrets[0]];
    return this.#secrets;
  }
}

export interface TicketKey {
  /** 16 bytes that a ticket begins with. */
  readonly name: Buffer;
  readonly hmac: Buffer;
  readonly aes: Buffer;
}

/** Newest first. */
export type TicketKeys = readonly [TicketKey, ...TicketKey[]];

/** The keys of one context; `context` names everything that a session must not cross. */
export function deriveTicketKeys(secrets: TicketSecrets, context: string): TicketKeys {
  const derive = (secret: Uint8Array): TicketKey => {
    const bytes = Buffer.from(hkdfSync('sha256', secret, '', `evenkeel session tickets ${context}`, 48));
    return { name: bytes.subarray(0, 16), hmac: bytes.subarray(16, 32), aes: bytes.subarray(32, 48) };
  };
  const [newest, ...older] = secrets;
  return [derive(newest), ...older.map(derive)];
}

/** What OpenSSL's ticket callback answers: 0 unknown, 1 as it is, 2 good but to be renewed. */
type TicketAnswer = readonly [result: 0 | 1 | 2, hmac: Buffer, aes: Buffer, name: Buffer, iv: Buffer];

const noIv = Buffer.alloc(16);

/**
 * The answer for a new ticket (`encrypt`), or for one that a client brings, by its key's name. Node.js wants every
 * member to be a buffer whatever the result is, and ends the process where one is not.
 */
export function ticketAnswer(keys: TicketKeys, name: Buffer, encrypt: boolean): TicketAnswer {
  const newest = keys[0];
  if (encrypt) return [1, newest.hmac, newest.aes, newest.name, randomBytes(16)];
  const at = keys.findIndex((key) => key.name.equals(name));
  const key = keys[at] ?? newest;
  return [at < 0 ? 0 : at === 0 ? 1 : 2, key.hmac, key.aes, key.name, noIv];
}
