// Who is asked once more about an object: those who wish it, when others changed the object after them.
// Knows keys and objects; who they are is the plugins' matter. Upstream source: plugin/webhook/mutating/reinvocationcontext.go.
import { jsonEqual } from '#lib/json.ts';
import type { AnyObject } from '../registry/any-object.ts';

/** Of the members of one plugin, over the two rounds that one write can take. */
export class Reinvocation {
  /** Whether anybody changed anything, so that there is a second round. */
  needed = false;
  /** The round that runs: 0 or 1. */
  round = 0;
  readonly #plugins = new Map<string, Members>();

  plugin(name: string): Members {
    const known = this.#plugins.get(name) ?? new Members(this);
    this.#plugins.set(name, known);
    return known;
  }

  begin(): void {
    this.round++;
  }
}

export class Members {
  readonly #rounds: Reinvocation;
  #asked = new Set<string>();
  readonly #due = new Set<string>();
  #left: AnyObject | undefined;

  constructor(rounds: Reinvocation) {
    this.#rounds = rounds;
  }

  /** Before the first member of a round: what has changed since the last one of the round before is for all of them. */
  start(object: AnyObject | undefined): void {
    if (this.#rounds.round > 0 && !jsonEqual(object, this.#left)) this.#askAgain();
  }

  end(object: AnyObject | undefined): void {
    this.#left = object;
  }

  isDue(key: string): boolean {
    return this.#rounds.round === 0 || this.#due.has(key);
  }

  changed(): void {
    this.#askAgain();
    this.#rounds.needed = true;
  }

  /** `wishes`: to be asked once more, should others change the object. */
  asked(key: string, wishes: boolean): void {
    if (wishes) this.#asked.add(key);
  }

  #askAgain(): void {
    for (const key of this.#asked) this.#due.add(key);
    this.#asked = new Set();
  }
}
