// The watch on a clock that the test moves: what workers record in shared memory, and when endpoints go and return.
import { afterEach, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import type { EjectionEvent } from '#traffic/balancer/outlier/detector.ts';
import type { Cluster, OutlierDetection } from '#traffic/model/ir.ts';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';
import { cluster, endpoint } from '../testing/model.ts';
import { failures } from '../upstream/failure.ts';
import { MAX_SLOTS } from '../workers/in-flight.ts';
import { OutcomeRecorder } from './attempt-recorder.ts';
import { createOutcomeMemory } from './outcome-memory.ts';
import { OutlierWatch } from './outlier-watch.ts';

const WORKERS = 2;

/** Two workers and the engine over one memory; endpoints are `a`, `b`, `c` with slots 0, 1, 2 unless told otherwise. */
class Lab {
  readonly clock = new FakeClock();
  readonly events: string[] = [];
  readonly slots = new Map<string, number>();
  readonly watch: OutlierWatch;
  readonly #workers: readonly OutcomeRecorder[];
  readonly #entries = new Map<string, ClusterEntry>();

  constructor() {
    const memory = createOutcomeMemory(WORKERS);
    this.watch = new OutlierWatch({
      clock: this.clock,
      memory,
      workers: WORKERS,
      slotOf: (key) => this.slots.get(key),
      onEvents: (events) => this.events.push(...events.map(shown)),
    });
    this.#workers = [0, 1].map((worker) => new OutcomeRecorder(memory, worker, (run) => this.watch.onLongRun(run)));
  }

  watchOver(policy: OutlierDetection | undefined, keys: readonly string[], name = 'web'): void {
    for (const [place, key] of keys.entries()) if (!this.slots.has(key)) this.slots.set(key, place);
    const config: Cluster = cluster(name, policy === undefined ? {} : { outlierDetection: policy });
    this.#entries.set(name, { config } as ClusterEntry);
    this.watch.configure(name, policy, new Set(keys));
  }

  /** Records attempts by the workers in turn; status 0 stands for a refused connection. */
  attempts(key: string, statuses: readonly number[], latencyMs = 1, name = 'web'): void {
    const target = { key, index: this.slots.get(key), endpoint: endpoint(80) } as EngineTarget;
    for (const [turn, status] of statuses.entries()) {
      const failure = status === 0 ? failures.connect : undefined;
      this.#workers[turn % WORKERS]?.record(
        this.#entries.get(name) as ClusterEntry,
        target,
        status,
        failure,
        latencyMs,
      );
    }
  }

  told(): string[] {
    return this.events.splice(0);
  }
}

function shown({ type, key, cause }: EjectionEvent): string {
  return `${key} ${type} ${cause}`;
}

let lab: Lab;
const fresh = (): Lab => {
  lab = new Lab();
  return lab;
};
afterEach(() => lab.watch.close());

const times = (count: number, status: number): number[] => new Array<number>(count).fill(status);

it('ejects at the failure that completes a run, not at the interval', () => {
  fresh().watchOver({ consecutive5xx: 5 }, ['a', 'b']);
  lab.attempts('a', times(4, 500));
  expect(lab.told()).toEqual([]);
  lab.attempts('a', [500]);
  expect(lab.told()).toEqual(['a ejected consecutive_5xx']);
});

it('returns it to the millisecond, and counts from nought then', () => {
  fresh().watchOver({ consecutive5xx: 2, baseEjection: 1000 }, ['a', 'b']);
  lab.attempts('a', [500, 500]);
  // In panic it still gets requests, and fails them.
  lab.attempts('a', [500]);
  lab.clock.advance(999);
  expect(lab.told()).toEqual(['a ejected consecutive_5xx']);
  lab.clock.advance(1);
  expect(lab.told()).toEqual(['a returned consecutive_5xx']);
  lab.attempts('a', [500]);
  expect(lab.told()).toEqual([]);
  lab.attempts('a', [500]);
  lab.clock.advance(1999);
  expect(lab.told()).toEqual(['a ejected consecutive_5xx']);
  lab.clock.advance(1);
  expect(lab.told()).toEqual(['a returned consecutive_5xx']);
});

