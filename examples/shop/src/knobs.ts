// Levers for tests and demonstrations: slow down, fail, go unready, crash. Off unless SHOP_KNOBS=1.
// Knows nothing of HTTP; server.ts exposes it at /admin/knobs.

export interface Knobs {
  /** Added to every reply of a business route, milliseconds. */
  latencyMs: number;
  /** Share of business requests answered with 500, 0 to 1. */
  errorRate: number;
  /** What a business request takes of one of the slots of its pod, milliseconds: it bounds what a pod can carry. */
  workMs: number;
  /** Requests that are worked on at a time; the others wait. */
  workSlots: number;
  ready: boolean;
  live: boolean;
}

export const knobsEnabled = process.env.SHOP_KNOBS === '1';

function initial(name: string): number {
  const value = Number(knobsEnabled ? (process.env[name] ?? 0) : 0);
  return Number.isFinite(value) && value > 0 ? value : 0;
}

export const knobs: Knobs = {
  latencyMs: initial('SHOP_LATENCY_MS'),
  errorRate: initial('SHOP_ERROR_RATE'),
  workMs: initial('SHOP_WORK_MS'),
  workSlots: initial('SHOP_WORK_SLOTS') || 1,
  ready: true,
  live: true,
};

/** Takes over the fields it knows; others are ignored. `crash: true` ends the process at once with exit code 1. */
export function turn(change: Readonly<Record<string, unknown>>): void {
  if (change.crash === true) process.exit(1);
  const { latencyMs, errorRate, workMs, workSlots, ready, live } = change;
  if (typeof latencyMs === 'number' && latencyMs >= 0) knobs.latencyMs = latencyMs;
  if (typeof errorRate === 'number' && errorRate >= 0) knobs.errorRate = errorRate;
  if (typeof workMs === 'number' && workMs >= 0) knobs.workMs = workMs;
  if (typeof workSlots === 'number' && workSlots >= 1) knobs.workSlots = workSlots;
  if (typeof ready === 'boolean') knobs.ready = ready;
  if (typeof live === 'boolean') knobs.live = live;
}
