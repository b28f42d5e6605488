// One contestant before one fleet: load, and what came of it.
// Knows nothing of who the contestant is.

import type { ChildProcess } from 'node:child_process';
import type { Arena } from '../lib/arena.ts';
import { openLoop } from '../lib/load/open-loop.ts';
import { wrk } from '../lib/load/wrk.ts';
import type { FleetPlan } from './fleet.ts';
import type { Scenario } from './scenarios.ts';

export interface Figures {
  readonly name: string;
  /** Answers a second. */
  readonly rate: number;
  /** Milliseconds from the intended start; in a closed loop p99 only, from sending. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  /** Of the requests, what the odd backends got; NaN where it is not counted. */
  readonly oddShare: number;
  readonly errors: number;
}

/** A request that is not answered for so long has failed; its latency counts. */
const TIMEOUT_MS = 5_000;

export function reset(fleet: ChildProcess, plan: FleetPlan): Promise<void> {
  return new Promise((resolve) => {
    fleet.once('message', () => resolve());
    fleet.send(plan);
  });
}

export async function measure(
  arena: Arena,
  target: { readonly name: string; readonly port: number },
  scenario: Scenario,
  seconds: number,
): Promise<Figures> {
  const { name, port } = target;
  const url = `http://127.0.0.1:${port}/`;
  const { load, warmup } = scenario;
  if ('clients' in load) {
    await wrk(arena, { url, connections: load.clients, seconds: warmup });
    const { requests, seconds: took, p99Ms, errors } = await wrk(arena, { url, connections: load.clients, seconds });
    const unknown = Number.NaN;
    return {
      name,
      rate: requests / took,
      p50: unknown,
      p90: unknown,
      p99: p99Ms,
      p999: unknown,
      oddShare: unknown,
      errors,
    };
  }
  const plan = { url, rate: load.rate, timeoutMs: TIMEOUT_MS };
  await openLoop({ ...plan, seconds: warmup });
  const report = await openLoop({ ...plan, seconds });
  const counts = Object.entries(report.perPod);
  const odd = counts.filter(([pod]) => Number(pod.slice('backend-'.length)) < scenario.odd);
  const { p50, p90, p99, p999 } = report.latencyMs;
  return {
    name,
    rate: report.achievedRate,
    p50,
    p90,
    p99,
    p999,
    oddShare: scenario.odd === 0 ? Number.NaN : sum(odd) / Math.max(1, sum(counts)),
    errors: report.requests - report.ok,
  };
}

function sum(counts: readonly (readonly [string, number])[]): number {
  return counts.reduce((total, [, count]) => total + count, 0);
}
