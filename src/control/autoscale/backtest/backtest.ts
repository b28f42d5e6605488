// Plays a recorded demand against an autoscaler in virtual time: who waits, and what the pods cost.
// Pure. The autoscaler is the real one, by requests a second; pods and their queue are a model of some lines.
import { type History, initialHistory } from '../behavior/history.ts';
import { combine } from '../combine.ts';
import { remembered, settle } from '../decide.ts';
import { type Forecast, Forecaster, type ForecastSettings } from '../forecast/forecaster.ts';
import { evaluate } from '../metric.ts';

export interface Fleet {
  /** Requests a second that one pod can carry. */
  readonly capacity: number;
  /** The share of it that the autoscaler aims at, 0 to 1. */
  readonly target: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** From the decision to the first request that a new pod serves, seconds. */
  readonly podStartSeconds: number;
  /** The autoscaler looks this often, seconds. */
  readonly syncSeconds: number;
  readonly downWindowSeconds: number;
  /** Users must not wait longer than this, milliseconds. */
  readonly objectiveMs: number;
  /** Clients give up after this, milliseconds: nobody waits longer. */
  readonly patienceMs: number;
}

export interface Outcome {
  /** Seconds in which users waited longer than the objective. */
  readonly lateSeconds: number;
  readonly podSeconds: number;
  readonly highestReplicas: number;
  /** Times that the forecast brought pods for which the metric did not ask. */
  readonly acted: number;
  /** The forecast as it was at the end. */
  readonly last: Forecast | undefined;
}

const TOLERANCE = 0.1;

/** `rates`: requests a second, a value a second. `forecast` undefined plays the autoscaler alone. */
export function backtest(rates: readonly number[], fleet: Fleet, forecast?: ForecastSettings): Outcome {
  const forecaster = forecast === undefined ? undefined : new Forecaster(forecast);
  const scaled = new Scaled(fleet);
  let [backlog, late, podSeconds, highest, acted] = [0, 0, 0, 0, 0];
  let arrived = 0;
  let last: Forecast | undefined;
  for (const [second, rate] of rates.entries()) {
    const ready = scaled.readyAt(second);
    podSeconds += scaled.replicas;
    highest = Math.max(highest, scaled.replicas);
    const throughput = ready * fleet.capacity;
    backlog = Math.max(0, backlog + rate - throughput);
    backlog = Math.min(backlog, (throughput * fleet.patienceMs) / 1000);
    if (throughput === 0 ? rate > 0 : (backlog / throughput) * 1000 > fleet.objectiveMs) late++;
    arrived += rate;
    if ((second + 1) % fleet.syncSeconds !== 0) continue;
    const now = (second + 1) * 1000;
    const mean = arrived / fleet.syncSeconds;
    arrived = 0;
    forecaster?.observe(now, mean);
    last = forecaster?.forecast(now);
    const expected = last?.trusted === true ? last.demand : undefined;
    const more = scaled.sync(mean, expected, now);
    if (more) acted++;
  }
  return { lateSeconds: late, podSeconds, highestReplicas: highest, acted, last };
}

/** The pods of one workload, and the autoscaler that changes their number. */
class Scaled {
  replicas: number;
  readonly #fleet: Fleet;
  /** When pods that have been asked for are ready, seconds; those that are ready are counted apart. */
  #coming: number[] = [];
  #ready: number;
  #history: History;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.replicas = fleet.minReplicas;
    this.#ready = fleet.minReplicas;
    this.#history = initialHistory(fleet.minReplicas, 0);
  }

  readyAt(second: number): number {
    const still = this.#coming.filter((at) => at > second);
    this.#ready += this.#coming.length - still.length;
    this.#coming = still;
    return this.#ready;
  }

  /** Whether the forecast, `expected` requests a second, asked for more than what is measured. */
  sync(measured: number, expected: number | undefined, now: number): boolean {
    const { minReplicas, maxReplicas, downWindowSeconds } = this.#fleet;
    const proposals = [this.#proposal(measured, 'measured')];
    const plain = proposals[0]?.ok === true ? proposals[0].replicas : 0;
    if (expected !== undefined) proposals.push(this.#proposal(expected, 'expected'));
    const { replicas = this.replicas, metric } = combine(proposals, this.replicas);
    const { desired, history } = settle({
      autoscaler: { minReplicas, maxReplicas, behavior: {}, seesWithoutPods: true, scaledToZero: false },
      current: this.replicas,
      asked: { replicas, metric },
      history: this.#history,
      downWindowMs: downWindowSeconds * 1000,
      now,
    });
    this.#history = remembered(history, {}, this.replicas, desired, downWindowSeconds * 1000, now);
    this.#become(desired, now / 1000);
    return replicas > plain;
  }

  #proposal(rate: number, name: string): ReturnType<typeof evaluate> {
    const averageValue = BigInt(Math.round(this.#fleet.capacity * this.#fleet.target * 1000));
    return evaluate(
      { type: 'External', name, selector: '', target: { type: 'AverageValue', averageValue } },
      { kind: 'value', value: BigInt(Math.round(rate * 1000)) },
      {
        namespace: '',
        specReplicas: this.replicas,
        statusReplicas: this.replicas,
        pods: [],
        tolerances: { up: TOLERANCE, down: TOLERANCE },
        rules: { now: 0, cpuInitializationMs: 0, initialReadinessDelayMs: 0 },
      },
    );
  }

  #become(desired: number, second: number): void {
    for (; this.replicas < desired; this.replicas++) this.#coming.push(second + this.#fleet.podStartSeconds);
    for (; this.replicas > desired; this.replicas--) {
      // Those that are not ready yet go first, as upstream's ReplicaSet has it.
      if (this.#coming.pop() === undefined) this.#ready--;
    }
  }
}
