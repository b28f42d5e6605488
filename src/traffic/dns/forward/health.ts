// Which resolvers to ask, in which order: those that answered last go before those that did not, and none that leads back.
// Knows no sockets.
import { type UpstreamAddress, upstreamName } from './upstream-address.ts';

/** Failures in a row after which a resolver is left alone for a while. */
const FAILURES = 2;
/** How long that is, milliseconds; then one question tries it again. */
const REST_MS = 2_000;
/** How long one is left out that leads back here; somebody may have put it right by then. */
const LOOP_MS = 60_000;

interface State {
  failures: number;
  restsUntil: number;
}

export class UpstreamHealth {
  readonly #states = new Map<string, State>();
  /** Until when, monotonic milliseconds. */
  readonly #looping = new Map<string, number>();

  /** In the order given. While all of them rest, none; one whose rest is over is tried by one question. */
  choose(upstreams: readonly UpstreamAddress[], now: number): UpstreamAddress[] {
    const usable = upstreams.filter((upstream) => now >= (this.#looping.get(upstreamName(upstream)) ?? 0));
    const good = usable.filter((upstream) => this.#state(upstream).failures < FAILURES);
    const rested = usable.find((upstream) => {
      const { failures, restsUntil } = this.#state(upstream);
      return failures >= FAILURES && now >= restsUntil;
    });
    if (rested === undefined) return good;
    this.#state(rested).restsUntil = now + REST_MS;
    return [...good, rested];
  }

  succeeded(upstream: UpstreamAddress): void {
    this.#state(upstream).failures = 0;
  }

  failed(upstream: UpstreamAddress, now: number): void {
    const state = this.#state(upstream);
    state.failures += 1;
    state.restsUntil = now + REST_MS;
  }

  /** Asked, it asks us. */
  loops(upstream: UpstreamAddress, now: number): void {
    this.#looping.set(upstreamName(upstream), now + LOOP_MS);
  }

  #state(upstream: UpstreamAddress): State {
    const name = upstreamName(upstream);
    let state = this.#states.get(name);
    if (state === undefined) {
      state = { failures: 0, restsUntil: 0 };
      this.#states.set(name, state);
    }
    return state;
  }
}
