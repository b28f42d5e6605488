// Levers for tests and demonstrations: slow down, fail, go unready, crash. Off unless SHOP_KNOBS=1.
// Knows nothing of HTTP; server.ts exposes it at /admin/knobs.

export interface Knobs {
  /** Added to every reply of a business route, milliseconds. */
  latencyMs: number;
  /** Share of business requests answered with 500, 0 to 1. */
  errorRate: number;
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
  ready: true,
  live: true,
};

/** Takes over the fields it knows; others are ignored. `crash: true` ends the process at once with exit code 1. */
export function turn(change: Readonly<Record<string, unknown>>): void {
  if (change.crash === true) process.exit(1);
  const { latencyMs, errorRate, ready, live } = change;
  if (typeof latencyMs === 'number' && latencyMs >= 0) knobs.latencyMs = latencyMs;
  if (typeof errorRate === 'number' && errorRate >= 0) knobs.errorRate = errorRate;
  if (typeof ready === 'boolean') knobs.ready = ready;
  if (typeof live === 'boolean') knobs.live = live;
}
