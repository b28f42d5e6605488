// How many watches may stand at once, in all and of one user, so that a client that forgets its own starves nobody.
// Knows users and numbers; what is watched is not its matter.
import { StatusError } from '#kube/api/status.ts';

export interface WatchLimits {
  readonly all: number;
  /** A part of all, so that the others have theirs; `system:masters` may have all. */
  readonly ofOne: number;
}

const RETRY_SECONDS = 5;

export class WatchLimit {
  readonly #limits: WatchLimits;
  readonly #ofUsers = new Map<string, number>();
  #count = 0;

  constructor(limits: WatchLimits) {
    this.#limits = limits;
  }

  /** Returns what to call when the watch has ended. Throws `StatusError` 429 with the limit that is reached. */
  take(user: { readonly name: string; readonly groups: readonly string[] }): () => void {
    const { all, ofOne } = this.#limits;
    const own = this.#ofUsers.get(user.name) ?? 0;
    if (this.#count >= all) throw tooMany(`this server has all ${all} watches that it may have`);
    if (own >= ofOne && !user.groups.includes('system:masters')) {
      throw tooMany(`${JSON.stringify(user.name)} has all ${ofOne} watches that one user may have`);
    }
    this.#count++;
    this.#ofUsers.set(user.name, own + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#count--;
      const left = (this.#ofUsers.get(user.name) ?? 1) - 1;
      if (left === 0) this.#ofUsers.delete(user.name);
      else this.#ofUsers.set(user.name, left);
    };
  }
}

function tooMany(why: string): StatusError {
  const message = `too many watches: ${why} (--max-watches). End some, or share them as informers do`;
  return new StatusError(429, 'TooManyRequests', message, { retryAfterSeconds: RETRY_SECONDS });
}
