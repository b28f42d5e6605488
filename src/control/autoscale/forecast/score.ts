// How wrong a model has been lately: what it said some steps ahead beside what came.
// Pure; old errors lose their weight.
import type { Knowledge, Model } from './models.ts';

/** A model and its errors, as plain data. */
export interface ScoreState {
  readonly knowledge: Knowledge;
  readonly squares: number;
  readonly errors: number;
  readonly values: number;
  readonly count: number;
}

export class Score {
  readonly model: Model;
  /** Forecasts by the step they are for. */
  readonly #said = new Map<number, number>();
  readonly #keep: number;
  readonly #ahead: number;
  #squares = 0;
  #errors = 0;
  #values = 0;
  /** Forecasts that have been compared with what came. */
  count = 0;

  /** Judged by forecasts for `ahead` steps later; what is `halfLife` steps old counts half. */
  constructor(model: Model, ahead: number, halfLife: number) {
    this.model = model;
    this.#ahead = ahead;
    this.#keep = 0.5 ** (1 / Math.max(1, halfLife));
  }

  observe(step: number, value: number): void {
    const said = this.#said.get(step);
    for (const [past] of this.#said) if (past <= step) this.#said.delete(past);
    if (said !== undefined) {
      this.count++;
      this.#squares = this.#keep * this.#squares + (said - value) ** 2;
      this.#errors = this.#keep * this.#errors + Math.abs(said - value);
      this.#values = this.#keep * this.#values + value;
    }
    this.model.observe(step, value);
    const next = this.model.at(step + this.#ahead);
    if (next !== undefined) this.#said.set(step + this.#ahead, next);
  }

  /** Mean absolute error as a share of the mean demand (WAPE); infinite while nothing has been compared. */
  get error(): number {
    return this.count === 0 || this.#values === 0 ? Number.POSITIVE_INFINITY : this.#errors / this.#values;
  }

  /** Sum of squared errors, which large ones dominate; only good to compare scores of the same age. */
  get squares(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.#squares;
  }

  state(): ScoreState {
    const { count } = this;
    return { knowledge: this.model.know(), squares: this.#squares, errors: this.#errors, values: this.#values, count };
  }

  /** Goes on where another has stopped; false when that was of another model. */
  restore({ knowledge, squares, errors, values, count }: ScoreState): boolean {
    if (![squares, errors, values, count].every(Number.isFinite) || !this.model.learn(knowledge)) return false;
    this.#squares = squares;
    this.#errors = errors;
    this.#values = values;
    this.count = count;
    return true;
  }
}
