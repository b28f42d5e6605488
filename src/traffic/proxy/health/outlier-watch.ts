// Watches how endpoints fare: asks the detector at each interval and at long runs, and sees to it that they return.
// Lives on the engine's control thread; whom its decisions concern is somebody else's business.

import type { Cancel, Clock } from '#lib/clock.ts';
import { type EjectionEvent, OutlierDetector } from '#traffic/balancer/outlier/detector.ts';
import type { Ejection } from '#traffic/balancer/outlier/ejection.ts';
import type { Sample } from '#traffic/balancer/outlier/samples.ts';
import { outlierSettings } from '#traffic/balancer/outlier/settings.ts';
import type { OutlierDetection } from '#traffic/model/ir.ts';
import type { LongRun } from './attempt-recorder.ts';
import { isCounted, OutcomeTotals, Runs, type Sums } from './outcome-memory.ts';

export interface OutlierWatchDeps {
  readonly clock: Clock;
  readonly memory: SharedArrayBuffer;
  readonly workers: number;
  /** Slot of an endpoint; undefined when it has none any more. */
  slotOf(key: string): number | undefined;
  /** Endpoints were ejected, or may be used again. */
  onEvents(events: readonly EjectionEvent[]): void;
}

/** One cluster under watch. */
interface Watched {
  readonly interval: number;
  readonly cancel: Cancel;
  /** Sums at the last interval, by endpoint. */
  readonly sums: Map<string, Sums>;
}

export class OutlierWatch {
  readonly #deps: OutlierWatchDeps;
  readonly #detector = new OutlierDetector();
  readonly #totals: OutcomeTotals;
  readonly #runs: Runs;
  readonly #watched = new Map<string, Watched>();
  #cancelReturn: Cancel = () => {};

  constructor(deps: OutlierWatchDeps) {
    this.#deps = deps;
    this.#totals = new OutcomeTotals(deps.memory, deps.workers);
    this.#runs = new Runs(deps.memory);
  }

  /** The endpoints of a cluster, which have their slots by now; without a policy it is not watched. */
  configure(cluster: string, policy: OutlierDetection | undefined, keys: ReadonlySet<string>): void {
    const before = this.#watched.get(cluster);
    if (policy === undefined) {
      before?.cancel();
      this.#watched.delete(cluster);
      this.#detector.configure(cluster, undefined, keys);
      return;
    }
    const settings = outlierSettings(policy);
    const sums = before?.sums ?? new Map<string, Sums>();
    for (const key of sums.keys()) if (!keys.has(key)) sums.delete(key);
    for (const key of keys) {
      if (sums.has(key)) continue;
      sums.set(key, this.#sumsOf(key));
      // Its slot may have counted for somebody else before.
      if (!this.#detector.watches(key)) this.#clearRuns(key);
    }
    this.#detector.configure(cluster, settings, keys);
    if (before?.interval === settings.interval) return;
    before?.cancel();
    const cancel = this.#deps.clock.every(settings.interval, () => this.#onInterval(cluster));
    this.#watched.set(cluster, { interval: settings.interval, cancel, sums });
  }

  /** Somebody else answers at the endpoint's address now. */
  forget(key: string): void {
    this.#detector.forget(key);
    this.#clearRuns(key);
  }

  /** A worker saw a run reach its threshold. */
  onLongRun({ cluster, key, cause }: LongRun): void {
    const events = this.#detector.onRun(cluster, key, cause, this.#deps.clock.now());
    this.#tell(events);
  }

  /** The ejection under way; `until` in monotonic milliseconds. */
  ejection(key: string): Ejection | undefined {
    return this.#detector.record(key).current;
  }

  /** Keys of everybody who is ejected now. */
  ejected(): Iterable<string> {
    return this.#detector.ejected();
  }

  close(): void {
    this.#cancelReturn();
    for (const { cancel } of this.#watched.values()) cancel();
  }

  #onInterval(cluster: string): void {
    const watched = this.#watched.get(cluster);
    if (watched === undefined) return;
    const samples: Sample[] = [];
    for (const [key, before] of watched.sums) {
      const now = this.#sumsOf(key);
      watched.sums.set(key, now);
      samples.push({
        key,
        requests: now.requests - before.requests,
        failures: now.failures - before.failures,
        latencyMs: now.latencyMs - before.latencyMs,
      });
    }
    this.#tell(this.#detector.onInterval(cluster, samples, this.#deps.clock.now()));
  }

  #tell(events: readonly EjectionEvent[]): void {
    if (events.length === 0) return;
    for (const { key } of events) this.#clearRuns(key);
    this.#deps.onEvents(events);
    this.#awaitReturn();
  }

  #awaitReturn(): void {
    const { clock } = this.#deps;
    this.#cancelReturn();
    const next = this.#detector.nextReturn();
    if (next === undefined) return;
    this.#cancelReturn = clock.after(Math.max(0, Math.ceil(next - clock.now())), () => {
      this.#tell(this.#detector.release(clock.now()));
      // Timers may fire a little early: then nobody has returned yet.
      this.#awaitReturn();
    });
  }

  #clearRuns(key: string): void {
    const slot = this.#deps.slotOf(key);
    if (slot !== undefined && isCounted(slot)) this.#runs.clear(slot);
  }

  #sumsOf(key: string): Sums {
    const slot = this.#deps.slotOf(key);
    return slot === undefined || !isCounted(slot) ? { requests: 0, failures: 0, latencyMs: 0 } : this.#totals.of(slot);
  }
}
