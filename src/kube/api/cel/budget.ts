// What one evaluation may cost: every step takes from it, and at its end the evaluation is over.
// Knows numbers only.
import { CelError } from './values.ts';

/** The evaluation had to be given up. */
export class CelCancelled extends CelError {
  constructor() {
    super('operation cancelled: actual cost limit exceeded');
    this.name = 'CelCancelled';
  }
}

export class Budget {
  /** Units used so far. */
  spent = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Throws `CelCancelled`. */
  spend(units: number): void {
    this.spent += units;
    if (this.spent > this.#limit) throw new CelCancelled();
  }
}
