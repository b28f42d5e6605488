// Models of demand over time: what it will be some steps ahead, by season, by trend, or as it is now.
// Pure; a step is a number that rises with time, and nobody here knows how long one is.

/** What a model knows, as plain numbers; null is what it does not know. */
export type Knowledge = readonly (number | null)[];

export interface Model {
  readonly name: string;
  know(): Knowledge;
  /** Takes over what one of its kind knew; what cannot be its knowledge is left alone, and said so with false. */
  learn(knowledge: Knowledge): boolean;
  /** Demand in `step`, which is later than any before; steps may be missing. */
  observe(step: number, value: number): void;
  /** Demand to be expected in `step`; undefined while too little is known. */
  at(step: number): number | undefined;
}

/** How much of what a slot of the season had before is replaced by what it has this time. */
const PROFILE_GAIN = 0.4;
/** The same for today's level beside that of the profile, a step. */
const LEVEL_GAIN = 0.05;
/** A day may be that much busier or quieter than those before it. */
const MOST_LEVEL = 1.5;

/** What this slot of the season had in the seasons before, by the level of the present one. */
export class Seasonal implements Model {
  readonly name: string;
  readonly #profile: Float64Array;
  #level = 1;

  constructor(steps: number, name = 'seasonal') {
    this.name = name;
    this.#profile = new Float64Array(steps).fill(Number.NaN);
  }

  observe(step: number, value: number): void {
    const slot = step % this.#profile.length;
    const before = this.#profile[slot] as number;
    if (Number.isNaN(before)) {
      this.#profile[slot] = value;
      return;
    }
    if (before > 0) {
      const level = Math.min(MOST_LEVEL, Math.max(1 / MOST_LEVEL, value / before));
      this.#level += LEVEL_GAIN * (level - this.#level);
    }
    this.#profile[slot] = before + PROFILE_GAIN * (value - before);
  }

  at(step: number): number | undefined {
    const known = this.#profile[step % this.#profile.length] as number;
    return Number.isNaN(known) ? undefined : known * this.#level;
  }

  know(): Knowledge {
    return [
      rounded(this.#level),
      ...Array.from(this.#profile, (value) => (Number.isNaN(value) ? null : rounded(value))),
    ];
  }

  learn([level, ...profile]: Knowledge): boolean {
    if (typeof level !== 'number' || profile.length !== this.#profile.length) return false;
    this.#level = level;
    for (const [slot, value] of profile.entries()) this.#profile[slot] = value ?? Number.NaN;
    return true;
  }
}

/** Holt's: level and slope, the slope losing a tenth of itself with each step ahead. */
export class Trend implements Model {
  readonly name = 'trend';
  #last: number | undefined;
  #level = 0;
  #slope = 0;

  observe(step: number, value: number): void {
    if (this.#last === undefined) {
      this.#level = value;
    } else {
      const steps = step - this.#last;
      const expected = this.#level + this.#slope * steps;
      const level = expected + 0.5 * (value - expected);
      this.#slope += 0.2 * ((level - this.#level) / steps - this.#slope);
      this.#level = level;
    }
    this.#last = step;
  }

  at(step: number): number | undefined {
    if (this.#last === undefined) return undefined;
    const ahead = Math.max(0, step - this.#last);
    // 0.9 + 0.81 + ...: what is left of the slope.
    return Math.max(0, this.#level + this.#slope * 9 * (1 - 0.9 ** ahead));
  }

  know(): Knowledge {
    return [this.#last ?? null, this.#level, this.#slope];
  }

  learn([last, level, slope]: Knowledge): boolean {
    if (typeof level !== 'number' || typeof slope !== 'number') return false;
    this.#last = last ?? undefined;
    this.#level = level;
    this.#slope = slope;
    return true;
  }
}

/** It stays as it is. Who knows less than this knows nothing. */
export class Persistence implements Model {
  readonly name = 'persistence';
  #value: number | undefined;

  observe(_: number, value: number): void {
    this.#value = value;
  }

  at(): number | undefined {
    return this.#value;
  }

  know(): Knowledge {
    return [this.#value ?? null];
  }

  learn([value]: Knowledge): boolean {
    this.#value = value ?? undefined;
    return true;
  }
}

/** It goes back to its mean: what is best where there is noise and nothing else. */
export class Mean implements Model {
  readonly name = 'mean';
  readonly #gain: number;
  #value: number | undefined;

  /** The mean forgets half of what it knew within `halfLife` steps. */
  constructor(halfLife: number) {
    this.#gain = 1 - 0.5 ** (1 / Math.max(1, halfLife));
  }

  observe(_: number, value: number): void {
    this.#value = this.#value === undefined ? value : this.#value + this.#gain * (value - this.#value);
  }

  at(): number | undefined {
    return this.#value;
  }

  know(): Knowledge {
    return [this.#value ?? null];
  }

  learn([value]: Knowledge): boolean {
    this.#value = value ?? undefined;
    return true;
  }
}

/** Profiles are stored: a thousandth of a request is finer than any of them is true. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
