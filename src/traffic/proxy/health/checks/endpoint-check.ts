// One endpoint under one check, again and again: waits, asks, and tells when its health turns.
// Knows neither clusters nor workers; however many share it, it asks once.

import type { Cancel, Clock } from '#lib/clock.ts';
import {
  afterCheck,
  type CheckState,
  initialCheckState,
  nextCheckIn,
} from '#traffic/balancer/active-health/check-state.ts';
import type { Random } from '#traffic/balancer/balancer.ts';
import { bad, type Check, type CheckResult, type CheckTarget } from './check.ts';
import { checkGrpc } from './grpc.ts';
import { checkHttp } from './http.ts';
import type { Lanes } from './lanes.ts';
import { checkTcp } from './tcp.ts';

export interface CheckDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly lanes: Lanes;
  /** A check is over. */
  onResult(type: CheckTarget['check']['type'], result: CheckResult): void;
}

export interface LastCheck extends CheckResult {
  /** Wall time, milliseconds since the epoch. */
  readonly at: number;
  readonly tookMs: number;
}

const checks: Readonly<Record<CheckTarget['check']['type'], Check>> = {
  http: checkHttp,
  tcp: checkTcp,
  grpc: checkGrpc,
};

export class EndpointCheck {
  last: LastCheck | undefined;
  readonly #target: CheckTarget;
  readonly #deps: CheckDeps;
  readonly #onTurn: () => void;
  #state: CheckState;
  #first = true;
  /** Ends whatever is under way: a wait, a place in the queue, a check. */
  #cancel: Cancel;

  /** Asks for the first time at once. `onTurn` is called when the health has changed. */
  constructor(target: CheckTarget, deps: CheckDeps, onTurn: () => void) {
    this.#target = target;
    this.#deps = deps;
    this.#onTurn = onTurn;
    this.#state = initialCheckState(target.check);
    this.#cancel = () => {};
    // Not within the constructor: whoever makes it has to know it before it speaks.
    this.#cancel = deps.clock.after(0, () => this.#queue());
  }

  get health(): CheckState['health'] {
    return this.#state.health;
  }

  stop(): void {
    this.#cancel();
  }

  #queue(): void {
    let begun = false;
    const leaveQueue = this.#deps.lanes.enter(() => {
      begun = true;
      this.#ask();
    });
    if (!begun) this.#cancel = leaveQueue;
  }

  #ask(): void {
    const { clock, lanes } = this.#deps;
    const begun = clock.now();
    let over = false;
    const finish = (result: CheckResult | undefined): void => {
      if (over) return;
      over = true;
      cancelTimeout();
      giveUp();
      lanes.leave();
      if (result !== undefined) this.#onResult(result, clock.now() - begun);
    };
    let giveUp = (): void => {};
    const { timeout, type } = this.#target.check;
    const cancelTimeout = clock.after(timeout, () => finish(bad(`No answer within ${timeout} ms`)));
    this.#cancel = () => finish(undefined);
    try {
      giveUp = checks[type](this.#target, finish);
    } catch (error) {
      // What cannot be written into a request (a path, a host) must not take the control thread down.
      finish(bad(`Cannot be asked: ${error instanceof Error ? error.message : String(error)}`));
    }
  }

  #onResult(result: CheckResult, tookMs: number): void {
    const { clock, random } = this.#deps;
    const { check } = this.#target;
    this.last = { ...result, at: clock.wall(), tookMs: Math.round(tookMs) };
    const before = this.#state.health;
    this.#state = afterCheck(this.#state, result.good, check);
    // The first wait is any part of the interval, so that endpoints that came together are not asked together for ever.
    const wait = this.#first ? random() * check.interval : nextCheckIn(check.interval, check.jitter, random);
    this.#first = false;
    this.#cancel = clock.after(wait, () => this.#queue());
    this.#deps.onResult(check.type, result);
    if (this.#state.health !== before) this.#onTurn();
  }
}
