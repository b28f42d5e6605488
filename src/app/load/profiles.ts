// The shapes a load can have: steady, a spike, a ramp, a wave.
// Pure; knows neither requests nor the command line.
import type { Knot } from './schedule.ts';

export const PROFILES = ['constant', 'spike', 'ramp', 'wave', 'soak', 'replay'] as const;
export type ProfileName = (typeof PROFILES)[number];

export interface Shape {
  /** Requests a second before, between and after peaks. */
  readonly rate: number;
  /** Requests a second at the highest. */
  readonly peak: number;
  readonly durationMs: number;
  /** From one crest of a wave to the next. */
  readonly periodMs: number;
}

/** Parts of the whole time. */
const SPIKE = { rises: 0.2, high: 0.22, falls: 0.65, low: 0.75 };
const SOAK_WARM = 0.05;
/** Straight pieces a wave is made of: their rate is within 0.1 % of a sine. */
const PIECES = 64;

/** The load over time; `constant` and `soak` are flat but for the soak's first twentieth, in which it rises. */
export function profileKnots(name: Exclude<ProfileName, 'replay'>, shape: Shape): readonly Knot[] {
  const { rate, peak, durationMs } = shape;
  const at = (part: number, value: number): Knot => ({ atMs: durationMs * part, rate: value });
  switch (name) {
    case 'constant':
      return [at(0, rate), at(1, rate)];
    case 'soak':
      return [at(0, 0), at(SOAK_WARM, rate), at(1, rate)];
    case 'ramp':
      return [at(0, rate), at(1, peak)];
    case 'spike':
      return [
        at(0, rate),
        at(SPIKE.rises, rate),
        at(SPIKE.high, peak),
        at(SPIKE.falls, peak),
        at(SPIKE.low, rate),
        at(1, rate),
      ];
    case 'wave':
      return wave(shape);
  }
}

/** Begins and, after whole periods, ends at its lowest. */
function wave({ rate, peak, durationMs, periodMs }: Shape): readonly Knot[] {
  const knots: Knot[] = [];
  const step = periodMs / PIECES;
  for (let i = 0; i * step < durationMs; i++) knots.push(pointAt(i * step));
  knots.push(pointAt(durationMs));
  return knots;

  function pointAt(atMs: number): Knot {
    return { atMs, rate: rate + ((peak - rate) * (1 - Math.cos((2 * Math.PI * atMs) / periodMs))) / 2 };
  }
}