it('tells a refused connection from a gateway error, and that from another 5xx', () => {
  const policy = { consecutive5xx: 0, consecutiveGatewayErrors: 3, consecutiveConnectFailures: 2 };
  fresh().watchOver({ ...policy, maxEjectionPercent: 100 }, ['a', 'b', 'c']);
  lab.attempts('a', [502, 503, 500, 504, 502]);
  expect(lab.told()).toEqual([]);
  lab.attempts('a', [0]);
  expect(lab.told()).toEqual(['a ejected consecutive_gateway_errors']);
  lab.attempts('b', [0, 502, 0]);
  lab.attempts('c', [0, 0]);
  expect(lab.told()).toEqual(['b ejected consecutive_gateway_errors', 'c ejected consecutive_connect_failures']);
});

it('tries again at each further run for as long as the cap does not allow it', () => {
  fresh().watchOver({ consecutive5xx: 2, baseEjection: 1000 }, ['a', 'b']);
  lab.attempts('a', [500, 500]);
  lab.attempts('b', [500, 500]);
  expect(lab.told()).toEqual(['a ejected consecutive_5xx']);
  lab.clock.advance(1000);
  lab.attempts('b', [500, 500]);
  expect(lab.told()).toEqual(['a returned consecutive_5xx', 'b ejected consecutive_5xx']);
});

it('looks at each interval by itself, over all workers', () => {
  fresh().watchOver({ latencyFactor: 3, interval: 1000, maxEjectionPercent: 50 }, ['a', 'b', 'c']);
  for (const key of ['a', 'b', 'c']) lab.attempts(key, times(20, 200), 10);
  lab.clock.advance(1000);
  expect(lab.told()).toEqual([]);
  for (const key of ['a', 'b']) lab.attempts(key, times(20, 200), 10);
  // Over all time the mean is 25: only this interval stands out.
  lab.attempts('c', times(20, 200), 40);
  lab.clock.advance(1000);
  expect(lab.told()).toEqual(['c ejected latency']);
});

it('does not hold against an endpoint what its slot, or its address, counted before', () => {
  fresh().watchOver({ consecutive5xx: 3, successRateStdevFactor: 500, successRateMinimumHosts: 2, interval: 1000 }, [
    'a',
    'b',
  ]);
  lab.attempts('a', [...times(2, 500), ...times(200, 404), ...times(2, 500)]);
  lab.watchOver({ consecutive5xx: 3, interval: 1000 }, ['b']);
  lab.slots.set('new', lab.slots.get('a') as number);
  lab.watchOver({ consecutive5xx: 3, interval: 1000 }, ['new', 'b']);
  lab.attempts('new', [500]);
  expect(lab.told()).toEqual([]);
  lab.attempts('new', [500]);
  lab.watch.forget('new');
  lab.attempts('new', [500, 500]);
  expect(lab.told()).toEqual([]);
});

it('leaves a cluster alone that has no such setting, and stops with the setting', () => {
  fresh().watchOver(undefined, ['a']);
  lab.attempts('a', times(100, 500));
  lab.watchOver({ consecutive5xx: 3 }, ['a']);
  lab.attempts('a', times(2, 500));
  expect(lab.told()).toEqual([]);
  lab.watchOver(undefined, ['a']);
  lab.attempts('a', times(100, 500));
  lab.clock.advance(100_000);
  expect(lab.told()).toEqual([]);
});

it('says nothing about endpoints beyond the last slot: they are counted together', () => {
  fresh().slots.set('a', MAX_SLOTS - 1);
  lab.watchOver({ consecutive5xx: 1 }, ['a']);
  lab.attempts('a', times(10, 500));
  expect(lab.told()).toEqual([]);
});
