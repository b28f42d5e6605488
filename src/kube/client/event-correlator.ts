// Decides what becomes of an event: a new object, a higher count on one that exists, or nothing because of spam.
// Knows nothing of the API; the rules and numbers are those of client-go's EventCorrelator.
import type { Clock } from '#lib/clock.ts';

export interface EventFacts {
  readonly component: string;
  /** Identity of the object that the event is about. */
  readonly about: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What an earlier event of the same kind left behind. */
export interface Observation {
  name: string;
  count: number;
  /** Milliseconds since the Unix epoch. */
  firstSeen: number;
}

export type Verdict =
  | { readonly action: 'create' | 'count'; readonly message: string; readonly observation: Observation }
  | { readonly action: 'drop' };

/** So many different messages for one object and reason within the window are folded into one event. */
const MAX_SIMILAR = 10;
const SIMILAR_WINDOW_MS = 600_000;
/** Each object may have 25 events at once and one more every five minutes. */
const SPAM_BURST = 25;
const SPAM_REFILL_MS = 300_000;
const MAX_REMEMBERED = 4096;

export class EventCorrelator {
  readonly #clock: Clock;
  readonly #observations = new Map<string, Observation>();
  readonly #similar = new Map<string, { messages: Set<string>; last: number }>();
  readonly #tokens = new Map<string, { left: number; at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `newName` names the event should it have to be created. */
  correlate(facts: EventFacts, newName: () => string): Verdict {
    const source = `${facts.component}|${facts.about}`;
    const group = `${source}|${facts.type}|${facts.reason}`;
    const combined = this.#isOneTooMany(group, facts.message);
    const message = combined ? `(combined from similar events): ${facts.message}` : facts.message;
    const key = combined ? group : `${group}|${facts.message}`;
    const earlier = this.#observations.get(key);
    const observation = earlier ?? { name: newName(), count: 0, firstSeen: this.#clock.wall() };
    observation.count += 1;
    remember(this.#observations, key, observation);
    if (!this.#mayPass(source)) return { action: 'drop' };
    return { action: earlier === undefined ? 'create' : 'count', message, observation };
  }

  #isOneTooMany(group: string, message: string): boolean {
    const now = this.#clock.now();
    let record = this.#similar.get(group);
    if (record === undefined || now - record.last > SIMILAR_WINDOW_MS) record = { messages: new Set(), last: now };
    record.messages.add(message);
    record.last = now;
    remember(this.#similar, group, record);
    if (record.messages.size < MAX_SIMILAR) return false;
    // The set must not grow without end: it only has to stay full.
    for (const oldest of record.messages) {
      if (record.messages.size <= MAX_SIMILAR) break;
      record.messages.delete(oldest);
    }
    return true;
  }

  #mayPass(source: string): boolean {
    const now = this.#clock.now();
    const bucket = this.#tokens.get(source) ?? { left: SPAM_BURST, at: now };
    const left = Math.min(SPAM_BURST, bucket.left + (now - bucket.at) / SPAM_REFILL_MS);
    remember(this.#tokens, source, { left: left >= 1 ? left - 1 : left, at: now });
    return left >= 1;
  }
}

/** A Map keeps insertion order, which makes it a least-recently-used cache when entries are re-inserted. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MAX_REMEMBERED) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
