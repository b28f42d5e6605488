// The nodes of the cluster that have fallen silent, as this one finds out: by heartbeats, and by asking once more.
// Knows who to ask and when to judge; what is done about a silent node is for others.
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Heartbeats } from './heartbeat.ts';
import { type Ask, SecondOpinion } from './second-opinion.ts';
import { Silence } from './silence.ts';

export interface SilentNodesOptions {
  readonly heartbeats: Pick<Heartbeats, 'unheard' | 'dead' | 'proved'>;
  readonly clock: Clock;
  /** A node fell silent, or is heard again. `seeming` is how many seem silent, whether or not that counts. */
  readonly onChange: (silent: ReadonlySet<string>, seeming: number) => void;
  readonly ask?: Ask;
}

/** Of silence, after which a node is asked: by then two messages are missing. */
const SUSPECT_MS = 300;
const LOOK_MS = 50;

export class SilentNodes {
  readonly #options: SilentNodesOptions;
  readonly #silence = new Silence();
  readonly #opinion: SecondOpinion;
  readonly #stop: Cancel;

  constructor(options: SilentNodesOptions) {
    this.#options = options;
    this.#opinion = new SecondOpinion(options.clock, options.ask);
    this.#stop = options.clock.every(LOOK_MS, () => this.look());
  }

  /** None when more than half of the nodes seem silent: then it is this one that is cut off. */
  get silent(): ReadonlySet<string> {
    return this.#silence.silent;
  }

  /** At once, since somebody was heard again or died. */
  look(): void {
    const { heartbeats, onChange } = this.#options;
    const suspects = heartbeats.unheard(SUSPECT_MS).filter(({ name }) => !this.#silence.fallen.has(name));
    this.#opinion.watch(suspects);
    const nodes = heartbeats.proved + 1;
    const changed = this.#silence.judge({
      dead: heartbeats.dead,
      answers: (node) => this.#opinion.answers(node),
      nodes,
    });
    if (changed) onChange(this.silent, this.#silence.fallen.size);
  }

  close(): void {
    this.#stop();
    this.#opinion.close();
  }
}
