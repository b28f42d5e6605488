// Asks an address again and again by new connections, and tells since when it has answered without fail.
// Knows nothing of why it may not.
import type { Lab } from '../../test/speaker/lab.ts';

/** Milliseconds between two questions, and for one to be answered: of a connection whose first packet was lost it is not. */
const EVERY_MS = 20;
const PATIENCE_MS = 300;
/** Answers one after the other, after which it counts as back; some are led to each node. */
const RUN = 30;

interface Question {
  readonly began: number;
  by?: string;
  ended?: true;
}

export class FirstAnswer {
  readonly #questions: Question[] = [];
  readonly #timer: NodeJS.Timeout;
  readonly #dead: string;

  constructor(lab: Lab, address: string, dead: string) {
    this.#dead = dead;
    this.#timer = setInterval(() => {
      const question: Question = { began: performance.now() };
      this.#questions.push(question);
      void lab.whoAnswers(address, PATIENCE_MS).then((by) => {
        if (by !== undefined) question.by = by;
        question.ended = true;
      });
    }, EVERY_MS);
  }

  /** When the first question began of the run of answers that followed `died`. Rejects when there was none within `ms`. */
  async after(died: number, ms: number): Promise<number> {
    try {
      while (performance.now() < died + ms) {
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
        const since = this.#questions.filter(({ began }) => began >= died);
        const ended = since.slice(0, since.findLastIndex(({ ended: is }) => is === true) + 1);
        const failed = ended.findLastIndex(
          ({ by, ended: is }) => is === true && (by === undefined || by === this.#dead),
        );
        const first = ended[failed + 1];
        const run = ended.slice(failed + 1);
        if (first !== undefined && run.length >= RUN && run.every(({ ended: is }) => is === true)) return first.began;
      }
      throw new Error(`It was not answered for ${ms / 1_000} s`);
    } finally {
      clearInterval(this.#timer);
    }
  }
}
