// Decides who is ejected and when they return, for all clusters: an endpoint's record is one, whoever names it.
// Pure: time and what happened come in, what changed goes out. It counts no requests and tells nobody.
import { type EjectionRecord, ejected, ejectionCap, neverEjected, returned } from './ejection.ts';
import type { EjectionCause } from './outcome.ts';
import { latencyOutliers, type Sample, successRateOutliers } from './samples.ts';
import type { OutlierSettings } from './settings.ts';

interface Member {
  readonly settings: OutlierSettings;
  readonly keys: ReadonlySet<string>;
}

export interface EjectionEvent {
  readonly type: 'ejected' | 'returned';
  readonly key: string;
  readonly cause: EjectionCause;
  /** Whose settings ejected it; empty for a return. */
  readonly cluster: string;
}

const none: ReadonlySet<string> = new Set();

export class OutlierDetector {
  readonly #clusters = new Map<string, Member>();
  /** Names of the clusters that watch an endpoint. */
  readonly #watching = new Map<string, Set<string>>();
  readonly #records = new Map<string, EjectionRecord>();

  /** The endpoints that a cluster watches, by key; `settings` undefined takes the cluster out. */
  configure(cluster: string, settings: OutlierSettings | undefined, keys: ReadonlySet<string>): void {
    const before = this.#clusters.get(cluster)?.keys ?? none;
    const after = settings === undefined ? none : keys;
    if (settings === undefined) this.#clusters.delete(cluster);
    else this.#clusters.set(cluster, { settings, keys: after });
    for (const key of after) if (!before.has(key)) this.#watch(key, cluster);
    for (const key of before) if (!after.has(key)) this.#unwatch(key, cluster);
  }

  /** Somebody else answers at this address now: what its predecessor did is not held against it. */
  forget(key: string): void {
    this.#records.delete(key);
  }

  /** Some cluster names the endpoint. */
  watches(key: string): boolean {
    return this.#watching.has(key);
  }

  /** Who is ejected now. */
  *ejected(): Iterable<string> {
    for (const [key, { current }] of this.#records) if (current !== undefined) yield key;
  }

  record(key: string): EjectionRecord {
    return this.#records.get(key) ?? neverEjected;
  }

  /** A run of failures has reached the threshold of `cluster`. */
  onRun(cluster: string, key: string, cause: EjectionCause, now: number): readonly EjectionEvent[] {
    return this.#eject(cluster, key, cause, now);
  }

  /** An interval of `cluster` is over; `samples` hold what its endpoints did in it. */
  onInterval(cluster: string, samples: readonly Sample[], now: number): readonly EjectionEvent[] {
    const member = this.#clusters.get(cluster);
    if (member === undefined) return [];
    // Who is ejected is no measure for the others: in panic it still gets requests.
    const present = samples.filter(({ key }) => member.keys.has(key) && this.record(key).current === undefined);
    const events: EjectionEvent[] = [];
    for (const key of successRateOutliers(present, member.settings)) {
      events.push(...this.#eject(cluster, key, 'success_rate', now));
    }
    for (const key of latencyOutliers(present, member.settings)) {
      events.push(...this.#eject(cluster, key, 'latency', now));
    }
    return events;
  }

  /** Lets those return whose time is over. */
  release(now: number): readonly EjectionEvent[] {
    const events: EjectionEvent[] = [];
    for (const [key, record] of this.#records) {
      if (record.current === undefined || record.current.until > now) continue;
      this.#records.set(key, returned(record, now));
      events.push({ type: 'returned', key, cause: record.current.cause, cluster: '' });
    }
    return events;
  }

  /** When the next endpoint returns; undefined while none is ejected. */
  nextReturn(): number | undefined {
    let next: number | undefined;
    for (const { current } of this.#records.values()) {
      if (current !== undefined && (next === undefined || current.until < next)) next = current.until;
    }
    return next;
  }

  #eject(cluster: string, key: string, cause: EjectionCause, now: number): readonly EjectionEvent[] {
    const member = this.#clusters.get(cluster);
    const record = this.record(key);
    if (member === undefined || !member.keys.has(key) || record.current !== undefined) return [];
    // Every cluster that would lose the endpoint must be able to spare it.
    for (const name of this.#watching.get(key) ?? none) if (!this.#hasRoom(name)) return [];
    this.#records.set(key, ejected(record, cause, now, member.settings));
    return [{ type: 'ejected', key, cause, cluster }];
  }

  #watch(key: string, cluster: string): void {
    const names = this.#watching.get(key);
    if (names === undefined) this.#watching.set(key, new Set([cluster]));
    else names.add(cluster);
  }

  #unwatch(key: string, cluster: string): void {
    const names = this.#watching.get(key);
    names?.delete(cluster);
    if (names === undefined || names.size > 0) return;
    this.#watching.delete(key);
    this.#records.delete(key);
  }

  #hasRoom(cluster: string): boolean {
    const member = this.#clusters.get(cluster);
    if (member === undefined) return true;
    let out = 0;
    for (const key of member.keys) if (this.record(key).current !== undefined) out++;
    return out < ejectionCap(member.keys.size, member.settings.maxEjectionPercent);
  }
}
