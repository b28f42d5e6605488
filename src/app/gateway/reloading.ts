// Reads the configuration again whenever somebody asks, and tells people what came of it.
// Knows neither files nor signals: those who do ask.
import { messageOf } from '../failure.ts';
import { formatProblem } from '../manifests/format.ts';
import type { LiveConfig, Reload } from './live-config.ts';
import { changed } from './tell.ts';

/** What tells that an update is in force. */
interface Applying {
  applied(): Promise<void>;
}

/** One reload at a time; however often it is asked for meanwhile, one more follows. */
export class Reloading {
  onRead: (files: readonly string[]) => void = () => {};
  readonly #path: string;
  readonly #live: LiveConfig;
  readonly #engine: Applying;
  readonly #say: (line: string) => void;
  readonly #warn: (line: string) => void;
  #running: Promise<void> = Promise.resolve();
  #busy = false;
  #asked: 'no' | 'hint' | 'order' = 'no';

  constructor(
    path: string,
    live: LiveConfig,
    engine: Applying,
    say: (line: string) => void,
    warn: (line: string) => void,
  ) {
    this.#path = path;
    this.#live = live;
    this.#engine = engine;
    this.#say = say;
    this.#warn = warn;
  }

  ask(order: boolean): void {
    if (order || this.#asked === 'no') this.#asked = order ? 'order' : 'hint';
    if (this.#busy) return;
    this.#busy = true;
    this.#running = this.#run();
  }

  async done(): Promise<void> {
    await this.#running;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#asked !== 'no') {
      const order = this.#asked === 'order';
      this.#asked = 'no';
      try {
        const outcome = await this.#live.load(undefined, order);
        this.onRead(this.#live.files);
        await this.#tell(outcome);
      } catch (error) {
        this.#warn(`Cannot read ${this.#path} again: ${messageOf(error)}`);
      }
    }
    this.#busy = false;
  }

  async #tell(outcome: Reload): Promise<void> {
    if (outcome.type === 'same') return;
    if (outcome.type === 'refused') {
      for (const problem of outcome.problems) this.#warn(formatProblem(problem));
      this.#warn(`The configuration before stays in force; correct ${this.#path} and it is read again.`);
      return;
    }
    await this.#engine.applied();
    this.#say(changed(this.#path, outcome.changes));
  }
}
