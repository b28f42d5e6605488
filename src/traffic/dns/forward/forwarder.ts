// Names that are not the cluster's: asked of the upstream resolvers, one after the other, and remembered.
// Knows no client; whatever happens, it has an answer, at worst that there is none (SERVFAIL).
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { DnsMetrics } from '../metrics.ts';
import { type Question, rcodes } from '../wire/message.ts';
import { lowerName } from '../wire/name.ts';
import { type Ask, ask } from './ask.ts';
import { AnswerCache, type Resolved } from './cache.ts';
import { UpstreamHealth } from './health.ts';
import { LoopProbes } from './loop-probe.ts';
import { type StubDomain, serversFor } from './stub-domain.ts';
import { type UpstreamAddress, upstreamName } from './upstream-address.ts';

export interface ForwarderOptions {
  /** Asked before each question, so that they may change. */
  readonly upstreams: () => readonly UpstreamAddress[];
  /** Zones whose names are asked of servers of their own, and of nobody else; asked for as often as `upstreams`. */
  readonly stubs?: () => readonly StubDomain[];
  /** Whether that is this server itself. */
  readonly isSelf: (upstream: UpstreamAddress) => boolean;
  readonly metrics: DnsMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds for one resolver; left out: 1,500, so that a second one is asked before a client gives up. */
  readonly attemptMs?: number;
  /** Questions under way at a time; beyond it, there is no answer but an old one. Left out: 1,000. */
  readonly maxPending?: number;
}

const ATTEMPT_MS = 1_500;
/** Milliseconds after which a client gets an old answer when there is one (RFC 8767, 5). */
const PATIENCE_MS = 1_000;
/** Milliseconds within which a second round of the resolvers begins; clients ask again after five seconds. */
const PATIENCE_ALL_MS = 2_000;
const MAX_PENDING = 1_000;

const failure: Resolved = {
  rcode: rcodes.SERVFAIL,
  answers: [],
  authorities: [],
  additionals: [],
  authenticData: false,
};

export class Forwarder {
  readonly #options: ForwarderOptions;
  #cache = new AnswerCache();
  readonly #health = new UpstreamHealth();
  readonly #probes = new LoopProbes();
  readonly #pending = new Map<string, Promise<Resolved>>();

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  /** Tries resolvers that are new: whoever asks this server in turn leads in a circle. */
  probe(): void {
    const { upstreams, stubs = () => [] } = this.#options;
    const all = this.#others([...upstreams(), ...stubs().flatMap(({ servers }) => servers)]);
    for (const upstream of all) if (!this.#probes.isKnown(upstream)) this.#probe(upstream);
  }

  /** Other resolvers are asked from now on: what was heard from those of before is not said again. */
  changed(): void {
    this.#cache = new AnswerCache();
    this.#pending.clear();
    this.probe();
  }

  /** True for a question that this server asked itself: its resolver is left out from then on. */
  isOwnProbe(question: Question): boolean {
    const upstream = this.#probes.sentTo(question);
    if (upstream === undefined) return false;
    this.#health.loops(upstream, this.#options.clock.now());
    this.#options.log.warn(
      { upstream: upstreamName(upstream) },
      'This resolver asks this very DNS server, so it is left out; name another one with --dns-upstream',
    );
    return true;
  }

  /** Never rejects. */
  resolve(what: Ask): Resolved | Promise<Resolved> {
    const { clock, metrics } = this.#options;
    const { name, type, class: kind } = what.question;
    const key = `${lowerName(name)} ${type} ${kind} ${what.dnssecOk} ${what.checkingDisabled}`;
    const kept = this.#cache.fresh(key, clock.now());
    if (kept !== undefined) {
      metrics.cached('hit');
      // Whoever asks next finds a fresh one.
      if (this.#cache.endsSoon(key, clock.now())) void this.#fetching(key, what);
      return kept;
    }
    metrics.cached('miss');
    const fetching = this.#fetching(key, what);
    return fetching === undefined ? (this.#stale(key) ?? failure) : this.#orStale(key, fetching);
  }

  /** One for all who ask the same; undefined while too many others are under way. */
  #fetching(key: string, what: Ask): Promise<Resolved> | undefined {
    const { maxPending = MAX_PENDING } = this.#options;
    let fetching = this.#pending.get(key);
    if (fetching === undefined && this.#pending.size < maxPending) {
      const own = this.#fetch(key, what).finally(() => {
        if (this.#pending.get(key) === own) this.#pending.delete(key);
      });
      fetching = own;
      this.#pending.set(key, fetching);
    }
    return fetching;
  }

