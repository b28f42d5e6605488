// One node of the cluster over its lives: started, stopped, killed, started again; and brought back when it dies unasked.
// Knows its place and its command; who asks for what is decided elsewhere.
import { backoffDelay } from '#lib/backoff.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { Failure } from '../../failure.ts';
import type { PlannedNode } from '../fabric/plan.ts';
import { type Ended, NodeProcess } from './node-process.ts';
import type { NodePlace } from './places.ts';

/** `stopped` and `killed`: by a person, until they start it. `crashed`: about to be started again. */
export type NodeState = 'running' | 'stopping' | 'stopped' | 'killed' | 'crashed';

export interface ClusterNodeOptions {
  readonly node: PlannedNode;
  readonly command: readonly string[];
  /** Remembers the process. */
  readonly file: string;
  readonly place: NodePlace;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when `state` is another one. */
  readonly onState?: () => void;
  /** It died unasked, and is started again after `againMs`. */
  readonly onCrash: (why: string, againMs: number) => void;
}

/** A node that has lived this long, in milliseconds, is started again without delay. */
const STEADY_MS = 60_000;
const RESTARTS = { baseMs: 1_000, capMs: 30_000 };
/** Pods are given their grace by the kubelet; past this, in milliseconds, it hangs. */
const STOP_MS = 40_000;

export class ClusterNode {
  readonly planned: PlannedNode;
  readonly #options: ClusterNodeOptions;
  #state: NodeState = 'stopped';
  #process: NodeProcess | undefined;
  #startedAt = 0;
  #failures = 0;
  #restarts = 0;
  #cancelRestart: Cancel = () => {};
  /** One thing at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ClusterNodeOptions) {
    this.#options = options;
    this.planned = options.node;
  }

  get state(): NodeState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get restarts(): number {
    return this.#restarts;
  }

  start(): Promise<void> {
    return this.#next(async () => {
      if (this.#process !== undefined) {
        throw new Failure(`Node "${this.planned.name}" runs already`, 'Stop it first, or leave it as it is');
      }
      this.#failures = 0;
      await this.#run();
    });
  }

  /** In order: its pods end as they would when a machine is shut down. It is killed after `patienceMs`. */
  stop(patienceMs = STOP_MS): Promise<void> {
    return this.#end('stopped', async (process) => {
      this.#become('stopping');
      process.stop();
      const cancel = this.#options.clock.after(patienceMs, () => process.kill());
      await process.ended;
      cancel();
    });
  }

  /** As when the power fails: nobody hears from it, and everything on it is gone at once. */
  kill(): Promise<void> {
    return this.#end('killed', async (process) => {
      // First, so that whoever is led by it can be led by another one.
      this.#become('killed');
      await this.#options.place.cut(this.planned);
      process.kill();
      await process.ended;
    });
  }

  /** Without a moment to wait: for a process that ends now. */
  killNow(): void {
    this.#cancelRestart();
    this.#process?.kill();
  }

  #end(state: 'stopped' | 'killed', how: (process: NodeProcess) => Promise<void>): Promise<void> {
    return this.#next(async () => {
      this.#cancelRestart();
      const process = this.#process;
      this.#process = undefined;
      if (process !== undefined) await how(process);
      this.#become(state);
      await this.#options.place.clear(this.planned);
    });
  }

  #become(state: NodeState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#options.onState?.();
  }

  #next(action: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(action);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #run(): Promise<void> {
    const { node, command, file, place, clock } = this.#options;
    await place.make(node);
    const process = new NodeProcess(place.wrap(node, command), file);
    this.#process = process;
    this.#become('running');
    this.#startedAt = clock.now();
    void process.ended.then((ended) => {
      // Asked for: whoever asked has taken it away before.
      if (this.#process === process) void this.#next(() => this.#crashed(process, ended));
    });
  }

  async #crashed(process: NodeProcess, ended: Ended): Promise<void> {
    if (this.#process !== process) return;
    const { place, clock, log, onCrash } = this.#options;
    this.#process = undefined;
    this.#become('crashed');
    this.#failures = clock.now() - this.#startedAt > STEADY_MS ? 1 : this.#failures + 1;
    const againMs = backoffDelay(this.#failures, RESTARTS);
    log.error({ node: this.planned.name, ...ended }, 'The process of a node ended unasked');
    onCrash(reasonOf(ended), againMs);
    // Nothing of it serves any more: to the others it is to be as if the machine had lost its power, before it is cleared.
    await place.cut(this.planned);
    await place.clear(this.planned);
    this.#cancelRestart = clock.after(againMs, () => {
      this.#restarts += 1;
      void this.#next(async () => {
        if (this.#state === 'crashed') await this.#run();
      });
    });
  }
}

function reasonOf({ code, signal, words }: Ended): string {
  const how = signal === null ? `exit code ${code}` : signal;
  return words === '' ? how : `${how}: ${words.split('\n').slice(-2).join(' ')}`;
}
