// One BFD session in asynchronous mode (RFC 5880): says within a fraction of a second that a peer is gone.
// Knows no socket; packets come and go through what it is handed.
import type { Cancel, Clock } from '#lib/clock.ts';
import type { BfdConfig } from '../config.ts';
import { type BfdPacket, type BfdState, DIAGNOSTIC } from './packet.ts';

export interface BfdSessionOptions {
  readonly config: BfdConfig;
  /** Not 0, and of no other session here. */
  readonly discriminator: number;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly send: (packet: BfdPacket) => void;
  /** `failed`: the peer cannot be reached, as opposed to what either side's operator wanted. */
  readonly changed: (state: BfdState, failed: boolean) => void;
  /** `detectMs` is another one. */
  readonly retimed: () => void;
}

/** Nobody sends faster while the session is not up (RFC 5880, 6.8.3). */
const SLOW_US = 1_000_000;
const US = 1000;

export class BfdSession {
  readonly discriminator: number;
  readonly #options: BfdSessionOptions;
  readonly #multiplier: number;
  readonly #minTx: number;
  readonly #minRx: number;
  #state: BfdState = 'down';
  #diagnostic: number = DIAGNOSTIC.none;
  #remote: Pick<BfdPacket, 'myDiscriminator' | 'desiredMinTx' | 'requiredMinRx' | 'multiplier'> | undefined;
  /** The peer has not yet said that it knows our new timers. */
  #polling = false;
  #cancelTransmit: Cancel = () => {};
  #cancelDetect: Cancel = () => {};

  constructor(options: BfdSessionOptions) {
    const { config, discriminator } = options;
    this.#options = options;
    this.discriminator = discriminator;
    this.#multiplier = config.multiplier ?? 3;
    this.#minTx = (config.transmitMs ?? 300) * US;
    this.#minRx = (config.receiveMs ?? 300) * US;
  }

  get state(): BfdState {
    return this.#state;
  }

  /** Milliseconds of silence that bring the session down; undefined before the peer has been heard. */
  get detectMs(): number | undefined {
    if (this.#remote === undefined) return undefined;
    return (this.#remote.multiplier * Math.max(this.#minRx, this.#remote.desiredMinTx)) / US;
  }

  start(): void {
    this.#transmit();
  }

  /** Tells the peer that this end stops on purpose, so that it does not take it for a failure (RFC 5882, 3.2). */
  stop(): void {
    this.#cancelTransmit();
    this.#cancelDetect();
    this.#state = 'admin_down';
    this.#diagnostic = DIAGNOSTIC.adminDown;
    if (!this.#mustWait()) this.#send(false);
  }

  /** Who is passive speaks when it is spoken to (RFC 5880, 6.8.7). */
  #mustWait(): boolean {
    return this.#options.config.passive === true && this.#remote === undefined;
  }

  /** A packet that is for this session (RFC 5880, 6.8.6). */
  receive(packet: BfdPacket): void {
    if (this.#state === 'admin_down') return;
    const before = this.#remote?.requiredMinRx;
    const detected = this.detectMs;
    this.#remote = packet;
    if (packet.final) this.#polling = false;
    this.#follow(packet.state);
    this.#watch();
    if (this.detectMs !== detected) this.#options.retimed();
    if (packet.poll) this.#send(true);
    // A peer that takes packets faster, or slower, is sent them so from now on.
    if (before !== packet.requiredMinRx) this.#schedule();
  }

  #follow(remote: BfdState): void {
    if (remote === 'admin_down') {
      if (this.#state !== 'down') this.#become('down', DIAGNOSTIC.neighborDown, false);
      return;
    }
    if (this.#state === 'down') {
      if (remote === 'down') this.#become('init', DIAGNOSTIC.none, false);
      else if (remote === 'init') this.#become('up', DIAGNOSTIC.none, false);
    } else if (this.#state === 'init') {
      if (remote === 'init' || remote === 'up') this.#become('up', DIAGNOSTIC.none, false);
    } else if (this.#state === 'up' && remote === 'down') {
      this.#become('down', DIAGNOSTIC.neighborDown, true);
    }
  }

  #become(state: BfdState, diagnostic: number, failed: boolean): void {
    this.#state = state;
    this.#diagnostic = diagnostic;
    // From up the timers are new, and the peer has to know.
    this.#polling = state === 'up';
    // At once, so that the handshake takes three packets and not three seconds.
    this.#transmit();
    this.#options.changed(state, failed);
  }

  #watch(): void {
    this.#cancelDetect();
    const detectMs = this.detectMs;
    if (detectMs === undefined) return;
    this.#cancelDetect = this.#options.clock.after(detectMs, () => {
      // Where this thread was held up, packets wait to be read: they come before the verdict.
      this.#cancelDetect = this.#options.clock.after(0, () => this.#silent());
    });
  }

  #silent(): void {
    const was = this.#state;
    // Whoever comes back may have started anew, with another number (RFC 5880, 6.8.1).
    this.#remote = undefined;
    if (was === 'init' || was === 'up') this.#become('down', DIAGNOSTIC.timeExpired, was === 'up');
    else this.#schedule();
  }

  #desiredMinTx(): number {
    return this.#state === 'up' ? this.#minTx : Math.max(SLOW_US, this.#minTx);
  }

  #transmit(): void {
    this.#cancelTransmit();
    if (this.#mustWait()) return;
    this.#send(false);
    this.#schedule();
  }

  #schedule(): void {
    this.#cancelTransmit();
    if (this.#mustWait()) return;
    // A peer that can take none is sent none.
    if (this.#remote?.requiredMinRx === 0) return;
    const interval = Math.max(this.#desiredMinTx(), this.#remote?.requiredMinRx ?? 0) / US;
    // A quarter less at most; with a multiplier of 1 at least a tenth less (RFC 5880, 6.8.7).
    const least = this.#multiplier === 1 ? 0.1 : 0;
    const jitter = least + this.#options.random() * (0.25 - least);
    this.#cancelTransmit = this.#options.clock.after(interval * (1 - jitter), () => this.#transmit());
  }

  #send(final: boolean): void {
    this.#options.send({
      diagnostic: this.#diagnostic,
      state: this.#state,
      // An answer never asks.
      poll: this.#polling && !final,
      final,
      multiplier: this.#multiplier,
      myDiscriminator: this.discriminator,
      yourDiscriminator: this.#remote?.myDiscriminator ?? 0,
      desiredMinTx: this.#desiredMinTx(),
      requiredMinRx: this.#minRx,
      requiredMinEchoRx: 0,
    });
  }
}
