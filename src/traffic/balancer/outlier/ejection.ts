// One endpoint's record of ejections: how long the next one lasts, and when it is forgotten.
// Knows neither why an endpoint is ejected nor its siblings; time comes in, in monotonic milliseconds.
import type { EjectionCause } from './outcome.ts';
import type { OutlierSettings } from './settings.ts';

export interface Ejection {
  readonly cause: EjectionCause;
  readonly since: number;
  readonly until: number;
  /** 1 for the first of a row; the time grows with it. */
  readonly times: number;
}

export interface EjectionRecord {
  /** Undefined while the endpoint is in use. */
  readonly current: Ejection | undefined;
  /** How often it was ejected in a row, as of its last return. */
  readonly times: number;
  readonly returnedAt: number;
}

export const neverEjected: EjectionRecord = Object.freeze({ current: undefined, times: 0, returnedAt: 0 });

/**
 * The record with an ejection that begins now. Each in a row lasts `baseEjection` longer, up to `maxEjection`; each
 * whole interval in use since the last return takes one off the row. Source: Envoy, ejection algorithm.
 */
export function ejected(
  record: EjectionRecord,
  cause: EjectionCause,
  now: number,
  settings: OutlierSettings,
): EjectionRecord {
  const forgiven = record.times === 0 ? 0 : Math.floor((now - record.returnedAt) / settings.interval);
  const times = Math.max(0, record.times - forgiven) + 1;
  const lasts = Math.min(settings.baseEjection * times, settings.maxEjection);
  return { ...record, current: { cause, since: now, until: now + lasts, times } };
}

/** The record after its ejection is over. */
export function returned(record: EjectionRecord, now: number): EjectionRecord {
  if (record.current === undefined) return record;
  return { current: undefined, times: record.current.times, returnedAt: now };
}

/** How many of `total` endpoints may be ejected at a time: the percentage, and always one. */
export function ejectionCap(total: number, maxEjectionPercent: number): number {
  return Math.max(1, Math.floor((total * Math.min(100, maxEjectionPercent)) / 100));
}
