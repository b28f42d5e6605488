// A fleet of backends in simulated time, to see what a policy does to the slowest requests.
// Knows no policy by name; deterministic: the same seed gives the same figures on every machine.
import type { Balancer, Picker, PickInput, Random, Target } from '../balancer.ts';
import { createBalancer, type PolicyConfig } from '../index.ts';
import { seededRandom } from '../seeded-random.ts';
import { EventQueue } from './event-queue.ts';

export interface BackendModel {
  /** Requests worked on at a time; others wait in line. */
  readonly slots: number;
  /** Milliseconds of work, by chance and by the time at which it begins. */
  readonly work: (random: Random, now: number) => number;
  /** Answers every request with a failure after this many milliseconds, without a line. */
  readonly failsAfter?: number;
  /** Share of the requests that fail as if by accident, after as much work as others; left out: none. */
  readonly errs?: number;
  /** Stands still for `length` milliseconds at the end of each `every`. */
  readonly stalls?: { readonly every: number; readonly length: number };
}

export interface Scenario {
  readonly backends: readonly BackendModel[];
  /** Milliseconds. */
  readonly duration: number;
  /** Open loop: mean requests a second, at random. Closed loop: clients that each wait for their answer. */
  readonly load: { readonly perSecond: number } | { readonly clients: number };
  /** Balancers that share nothing but the counts of requests in flight; left out: 2. */
  readonly workers?: number;
  /** Milliseconds at the start whose requests are not counted; left out: 0. */
  readonly warmUp?: number;
}

export interface Result {
  /** Milliseconds of the requests that were answered well, sorted. */
  readonly latencies: Float64Array;
  /** Requests that each backend was given. */
  readonly given: readonly number[];
  readonly answered: number;
  readonly failed: number;
}

class SimulatedBackend implements Target {
  readonly index: number;
  readonly address: string;
  readonly port = 80;
  readonly weight = 1;
  readonly model: BackendModel;
  /** When each slot is free again. */
  readonly free: Float64Array;
  count = 0;
  given = 0;

  constructor(index: number, model: BackendModel) {
    this.index = index;
    this.address = `10.0.0.${index}`;
    this.model = model;
    this.free = new Float64Array(model.slots);
  }

  inFlight(): number {
    return this.count;
  }

  /** When a request that comes now is answered. First come, first served. */
  serve(now: number, random: Random): number {
    const { failsAfter, stalls } = this.model;
    if (failsAfter !== undefined) return now + failsAfter;
    let slot = 0;
    for (let at = 1; at < this.free.length; at++) if ((this.free[at] ?? 0) < (this.free[slot] ?? 0)) slot = at;
    const begin = Math.max(now, this.free[slot] ?? 0);
    const work = this.model.work(random, begin);
    const end = stalls === undefined ? begin + work : afterStalls(begin, work, stalls);
    this.free[slot] = end;
    return end;
  }
}

/** Work goes on only outside of the stalls. */
function afterStalls(begin: number, work: number, { every, length }: { every: number; length: number }): number {
  let at = begin;
  let left = work;
  for (;;) {
    const stall = Math.floor(at / every) * every + every - length;
    if (at + left <= stall) return at + left;
    left -= Math.max(0, stall - at);
    at = stall + length;
  }
}

interface Flight {
  readonly backend: SimulatedBackend;
  readonly worker: Balancer<SimulatedBackend>;
  readonly begun: number;
  readonly bad: boolean;
}

export function simulate(config: PolicyConfig, scenario: Scenario, seed = 1): Result {
  const { duration, load, workers = 2, warmUp = 0 } = scenario;
  const random = seededRandom(seed);
  const backends = scenario.backends.map((model, index) => new SimulatedBackend(index, model));
  const fleet = Array.from({ length: workers }, (_, worker) => {
    const balancer = createBalancer<SimulatedBackend>(config, { random: seededRandom(seed * 31 + worker) });
    return { balancer, picker: balancer.update(backends) };
  });
  const latencies: number[] = [];
  let failed = 0;
  let clock = 0;
  const arrivals = new EventQueue<undefined>();
  const answers = new EventQueue<Flight>();

  const send = (now: number): void => {
    const worker = fleet[Math.floor(random() * fleet.length)];
    if (worker === undefined) return;
    const backend = pickFrom(worker.picker, now);
    backend.count++;
    if (now >= warmUp) backend.given++;
    const { failsAfter, errs = 0 } = backend.model;
    const bad = failsAfter !== undefined || (errs > 0 && random() < errs);
    answers.add(backend.serve(now, random), { backend, worker: worker.balancer, begun: now, bad });
  };
  const answer = (now: number, { backend, worker, begun, bad }: Flight): void => {
    backend.count--;
    worker.observe?.(backend, { latencyMs: now - begun, failed: bad, retryAfterMs: 0, now });
    if (begun >= warmUp && bad) failed++;
    if (begun >= warmUp && !bad) latencies.push(now - begun);
  };

  if ('clients' in load) for (let client = 0; client < load.clients; client++) arrivals.add(client * 0.01, undefined);
  else arrivals.add(0, undefined);
  while (clock < duration) {
    if (answers.nextTime() <= arrivals.nextTime()) {
      clock = answers.nextTime();
      const flight = answers.take();
      if (flight === undefined) break;
      answer(clock, flight);
      if ('clients' in load) arrivals.add(clock, undefined);
    } else {
      clock = arrivals.nextTime();
      arrivals.take();
      send(clock);
      if ('perSecond' in load) arrivals.add(clock - (Math.log(1 - random()) * 1000) / load.perSecond, undefined);
    }
  }
  // What is under way at the end counts with what it has waited so far: a policy must not hide its victims in a queue.
  const answered = latencies.length;
  for (let flight = answers.take(); flight !== undefined; flight = answers.take()) {
    if (flight.begun >= warmUp && !flight.bad) latencies.push(clock - flight.begun);
  }
  return {
    latencies: Float64Array.from(latencies).sort(),
    given: backends.map(({ given }) => given),
    answered,
    failed,
  };
}

function pickFrom(picker: Picker<SimulatedBackend>, now: number): SimulatedBackend {
  const input: PickInput = { clientAddress: '192.0.2.1', hashKey: '', now, tried: [] };
  const pick = picker.pick(input);
  if (pick.type === 'none') throw new Error(pick.reason);
  return pick.target;
}

/** Milliseconds that this share of the requests stayed below. */
export function quantile({ latencies }: Result, share: number): number {
  return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
}

/** Work with this mean and a long tail. */
export function exponential(mean: number): (random: Random) => number {
  return (random) => -mean * Math.log(1 - random());
}
