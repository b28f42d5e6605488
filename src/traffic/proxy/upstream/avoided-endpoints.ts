// The endpoints that picks avoid for a while, because they refused a connection or were not heard of.
// Knows no connection; of time what it is told.

import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';

/** Milliseconds for which an endpoint is avoided at first. */
const FIRST_MS = 1_000;
/** Each vain try of one that is silent doubles the time up to this: it costs the request that tries it a second. */
const LONGEST_MS = 8_000;
const nobody: readonly EngineTarget[] = [];

interface Avoided {
  /** Monotonic milliseconds. */
  until: number;
  span: number;
  /** The time was over, and somebody went there to see. */
  tried: boolean;
}

export class AvoidedEndpoints {
  /** By the key of the endpoint. */
  readonly #avoided = new Map<string, Avoided>();

  /** `silent`: it said nothing at all, which takes time to find out; else it refused at once. */
  avoid(key: string, silent: boolean, now: number): void {
    const before = this.#avoided.get(key);
    // Of those that were under way together, the first has told all there is to tell.
    const longer = before?.tried === true && silent;
    const span = longer ? Math.min(before.span * 2, LONGEST_MS) : silent ? (before?.span ?? FIRST_MS) : FIRST_MS;
    this.#avoided.set(key, { until: now + span, span, tried: false });
  }

  /** A request goes there: others wait for what comes of it, where the time is over. */
  picked(key: string, now: number): void {
    if (this.#avoided.size === 0) return;
    const one = this.#avoided.get(key);
    if (one === undefined || one.until > now) return;
    one.until = now + one.span;
    one.tried = true;
  }

  /** It takes connections, or answers. */
  forgive(key: string): void {
    if (this.#avoided.size > 0) this.#avoided.delete(key);
  }

  /**
   * The targets of a cluster that are avoided now; nearly always none. Costs a look for each of those, however large
   * the cluster: one dead endpoint of ten thousand must not slow every request down.
   */
  of(cluster: ClusterEntry, now: number): readonly EngineTarget[] {
    if (this.#avoided.size === 0) return nobody;
    let found: EngineTarget[] | undefined;
    for (const [key, { until, span }] of this.#avoided) {
      if (until <= now) {
        if (until + span + LONGEST_MS <= now) this.#avoided.delete(key);
        continue;
      }
      const target = cluster.targetOf(key);
      if (target === undefined) continue;
      if (found === undefined) found = [target];
      else found.push(target);
    }
    return found ?? nobody;
  }
}
