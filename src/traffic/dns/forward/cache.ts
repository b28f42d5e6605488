// Answers of resolvers, kept as long as they may be, and a while longer for when no resolver answers (RFC 8767).
// Knows nothing of how they were had.
import { type ResourceRecord, rcodes, types } from '../wire/message.ts';

export interface Resolved {
  readonly rcode: number;
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  readonly additionals: readonly ResourceRecord[];
  readonly authenticData: boolean;
}

/** Seconds; as CoreDNS. */
const MAX_POSITIVE = 3_600;
const MAX_NEGATIVE = 1_800;
/** How long beyond its time an answer may still be given when nobody answers; RFC 8767 says one to three days. */
const MAX_STALE = 86_400;
/** What a stale answer may be kept for. */
const STALE_TTL = 30;

interface Entry {
  readonly resolved: Resolved;
  /** Monotonic seconds. */
  readonly stored: number;
  readonly ttl: number;
  /** How often it was given. */
  hits: number;
}

/** Seconds that a resolver's failure is remembered, so that it is not asked again and again (RFC 9520, 3.2). */
const FAILURE_TTL = 5;
/** Below it a TTL is too short to ask ahead of its end, seconds. */
const MIN_AHEAD = 10;

export class AnswerCache {
  /** In order of use. */
  readonly #entries = new Map<string, Entry>();
  readonly #max: number;

  constructor(max = 10_000) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** `now` is monotonic milliseconds. Every TTL is what is left of it. */
  fresh(key: string, now: number): Resolved | undefined {
    const entry = this.#entries.get(key);
    const age = Math.floor(now / 1000 - (entry?.stored ?? 0));
    if (entry === undefined || age >= entry.ttl) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.hits += 1;
    return withTtl(entry.resolved, (ttl) => Math.max(0, ttl - age));
  }

  /** Whether an answer that is asked for again and again is about to end: a tenth of its time is left. True once. */
  endsSoon(key: string, now: number): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.ttl < MIN_AHEAD || entry.hits < 2) return false;
    if (now / 1000 - entry.stored < entry.ttl * 0.9) return false;
    entry.hits = Number.NEGATIVE_INFINITY;
    return true;
  }

  /** What a resolver said of its failure, unless an answer from before is kept: that is still worth more. */
  storeFailure(key: string, resolved: Resolved, now: number): void {
    if (this.stale(key, now) === undefined) this.#put(key, resolved, now, FAILURE_TTL);
  }

  stale(key: string, now: number): Resolved | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.resolved.rcode === rcodes.SERVFAIL) return undefined;
    if (now / 1000 - entry.stored > entry.ttl + MAX_STALE) {
      this.#entries.delete(key);
      return undefined;
    }
    return withTtl(entry.resolved, () => STALE_TTL);
  }

  /** Only what says how long it holds: a failure is nobody's to keep. */
  store(key: string, resolved: Resolved, now: number): void {
    const ttl = lifetime(resolved);
    if (ttl > 0) this.#put(key, resolved, now, ttl);
  }

  #put(key: string, resolved: Resolved, now: number, ttl: number): void {
    this.#entries.delete(key);
    this.#entries.set(key, { resolved, stored: now / 1000, ttl, hits: 0 });
    if (this.#entries.size <= this.#max) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      break;
    }
  }
}

/**
 * Seconds. A negative answer holds for the lesser of its SOA's TTL and minimum (RFC 2308, 5), and no longer than the
 * aliases that lead to it.
 */
function lifetime({ rcode, answers, authorities }: Resolved): number {
  const ttls = answers.map(({ ttl }) => ttl);
  if (rcode === rcodes.NOERROR && answers.some(({ type }) => type !== types.CNAME)) {
    return Math.min(MAX_POSITIVE, ...ttls);
  }
  if (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN) return 0;
  const soa = authorities.find(({ type, data }) => type === types.SOA && data.length >= 22);
  // An alias to nothing told without its end, as of a server that does not look behind it.
  if (soa === undefined) return rcode === rcodes.NOERROR && ttls.length > 0 ? Math.min(MAX_POSITIVE, ...ttls) : 0;
  return Math.min(MAX_NEGATIVE, ...ttls, soa.ttl, soa.data.readUInt32BE(soa.data.length - 4));
}

function withTtl(resolved: Resolved, ttlOf: (ttl: number) => number): Resolved {
  const change = (records: readonly ResourceRecord[]): ResourceRecord[] =>
    records.map((record) => ({ ...record, ttl: ttlOf(record.ttl) }));
  return {
    ...resolved,
    answers: change(resolved.answers),
    authorities: change(resolved.authorities),
    additionals: change(resolved.additionals),
  };
}
