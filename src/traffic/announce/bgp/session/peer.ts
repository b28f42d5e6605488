// One peer: connects and accepts, keeps one of two connections, tries again, and tells it what it is to hear.
// Knows how to dial only through what it is handed.
import { backoffDelay } from '#lib/backoff.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { DEFAULT_HOLD_TIME, DEFAULT_PORT, type PeerConfig, restartTimeOf } from '../config.ts';
import type { SpeakerMetrics } from '../metrics.ts';
import type { Route } from '../routes/announcement.ts';
import type { Terms } from '../routes/attributes.ts';
import { Outbound } from '../routes/outbound.ts';
import { FAMILIES, type Family } from '../wire/family.ts';
import { CEASE, type Fault, OPEN, shutdownData } from '../wire/fault.ts';
import { keepsIncoming } from './collision.ts';
import type { Agreement, OwnSide } from './negotiate.ts';
import { Session, type SessionEnd, type SessionEvents } from './session.ts';
import type { Wire } from './wire.ts';

export interface DialTarget {
  readonly address: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly password?: string;
  readonly ttlSecurity?: boolean;
  readonly device?: string;
}

export interface PeerTools {
  readonly localAs: number;
  readonly routerId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: SpeakerMetrics;
  /** Calls back once and never at once, unless it is cancelled before. */
  readonly dial: (target: DialTarget, done: (result: Wire | Error) => void) => Cancel;
  /** Next hops of each family on the network that `localAddress` is of. */
  readonly nextHopsAt: (localAddress: string) => Readonly<Record<Family, readonly string[]>>;
  readonly changed: () => void;
}

export type PeerState = 'idle' | 'connect' | 'active' | 'open_sent' | 'open_confirm' | 'established';

const RETRY = { baseMs: 1000, capMs: 30_000, jitter: 0.25 };
const CONNECT_PATIENCE_MS = 10_000;
/** A session that lasted this long makes up for the failures before it. */
const STEADY_MS = 30_000;
/** Connections that two sides make at the same time come within this time. */
const SETTLED_MS = 5000;

export class Peer {
  readonly config: PeerConfig;
  readonly #tools: PeerTools;
  readonly #outbound = new Outbound();
  readonly #sessions = new Set<Session>();
  #cancelDial: Cancel | undefined;
  #cancelRetry: Cancel | undefined;
  #cancelSteady: Cancel = () => {};
  #failures = 0;
  #terms: Terms | undefined;
  #stopped = false;
  /** No session with the peer yet in the life of this process. */
  #first = true;
  #plain = false;
  #upAt = 0;
  /** What a NOTIFICATION said, until a session comes up: afterwards routers often just hang up. */
  #cause: string | undefined;
  #lastError: { readonly words: string; readonly at: number } | undefined;
  #state: PeerState = 'idle';
  #since: number;

  constructor(config: PeerConfig, tools: PeerTools) {
    this.config = config;
    this.#tools = tools;
    this.#since = tools.clock.wall();
  }

  start(): void {
    this.#dial();
  }

  get state(): PeerState {
    return this.#state;
  }

  get since(): number {
    return this.#since;
  }

  get lastError(): { readonly words: string; readonly at: number } | undefined {
    return this.#lastError;
  }

  get agreement(): Agreement | undefined {
    return this.#established()?.agreement;
  }

  get outbound(): Outbound {
    return this.#outbound;
  }

  /** Everything that was wanted has been handed to the kernel, or nobody is there to hear it. */
  get settled(): boolean {
    return this.#established()?.wire.congested !== true;
  }

  want(routes: ReadonlyMap<string, Route>): void {
    this.#outbound.want(routes);
    this.#flush();
  }

