// BFD as the speaker sees it: sessions that live in a thread of their own.
// Starts the thread when the first session is wanted, and again should it fail; knows no packet.
import { Worker } from 'node:worker_threads';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { BfdConfig } from '../config.ts';
import type { FromBfd, ToBfd } from './messages.ts';
import type { BfdState } from './packet.ts';
import type { BfdHandle, BfdTarget } from './service.ts';

export interface BfdEvents {
  /** The state or the detection time is new. */
  readonly changed: (state: BfdState) => void;
  /** The peer cannot be reached, as opposed to what either side's operator wanted. */
  readonly lost: () => void;
}

interface Entry {
  readonly open: Extract<ToBfd, { kind: 'open' }>;
  readonly events: BfdEvents;
  state: BfdState;
  detectMs: number | undefined;
}

const RESTART_MS = 1000;
const YOUNG_GENERATION_MB = 2;

export class RemoteBfd {
  readonly #clock: Clock;
  readonly #failed: (problem: string) => void;
  readonly #entries = new Map<number, Entry>();
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #cancelRestart: Cancel = () => {};
  #nextId = 1;
  #closing = false;

  /** `failed` hears of what does not work: a socket that cannot be had, or the thread. */
  constructor(clock: Clock, failed: (problem: string) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  open(target: BfdTarget, config: BfdConfig, events: BfdEvents): BfdHandle {
    const id = this.#nextId++;
    const entry: Entry = { open: { kind: 'open', id, target, config }, events, state: 'down', detectMs: undefined };
    this.#entries.set(id, entry);
    if (this.#worker === undefined) this.#start();
    else this.#tell(entry.open);
    return {
      get state() {
        return entry.state;
      },
      get detectMs() {
        return entry.detectMs;
      },
      close: () => {
        if (this.#entries.delete(id)) this.#tell({ kind: 'close', id });
      },
    };
  }

  /** Resolves when the last packets have gone. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#cancelRestart();
    // Whoever waits for the end is kept by it.
    this.#worker?.ref();
    this.#tell({ kind: 'end' });
    await this.#exited;
  }

  #start(): void {
    this.#cancelRestart();
    const worker = new Worker(new URL('./thread.ts', import.meta.url), {
      name: 'bfd',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker = worker;
    worker.on('message', (message: FromBfd) => this.#hear(message));
    worker.on('error', (error: Error) =>
      this.#failed(`The thread of BFD failed and is started again: ${error.message}`),
    );
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        resolve();
        this.#worker = undefined;
        if (this.#closing) return;
        // Routers have noticed by themselves: BGP goes on, and what they withdraw they learn again.
        for (const entry of this.#entries.values()) this.#set(entry, 'down', undefined);
        this.#cancelRestart = this.#clock.after(RESTART_MS, () => this.#start());
      });
    });
    // Sessions alone do not keep the process.
    worker.unref();
    for (const { open } of this.#entries.values()) this.#tell(open);
  }

  #tell(message: ToBfd): void {
    this.#worker?.postMessage(message);
  }

  #hear(message: FromBfd): void {
    if (message.kind === 'failed') {
      this.#failed(message.problem);
      return;
    }
    const entry = this.#entries.get(message.id);
    if (entry === undefined) return;
    if (message.kind === 'lost') entry.events.lost();
    else this.#set(entry, message.state, message.detectMs);
  }

  #set(entry: Entry, state: BfdState, detectMs: number | undefined): void {
    entry.state = state;
    entry.detectMs = detectMs;
    entry.events.changed(state);
  }
}