  /** The answer; or an old one, when there is one and the new one fails or takes too long. */
  async #orStale(key: string, fetching: Promise<Resolved>): Promise<Resolved> {
    const { clock } = this.#options;
    if (this.#cache.stale(key, clock.now()) === undefined) return fetching;
    const patience = Promise.withResolvers<undefined>();
    const cancel = clock.after(PATIENCE_MS, () => patience.resolve(undefined));
    const resolved = await Promise.race([fetching, patience.promise]);
    cancel();
    return resolved === undefined || resolved.rcode === rcodes.SERVFAIL ? (this.#stale(key) ?? failure) : resolved;
  }

  #stale(key: string): Resolved | undefined {
    const stale = this.#cache.stale(key, this.#options.clock.now());
    if (stale !== undefined) this.#options.metrics.cached('stale');
    return stale;
  }

  /**
   * One resolver after the other: the first that answers is believed; refusals and failures go to the next. When none
   * did, those that may still be asked are once more: a datagram may be lost.
   */
  async #fetch(key: string, what: Ask): Promise<Resolved> {
    const { clock } = this.#options;
    // Resolvers may be others by the time that one has answered.
    const cache = this.#cache;
    this.probe();
    const until = clock.now() + PATIENCE_ALL_MS;
    let last = await this.#askEach(key, what, cache);
    if (last === failure && clock.now() < until) last = await this.#askEach(key, what, cache);
    if (last !== failure && last.rcode === rcodes.SERVFAIL) cache.storeFailure(key, last, clock.now());
    return last;
  }

  async #askEach(key: string, what: Ask, cache: AnswerCache): Promise<Resolved> {
    const { clock, metrics, log, attemptMs = ATTEMPT_MS } = this.#options;
    let last = failure;
    for (const upstream of this.#health.choose(this.#serversOf(what.question), clock.now())) {
      const name = upstreamName(upstream);
      try {
        const { rcode, answers, authorities, additionals, authenticData } = await ask(upstream, what, attemptMs, clock);
        this.#health.succeeded(upstream);
        last = { rcode, answers, authorities, additionals, authenticData };
        metrics.forwarded(name, rcode);
        if (rcode === rcodes.NOERROR || rcode === rcodes.NXDOMAIN) {
          cache.store(key, last, clock.now());
          return last;
        }
      } catch (error) {
        this.#health.failed(upstream, clock.now());
        // A circle shows as silence: each waits for the other.
        this.#probe(upstream);
        metrics.forwarded(name, 'failed');
        log.debug({ upstream: name, error: (error as Error).message }, 'An upstream resolver did not answer');
      }
    }
    return last;
  }

  #probe(upstream: UpstreamAddress): void {
    const { clock, attemptMs = ATTEMPT_MS } = this.#options;
    const question = this.#probes.questionFor(upstream, clock.now());
    if (question === undefined) return;
    // Only whether it comes back counts.
    ask(upstream, { question, dnssecOk: false, checkingDisabled: false }, attemptMs, clock).catch(() => {});
  }

  #serversOf({ name }: Question): readonly UpstreamAddress[] {
    const { upstreams, stubs = () => [] } = this.#options;
    return this.#others(serversFor(lowerName(name), stubs()) ?? upstreams());
  }

  #others(upstreams: readonly UpstreamAddress[]): readonly UpstreamAddress[] {
    return upstreams.filter((upstream) => !this.#options.isSelf(upstream));
  }
}
