// One connection to a peer, from the OPEN to its end: the states of RFC 4271 that need a connection.
// Knows no other connection; who may stay is decided by the peer that owns it.
import type { Cancel, Clock } from '#lib/clock.ts';
import { encodeMessage, readMessage } from '../wire/codec.ts';
import { type Family, familyOf } from '../wire/family.ts';
import { type Fault, HOLD_TIMER_EXPIRED, notificationWords, STATE } from '../wire/fault.ts';
import type { Dialect, Message, OpenMessage, UpdateMessage } from '../wire/message.ts';
import { type Agreement, negotiate, type OwnSide, ownOpen } from './negotiate.ts';
import type { Wire } from './wire.ts';

export type SessionState = 'open_sent' | 'open_confirm' | 'established' | 'closed';

export interface SessionEnd {
  readonly words: string;
  /** Who ended it. */
  readonly by: 'us' | 'peer' | 'network';
  /** Of the NOTIFICATION, where there was one. */
  readonly code?: number;
  readonly subcode?: number;
}

export interface SessionEvents {
  /** The peer's OPEN is good. False: another connection goes on, and this one has been closed. */
  readonly opened: (session: Session) => boolean;
  readonly established: (session: Session) => void;
  readonly update: (session: Session, update: UpdateMessage) => void;
  readonly refresh: (session: Session, family: Family) => void;
  readonly drained: (session: Session) => void;
  /** Called once, however it ended. */
  readonly ended: (session: Session, end: SessionEnd) => void;
}

export interface SessionOptions {
  readonly wire: Wire;
  readonly own: OwnSide;
  /** The peer made the connection. */
  readonly incoming: boolean;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly events: SessionEvents;
}

/** Until the peer's OPEN says how long to wait (RFC 4271, 8.2.2). */
const OPEN_PATIENCE_MS = 240_000;
/** Least time that a peer may read nothing (RFC 9687). */
const LEAST_SEND_HOLD_MS = 480_000;

export class Session {
  readonly incoming: boolean;
  readonly wire: Wire;
  #state: SessionState = 'open_sent';
  #agreement: Agreement | undefined;
  #dialect: Dialect = { fourOctetAs: false };
  readonly #options: SessionOptions;
  #unread: Buffer = Buffer.alloc(0);
  #heardAt: number;
  #holdMs = OPEN_PATIENCE_MS;
  #stuckSince: number | undefined;
  #cancelHold: Cancel = () => {};
  #cancelKeepalive: Cancel = () => {};

