// Counts how attempts went, and tells the engine the moment a run of failures has become too long.
// Runs on the hot path of a worker; decides nothing: the engine does, for all workers.

import { type EjectionCause, RUNS, type Verdict, verdictOf } from '#traffic/balancer/outlier/outcome.ts';
import { type OutlierSettings, outlierSettings } from '#traffic/balancer/outlier/settings.ts';
import type { OutlierDetection } from '#traffic/model/ir.ts';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';
import type { AttemptRecorder } from '../http/context.ts';
import type { Failure } from '../upstream/failure.ts';
import { isCounted, OutcomeRow, Runs } from './outcome-memory.ts';

/** A run of failures on an endpoint has reached the threshold of a cluster. */
export interface LongRun {
  readonly cluster: string;
  /** The endpoint's. */
  readonly key: string;
  readonly cause: EjectionCause;
}

/** In the order of `RUNS`; 0 is off. */
type Thresholds = readonly number[];

export class OutcomeRecorder implements AttemptRecorder {
  readonly #row: OutcomeRow;
  readonly #runs: Runs;
  readonly #onLongRun: (run: LongRun) => void;
  /** Settings are one object as long as they stay the same. */
  readonly #thresholds = new WeakMap<OutlierDetection, Thresholds>();

  constructor(memory: SharedArrayBuffer, worker: number, onLongRun: (run: LongRun) => void) {
    this.#row = new OutcomeRow(memory, worker);
    this.#runs = new Runs(memory);
    this.#onLongRun = onLongRun;
  }

  record(
    cluster: ClusterEntry,
    target: EngineTarget,
    status: number,
    failure: Failure | undefined,
    latencyMs: number,
  ): void {
    const policy = cluster.config.outlierDetection;
    const slot = target.index;
    if (policy === undefined || !isCounted(slot)) return;
    // What the proxy or the client broke is not the endpoint's fault.
    if (failure !== undefined && failure.source !== 'upstream') return;
    const verdict = verdictOf(status, failure?.condition === 'connect_failure');
    this.#row.add(slot, verdict !== 0, latencyMs);
    if (verdict === 0) this.#runs.clear(slot);
    else this.#countFailure(cluster, target, policy, verdict);
  }

  #countFailure(cluster: ClusterEntry, target: EngineTarget, policy: OutlierDetection, verdict: Verdict): void {
    const thresholds = this.#thresholdsOf(policy);
    for (const [run, cause] of RUNS.entries()) {
      if ((verdict & (1 << run)) === 0) {
        this.#runs.end(target.index, run);
        continue;
      }
      const threshold = thresholds[run] ?? 0;
      const length = this.#runs.lengthen(target.index, run);
      // Each multiple, for one whose ejection was not possible the first time.
      if (threshold > 0 && length % threshold === 0) {
        this.#onLongRun({ cluster: cluster.config.name, key: target.key, cause });
      }
    }
  }

  #thresholdsOf(policy: OutlierDetection): Thresholds {
    let thresholds = this.#thresholds.get(policy);
    if (thresholds === undefined) {
      thresholds = inOrderOfRuns(outlierSettings(policy));
      this.#thresholds.set(policy, thresholds);
    }
    return thresholds;
  }
}

function inOrderOfRuns(settings: OutlierSettings): Thresholds {
  const by: Record<(typeof RUNS)[number], number> = {
    consecutive_5xx: settings.consecutive5xx,
    consecutive_gateway_errors: settings.consecutiveGatewayErrors,
    consecutive_connect_failures: settings.consecutiveConnectFailures,
  };
  return RUNS.map((run) => by[run]);
}
