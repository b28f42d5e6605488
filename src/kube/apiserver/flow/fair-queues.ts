// So many requests at a time, and a turn for each flow: one with a long queue waits for itself, not the others for it.
// Knows flows by a text and requests by when they may begin; nothing of users. Upstream source: apiserver/pkg/util/flowcontrol/fairqueuing.

export interface QueueLimits {
  /** How many may be under way at once. */
  seats: number;
  /** How many of one flow may wait; 0: nobody waits. */
  perFlow: number;
  /** How many of all flows may wait. */
  total: number;
}

/** `full`: there is no room to wait either. */
export type Turn = 'begin' | 'full';

interface Waiting {
  readonly begin: (turn: Turn) => void;
  gone: boolean;
}

/** Hands out seats; whoever began calls `end` once. */
export class FairQueues {
  readonly #limits: QueueLimits;
  /** In the order in which it is their turn: a flow that has had it goes to the end. */
  readonly #flows = new Map<string, Waiting[]>();
  /** Lets others be heard between two turns. */
  readonly #later: (work: () => void) => void;
  #busy = 0;
  #waiting = 0;
  #scheduled = false;

  constructor(limits: QueueLimits, later: (work: () => void) => void) {
    this.#limits = limits;
    this.#later = later;
  }

  get busy(): number {
    return this.#busy;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Calls `begin` at once, later, or never when the returned function has been called before. */
  enter(flow: string, begin: (turn: Turn) => void): () => void {
    if (this.#busy < this.#limits.seats && this.#waiting === 0) {
      this.#busy += 1;
      begin('begin');
      return () => {};
    }
    const queue = this.#flows.get(flow) ?? [];
    if (queue.length >= this.#limits.perFlow || this.#waiting >= this.#limits.total) {
      begin('full');
      return () => {};
    }
    const entry: Waiting = { begin, gone: false };
    if (queue.length === 0) this.#flows.set(flow, queue);
    queue.push(entry);
    this.#waiting += 1;
    this.#schedule();
    return () => {
      if (entry.gone) return;
      entry.gone = true;
      this.#drop(flow, entry);
    };
  }

  end(): void {
    this.#busy -= 1;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting === 0 || this.#busy >= this.#limits.seats) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.#next();
      this.#schedule();
    });
  }

  /** One at a time: those who come meanwhile are in their queues before the next turn. */
  #next(): void {
    const [first] = this.#flows;
    if (first === undefined || this.#busy >= this.#limits.seats) return;
    const [flow, queue] = first;
    const entry = queue.shift();
    this.#flows.delete(flow);
    if (queue.length > 0) this.#flows.set(flow, queue);
    if (entry === undefined) return;
    this.#waiting -= 1;
    entry.gone = true;
    this.#busy += 1;
    entry.begin('begin');
  }

  #drop(flow: string, entry: Waiting): void {
    const queue = this.#flows.get(flow);
    const at = queue?.indexOf(entry) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.splice(at, 1);
    this.#waiting -= 1;
    if (queue.length === 0) this.#flows.delete(flow);
  }
}