  constructor(options: SessionOptions) {
    this.#options = options;
    this.incoming = options.incoming;
    this.wire = options.wire;
    this.#heardAt = options.clock.now();
    this.wire.listen({
      data: (bytes) => this.#read(bytes),
      drained: () => {
        this.#stuckSince = undefined;
        if (this.#state !== 'closed') options.events.drained(this);
      },
      closed: (why) => this.#end({ words: why, by: 'network' }),
    });
    this.send(ownOpen(options.own));
    this.#watchHold(this.#holdMs);
  }

  get state(): SessionState {
    return this.#state;
  }

  /** What both sides go by; undefined until the peer's OPEN was good. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  send(message: Message): void {
    this.wire.write(encodeMessage(message, this.#dialect));
  }

  /** Tells the peer why, and closes. */
  fail(fault: Pick<Fault, 'code' | 'words'> & Partial<Fault>): void {
    if (this.#state === 'closed') return;
    const { code, subcode = 0, data = Buffer.alloc(0), words } = fault;
    this.#stop();
    this.wire.end(encodeMessage({ type: 'notification', code, subcode, data }, this.#dialect));
    this.#options.events.ended(this, { words, by: 'us', code, subcode });
  }

  /** Closes without a word: a peer that knows graceful restart keeps our routes. */
  leave(words: string): void {
    if (this.#state === 'closed') return;
    this.#stop();
    this.wire.end();
    this.#options.events.ended(this, { words, by: 'us' });
  }

  #end(end: SessionEnd): void {
    if (this.#state === 'closed') return;
    this.#stop();
    this.wire.drop();
    this.#options.events.ended(this, end);
  }

  #stop(): void {
    this.#state = 'closed';
    this.#unread = Buffer.alloc(0);
    this.#cancelHold();
    this.#cancelKeepalive();
  }

  #read(bytes: Buffer): void {
    let unread = this.#unread.length === 0 ? bytes : Buffer.concat([this.#unread, bytes]);
    while (this.#state !== 'closed') {
      const read = readMessage(unread, this.#dialect);
      if (read.kind === 'partial') break;
      if (read.kind === 'fault') {
        this.fail(read.fault);
        return;
      }
      unread = unread.subarray(read.length);
      this.#heardAt = this.#options.clock.now();
      this.#take(read.message);
    }
    this.#unread = this.#isClosed() ? Buffer.alloc(0) : Buffer.from(unread);
  }

  #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #take(message: Message): void {
    const { events } = this.#options;
    if (message.type === 'notification') {
      const { code, subcode } = message;
      const words = `The peer closed the session: ${notificationWords(code, subcode, message.data)}`;
      this.#end({ words, by: 'peer', code, subcode });
    } else if (this.#state === 'open_sent' && message.type === 'open') {
      this.#open(message);
    } else if (this.#state === 'open_confirm' && message.type === 'keepalive') {
      this.#state = 'established';
      events.established(this);
    } else if (this.#state !== 'established' || message.type === 'open') {
      this.#misplaced(message);
    } else if (message.type === 'update') {
      events.update(this, message);
    } else if (message.type === 'route_refresh') {
      const family = familyOf(message.afi, message.safi);
      // Whatever was not agreed on is not refreshed (RFC 2918, 4).
      if (family !== undefined && message.subtype === 0 && this.#agreement?.families.has(family) === true) {
        events.refresh(this, family);
      }
    }
  }

  #misplaced(message: Message): void {
    const subcodes = { open_sent: STATE.openSent, open_confirm: STATE.openConfirm, established: STATE.established };
    const subcode = this.#state === 'closed' ? 0 : subcodes[this.#state];
    this.fail({ code: STATE.code, subcode, words: `The peer sent ${message.type} in state ${this.#state}` });
  }

  #open(open: OpenMessage): void {
    const result = negotiate(this.#options.own, open);
    if ('code' in result) {
      this.fail(result);
      return;
    }
    this.#agreement = result;
    if (!this.#options.events.opened(this)) return;
    this.#state = 'open_confirm';
    this.#dialect = result;
    this.send({ type: 'keepalive' });
    this.#holdMs = result.holdTime * 1000;
    this.#cancelHold();
    if (result.holdTime === 0) return;
    this.#watchHold(this.#holdMs);
    this.#scheduleKeepalive();
  }

  /** A timer that looks again rather than one for each message. */
  #watchHold(ms: number): void {
    const { clock } = this.#options;
    this.#cancelHold = clock.after(ms, () => {
      const left = this.#heardAt + this.#holdMs - clock.now();
      if (left > 0) {
        this.#watchHold(left);
        return;
      }
      // Where this thread was held up, what the peer sent waits to be read: that comes before the verdict.
      this.#cancelHold = clock.after(0, () => {
        const late = this.#heardAt + this.#holdMs - clock.now();
        if (late > 0) this.#watchHold(late);
        else
          this.fail({ ...HOLD_TIMER_EXPIRED, words: `Hold timer expired: nothing heard for ${this.#holdMs / 1000} s` });
      });
    });
  }

  #scheduleKeepalive(): void {
    const { clock, random } = this.#options;
    // A third of the hold time or less, and less up to a quarter (RFC 4271, 4.4 and 10).
    const { keepalive = Number.POSITIVE_INFINITY } = this.#options.own;
    const ms = Math.min(keepalive * 1000, this.#holdMs / 3) * (1 - random() / 4);
    this.#cancelKeepalive = clock.after(ms, () => {
      this.#scheduleKeepalive();
      if (!this.wire.congested) {
        this.#stuckSince = undefined;
        this.send({ type: 'keepalive' });
        return;
      }
      // What still waits tells the peer as much as one more message would.
      this.#stuckSince ??= clock.now();
      const patience = Math.max(LEAST_SEND_HOLD_MS, this.#holdMs * 2);
      if (clock.now() - this.#stuckSince < patience) return;
      this.#end({ words: `Send hold timer expired: the peer has read nothing for ${patience / 1000} s`, by: 'us' });
    });
  }
}
