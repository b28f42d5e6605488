// How far usage may be from its target before anything is done about it.
// Knows ratios only. (Upstream: Tolerances in replica_calculator.go.)

/** Shares of the target: 0.1 is ten percent. */
export interface Tolerances {
  readonly up: number;
  readonly down: number;
}

/** Both bounds belong to it; what is no number is outside. */
export function isWithin({ up, down }: Tolerances, ratio: number): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}
