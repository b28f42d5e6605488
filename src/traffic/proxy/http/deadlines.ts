// The time-outs of one exchange: of the whole request, of one try, and of what is being waited for now.
// Knows nothing of what follows from one; `owner.onTick` asks for it.

import type { ClusterTimeouts } from '#traffic/model/ir.ts';
import { NEAR, type Sweeper, type Timed } from '../sweeper.ts';
import { type Failure, failures } from '../upstream/failure.ts';

/** All times are monotonic milliseconds; 0 stands for none. */
export class Deadlines {
  readonly #sweeper: Sweeper;
  readonly #owner: Timed;
  #request = 0;
  #try = 0;
  #tryTimeout = 0;
  /** The client still has to send of the request, which is not the backend's fault. */
  #uploads = false;
  #wait = 0;
  #waitFailure: Failure = failures.responseTimeout;

  constructor(sweeper: Sweeper, owner: Timed) {
    this.#sweeper = sweeper;
    this.#owner = owner;
  }

  /** A request begins; 0 lets it take as long as it takes. */
  begin(requestTimeout: number, now: number): void {
    this.#request = this.#at(requestTimeout, now);
    this.endTry();
  }

  /** Counts from here; from the end of the request when the client takes its time to send it (as in Envoy). */
  beginTry(tryTimeout: number, now: number): void {
    this.#try = this.#at(tryTimeout, now);
    this.#tryTimeout = tryTimeout;
  }

  /** The response of this try has begun. */
  answered(): void {
    this.#try = 0;
  }

  /** `failure` comes of it when this takes longer than `timeout`; takes the place of what was waited for before. */
  wait(timeout: number, failure: Failure, now: number): void {
    this.#wait = this.#at(timeout, now);
    this.#waitFailure = failure;
  }

  waitForHead({ response }: ClusterTimeouts, now: number): void {
    if (this.#uploads) {
      this.#uploads = false;
      if (this.#try !== 0) this.#try = this.#at(this.#tryTimeout, now);
    }
    this.wait(response, failures.responseTimeout, now);
  }

  waitForBytes({ idle }: ClusterTimeouts, now: number): void {
    this.wait(idle, failures.idleTimeout, now);
  }

  /** Nothing is being waited for that could take too long by itself. */
  rest(): void {
    this.#wait = 0;
    this.#waitFailure = failures.idleTimeout;
  }

  /** The client has more of the request to send, and the backend takes it: neither is late. */
  upload(): void {
    this.rest();
    this.#uploads = true;
  }

  /** The try is over, the request is not. */
  endTry(): void {
    this.rest();
    this.#try = 0;
    this.#uploads = false;
  }

  end(): void {
    this.#request = 0;
    this.endTry();
  }

  /** What has taken too long, the widest first; undefined when nothing has. */
  expired(now: number): Failure | undefined {
    if (this.#request !== 0 && now >= this.#request) {
      const { condition } = this.#waitFailure;
      const unanswered = condition === 'timeout' || condition === 'connect_failure';
      return unanswered ? failures.requestUnanswered : failures.requestTimeout;
    }
    if (this.#try !== 0 && !this.#uploads && now >= this.#try) return failures.tryTimeout;
    return this.#wait !== 0 && now >= this.#wait ? this.#waitFailure : undefined;
  }

  #at(timeout: number, now: number): number {
    if (timeout === 0) return 0;
    // A deadline that is near is looked at by itself: the sweep over all connections would be late for it.
    if (timeout < NEAR) this.#sweeper.soon(this.#owner, now + timeout);
    return now + timeout;
  }
}

/** Of two time-outs, where 0 stands for none. */
export function shorter(a: number, b: number): number {
  return a === 0 || (b !== 0 && b < a) ? b : a;
}
