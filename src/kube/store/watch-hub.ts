// Tells watchers what was written, in order; shared by every store.
// Knows nothing of how events are kept: a store hands it each committed batch once.
import type { StoreEvent, StoreWatch } from './store.ts';

type Listener = (events: readonly StoreEvent[]) => void;

interface Watcher {
  readonly prefix: string;
  readonly listener: Listener;
  closed: boolean;
}

/** Fan-out of committed batches to the watchers whose prefix they touch. */
export class WatchHub {
  readonly #watchers = new Set<Watcher>();
  readonly #queue: (readonly StoreEvent[])[] = [];
  #publishing = false;

  /** `backlog` is delivered before this returns; everything published later follows it without a gap. */
  attach(prefix: string, backlog: readonly StoreEvent[], listener: Listener): StoreWatch {
    const watcher: Watcher = { prefix, listener, closed: false };
    if (backlog.length > 0) listener(backlog);
    this.#watchers.add(watcher);
    return {
      close: () => {
        watcher.closed = true;
        this.#watchers.delete(watcher);
      },
    };
  }

  publish(events: readonly StoreEvent[]): void {
    if (events.length === 0) return;
    this.#queue.push(events);
    // A listener may write to a store that commits at once: its batch waits here, so that
    // no watcher sees it before the batch being told now.
    if (this.#publishing) return;
    this.#publishing = true;
    try {
      for (let batch = this.#queue.shift(); batch !== undefined; batch = this.#queue.shift()) this.#tell(batch);
    } finally {
      this.#publishing = false;
    }
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.closed = true;
    this.#watchers.clear();
  }

  #tell(batch: readonly StoreEvent[]): void {
    // The copy keeps out watchers attached meanwhile: their backlog already held this batch.
    for (const watcher of [...this.#watchers]) {
      if (watcher.closed) continue;
      const matching = batch.filter((event) => event.record.key.startsWith(watcher.prefix));
      if (matching.length > 0) watcher.listener(matching);
    }
  }
}