  /** The peer has connected to us. */
  accept(wire: Wire): void {
    if (this.#stopped) {
      wire.drop();
      return;
    }
    // A peer makes one connection at a time: it has given up the one before.
    for (const session of [...this.#sessions]) {
      if (session.incoming && session.state !== 'established') session.leave('The peer has connected anew');
    }
    this.#open(wire, true);
  }

  /** Something else says that the peer cannot be reached. */
  unreachable(words: string): void {
    for (const session of [...this.#sessions]) session.fail({ code: CEASE.code, subcode: CEASE.bfdDown, words });
  }

  /**
   * Ends it for good. With a cease, the peer is told first that every route is gone, and then why; without one the
   * connection just closes, and a peer that knows graceful restart keeps what it has heard.
   */
  stop(cease: { readonly subcode: number; readonly text: string } | undefined): void {
    this.#stopped = true;
    this.#cancelDial?.();
    this.#cancelDial = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#cancelSteady();
    if (cease === undefined) {
      for (const session of [...this.#sessions]) session.leave('Closed for a restart');
      return;
    }
    if (this.#terms !== undefined) this.want(new Map());
    const data = cease.subcode === CEASE.shutdown ? shutdownData(cease.text) : Buffer.alloc(0);
    const fault: Fault = { code: CEASE.code, subcode: cease.subcode, data, words: cease.text };
    for (const session of [...this.#sessions]) session.fail(fault);
  }

  #established(): Session | undefined {
    return [...this.#sessions].find((session) => session.state === 'established');
  }

  #dial(): void {
    this.#cancelRetry = undefined;
    if (this.#stopped || this.config.passive === true || this.#sessions.size > 0) {
      this.#show();
      return;
    }
    const { address, port = DEFAULT_PORT, localAddress, password, ttlSecurity, device } = this.config;
    const { clock, dial } = this.#tools;
    const give = (result: Wire | Error): void => {
      this.#cancelDial = undefined;
      patience();
      if (result instanceof Error) {
        this.#failed(result.message);
        this.#retry();
      } else {
        this.#open(result, false);
      }
    };
    const target = { address, port, localAddress, password: password?.value, ttlSecurity, device };
    const cancel = dial(target, (result) => give(result));
    const patience = clock.after(CONNECT_PATIENCE_MS, () => {
      cancel();
      const hint = password === undefined ? '' : ', as it does where passwords differ';
      give(new Error(`${address} port ${port} did not answer within ${CONNECT_PATIENCE_MS / 1000} s${hint}`));
    });
    this.#cancelDial = () => {
      patience();
      cancel();
    };
    this.#show();
  }

  #retry(): void {
    if (!this.#stopped && this.#sessions.size === 0 && this.#cancelDial === undefined) {
      const { clock, random } = this.#tools;
      this.#failures++;
      this.#cancelRetry?.();
      const { connectRetrySec } = this.config;
      const pace =
        connectRetrySec === undefined ? {} : { baseMs: connectRetrySec * 1000, capMs: connectRetrySec * 1000 };
      const ms = backoffDelay(this.#failures, { ...RETRY, ...pace, random });
      this.#cancelRetry = clock.after(ms, () => this.#dial());
    }
    this.#show();
  }

  #open(wire: Wire, incoming: boolean): void {
    const { clock, random } = this.#tools;
    const session = new Session({ wire, incoming, clock, random, own: this.#ownSide(), events: this.#events });
    this.#sessions.add(session);
    this.#show();
  }

  #ownSide(): OwnSide {
    const config = this.config;
    const tools = this.#tools;
    const restartTime = restartTimeOf(config);
    return {
      localAs: config.localAs ?? tools.localAs,
      remoteAs: config.as,
      routerId: tools.routerId,
      holdTime: config.holdTimeSec ?? DEFAULT_HOLD_TIME,
      ...(config.keepaliveSec === undefined ? {} : { keepalive: config.keepaliveSec }),
      families: config.families ?? FAMILIES,
      ...(restartTime === undefined ? {} : { restartTime }),
      restarted: this.#first,
      plain: this.#plain,
    };
  }

  readonly #events: SessionEvents = {
    opened: (session) => this.#opened(session),
    established: (session) => this.#up(session),
    update: (_session, update) => {
      this.#tools.metrics.received(this.config.name, 'update');
      if (update.malformed !== undefined) {
        this.#tools.log.warn({ peer: this.config.name, problem: update.malformed }, 'Malformed UPDATE ignored');
      }
    },
    refresh: (_session, family) => {
      this.#tools.metrics.received(this.config.name, 'route_refresh');
      this.#outbound.repeat(family);
      this.#flush();
    },
    drained: () => this.#flush(),
    ended: (session, end) => this.#ended(session, end),
  };

  /** False when another connection to the peer goes on in place of this one. */
  #opened(session: Session): boolean {
    for (const other of [...this.#sessions]) {
      if (other === session) continue;
      if (other.state === 'established') {
        // The peer has lost the other one without our notice; both sides know that routes may stay meanwhile. One that
        // has just come up is not lost: the peer was on its way to us at the same time.
        if (other.agreement?.knowsRestart === true && this.#tools.clock.now() - this.#upAt >= SETTLED_MS) {
          other.leave('The peer has opened a new connection');
          continue;
        }
        this.#collide(session);
        return false;
      }
      if (other.state !== 'open_confirm') continue;
      const own = { routerId: this.#tools.routerId, as: this.config.localAs ?? this.#tools.localAs };
      const peer = { routerId: session.agreement?.routerId ?? '', as: session.agreement?.remoteAs ?? 0 };
      if (keepsIncoming(own, peer) !== session.incoming) {
        this.#collide(session);
        return false;
      }
      this.#collide(other);
    }
    this.#show();
    return true;
  }

  #collide(session: Session): void {
    session.fail({ code: CEASE.code, subcode: CEASE.collision, words: 'Another connection to the peer goes on' });
  }

  #up(session: Session): void {
    const config = this.config;
    const tools = this.#tools;
    const agreement = session.agreement as Agreement;
    for (const other of [...this.#sessions]) if (other !== session) this.#collide(other);
    this.#cancelDial?.();
    this.#cancelDial = undefined;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#first = false;
    this.#upAt = tools.clock.now();
    this.#cause = undefined;
    const localAs = config.localAs ?? tools.localAs;
    const beside = tools.nextHopsAt(session.wire.localAddress);
    const hops = (family: Family): readonly string[] => {
      const set = config.nextHop?.[family];
      return set === undefined ? beside[family] : [set];
    };
    this.#terms = {
      localAs,
      ibgp: localAs === agreement.remoteAs,
      fourOctetAs: agreement.fourOctetAs,
      families: agreement.families,
      nextHops: { ipv4: hops('ipv4'), ipv6: hops('ipv6') },
    };
    this.#cancelSteady = tools.clock.after(STEADY_MS, () => {
      this.#failures = 0;
    });
    this.#outbound.begin(agreement.knowsRestart ? agreement.families : []);
    tools.metrics.established(config.name);
    this.#show();
    this.#flush();
  }

  #flush(): void {
    const session = this.#established();
    // What a peer does not read piles up as one difference, not as many messages.
    if (session === undefined || this.#terms === undefined || session.wire.congested) return;
    for (const update of this.#outbound.take(this.#terms)) {
      session.send(update);
      this.#tools.metrics.sent(this.config.name, 'update');
    }
    this.#tools.metrics.told(this.config.name, this.#outbound.told);
    this.#tools.changed();
  }

  #ended(session: Session, end: SessionEnd): void {
    this.#sessions.delete(session);
    // Old speakers know no capabilities, and say so in this way (RFC 5492, 3).
    if (end.by === 'peer' && end.code === OPEN.code && end.subcode === OPEN.unsupportedParameter) this.#plain = true;
    const wasUp = this.#terms !== undefined && this.#established() === undefined && this.#state === 'established';
    if (wasUp) {
      this.#terms = undefined;
      // What the peer did not know before, it may know when it comes back.
      this.#plain = false;
      this.#outbound.end();
      this.#cancelSteady();
      this.#tools.metrics.told(this.config.name, 0);
    }
    const collision = end.code === CEASE.code && end.subcode === CEASE.collision;
    if (!(collision && this.#sessions.size > 0)) this.#failed(end.words);
    if (end.code !== undefined) {
      if (!collision) this.#cause = end.words;
      this.#tools.metrics.notification(this.config.name, end.by === 'us' ? 'sent' : 'received');
    }
    this.#retry();
  }

  #failed(words: string): void {
    const { clock, log } = this.#tools;
    const since = this.#cause === undefined || this.#cause === words ? words : `${this.#cause}. Since then: ${words}`;
    this.#lastError = { words: since, at: clock.wall() };
    log.warn({ peer: this.config.name, address: this.config.address, reason: words }, 'No BGP session with peer');
  }

  #show(): void {
    const state = this.#currentState();
    if (state === this.#state) return;
    this.#state = state;
    this.#since = this.#tools.clock.wall();
    this.#tools.metrics.state(this.config.name, state === 'established');
    if (state === 'established') this.#tools.log.info({ peer: this.config.name }, 'BGP session established');
    this.#tools.changed();
  }

  #currentState(): PeerState {
    const states = [...this.#sessions].map((session) => session.state);
    for (const state of ['established', 'open_confirm', 'open_sent'] as const) if (states.includes(state)) return state;
    if (this.#cancelDial !== undefined) return 'connect';
    return this.#stopped || this.#cancelRetry !== undefined ? 'idle' : 'active';
  }
}
