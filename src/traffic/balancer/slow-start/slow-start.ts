// How much of its weight an endpoint gets while it warms up after it became usable.
// A pure function of the time since then; knows no endpoint.

export interface SlowStartSettings {
  /** Milliseconds until the full weight; 0 switches slow start off. */
  readonly windowMs: number;
  /** 1 grows linearly; more grows faster at first (Envoy's `aggression`). */
  readonly aggression: number;
  /** Share of the weight that an endpoint has at once, in percent. */
  readonly minWeightPercent: number;
}

/** Factor of the weight, above 0 and up to 1, `elapsedMs` after the endpoint became usable: Envoy's formula. */
export function slowStartFactor(elapsedMs: number, settings: SlowStartSettings): number {
  const { windowMs, aggression, minWeightPercent } = settings;
  if (elapsedMs >= windowMs) return 1;
  // As in Envoy the first second counts as a whole one: a weight of nothing could not even be scheduled.
  const elapsed = Math.min(1, Math.max(elapsedMs, 1000) / windowMs);
  return Math.max(minWeightPercent / 100, elapsed ** (1 / aggression));
}
