// The monitor by itself, on a clock that the test moves: what it tells workers when the model and the endpoints change.
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { Cluster, Endpoint, TrafficUpdate } from '#traffic/model/ir.ts';
import type { HealthUpdate } from '#traffic/snapshot/index.ts';
import { EndpointSlots } from '../endpoint-slots.ts';
import { MergedModel } from '../merged-model.ts';
import { cluster, endpoint, update } from '../testing/model.ts';
import { createInFlightMemory } from '../workers/in-flight.ts';
import { HealthMonitor } from './health-monitor.ts';
import { createOutcomeMemory } from './outcome-memory.ts';

const clock = new FakeClock();
let model: MergedModel;
let slots: EndpointSlots;
let monitor: HealthMonitor;
let told: unknown[];

const plain = (news: HealthUpdate): unknown =>
  Object.fromEntries([...news].map(([name, health]) => [name, Object.fromEntries(health)]));

beforeEach(() => {
  model = new MergedModel();
  slots = new EndpointSlots(createInFlightMemory(1), 1);
  told = [];
  monitor = new HealthMonitor({
    clock,
    random: () => 0,
    log: silentLogger,
    memory: createOutcomeMemory(1),
    workers: 1,
    place: { node: '', zone: '' },
    published: model,
    slotOf: (key) => slots.table.slotOf(key),
    onChange: (news) => told.push(plain(news)),
  });
});
afterEach(() => monitor.close());

function apply(changes: Omit<TrafficUpdate, 'version'>): unknown {
  const one = update(changes);
  model.apply(one);
  slots.apply(one);
  return plain(monitor.apply(one));
}

const watched = (name: string, more: Partial<Cluster> = {}): [string, Cluster] => [
  name,
  cluster(name, { outlierDetection: { maxEjectionPercent: 100 }, ...more }),
];
const eject = (name: string, port: number): void =>
  monitor.onLongRun({ cluster: name, key: `127.0.0.1:${port}`, cause: 'consecutive_5xx' });
const two = [endpoint(1), endpoint(2)];

it('tells only what changes, and tells a newcomer everything', () => {
  const endpoints = new Map([
    ['a', two],
    ['b', two],
    ['plain', two],
  ]);
  expect(apply({ clusters: new Map([watched('a'), watched('b'), ['plain', cluster('plain')]]), endpoints })).toEqual(
    {},
  );
  eject('a', 1);
  expect(told).toEqual([{ a: { '127.0.0.1:1': 'ejected' }, b: { '127.0.0.1:1': 'ejected' } }]);
  expect(apply({ endpoints: new Map([['a', [...two, endpoint(3)]]]) })).toEqual({});
  expect(plain(monitor.full())).toEqual(told[0]);
});

it('takes its word back with an update that ends what it rests on, at the same moment', () => {
  apply({
    clusters: new Map([watched('a'), watched('b')]),
    endpoints: new Map([
      ['a', two],
      ['b', two],
    ]),
  });
  eject('a', 1);
  expect(apply({ clusters: new Map([['a', cluster('a')]]) })).toEqual({ a: {} });
  expect(apply({ endpoints: new Map([['b', [endpoint(2)]]]) })).toEqual({ b: {} });
  expect(plain(monitor.full())).toEqual({});
  expect(apply({ endpoints: new Map([['b', two]]) })).toEqual({});
});

it('has an endpoint that must pass a check first out from the moment it comes', () => {
  const healthCheck = {
    type: 'tcp',
    interval: 1000,
    timeout: 100,
    jitter: 0,
    unhealthyThreshold: 1,
    healthyThreshold: 1,
  } as const;
  const must = cluster('a', { healthCheck: { ...healthCheck, initiallyUnhealthy: true } });
  expect(apply({ clusters: new Map([['a', must]]), endpoints: new Map([['a', two]]) })).toEqual({
    a: { '127.0.0.1:1': 'pending', '127.0.0.1:2': 'pending' },
  });
  expect(apply({ clusters: new Map([['a', cluster('a', { healthCheck })]]) })).toEqual({ a: {} });
});

it('counts the first of two endpoints with one address, and keeps its record', () => {
  const twice: readonly Endpoint[] = [endpoint(1, 'test/one'), endpoint(1, 'test/other'), endpoint(2)];
  apply({ clusters: new Map([watched('a')]), endpoints: new Map([['a', twice]]) });
  eject('a', 1);
  expect(apply({ endpoints: new Map([['a', [...twice]]]) })).toEqual({});
  expect(plain(monitor.full())).toEqual({ a: { '127.0.0.1:1': 'ejected' } });
});

it("lets an operator's word stand above the others, and remembers them under it", () => {
  apply({ clusters: new Map([watched('a')]), endpoints: new Map([['a', two]]) });
  eject('a', 1);
  monitor.drain('a', '127.0.0.1:1', true);
  monitor.drain('a', '127.0.0.1:1', false);
  expect(told).toEqual([
    { a: { '127.0.0.1:1': 'ejected' } },
    { a: { '127.0.0.1:1': 'drained' } },
    { a: { '127.0.0.1:1': 'ejected' } },
  ]);
  clock.advance(30_000);
  expect(told.at(-1)).toEqual({ a: {} });
});
