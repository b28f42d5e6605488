// When a pod's processes may end: by what EndpointSlices and the pod's condition say, and by time alone otherwise.
import type { Pod, PodCondition } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { beforeEach, expect, test } from 'vitest';
import { TRAFFIC_DRAINED } from '#kube/api/traffic-drained.ts';
import type { ChangeHandler, Informer } from '#kube/client/informer.ts';
import { FakeClock } from '#lib/clock.ts';
import { DrainGate, type DrainPolicy } from './drain-gate.ts';

/** The slices of one Service with one pod, as an informer shows them. */
class Slices implements Informer<EndpointSlice> {
  #slice: EndpointSlice | undefined;
  readonly #handlers = new Set<ChangeHandler<EndpointSlice>>();

  offer(conditions: { ready: boolean; terminating: boolean }): void {
    this.#slice = {
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.2'], conditions, targetRef: { kind: 'Pod', uid: 'u' } }],
    };
    for (const handler of this.#handlers) handler('a/b', this.#slice, undefined);
  }

  get = (): EndpointSlice | undefined => this.#slice;
  list = (): EndpointSlice[] => (this.#slice === undefined ? [] : [this.#slice]);
  addIndex = (): void => {};
  byIndex = (_name: string, uid: string): EndpointSlice[] => (uid === 'u' ? this.list() : []);
  synced = async (): Promise<void> => {};
  onChange(handler: ChangeHandler<EndpointSlice>): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }
}

let clock: FakeClock;
let slices: Slices;
let pod: Pod;
let onPodChange: () => void;
let passed: boolean;
beforeEach(() => {
  clock = new FakeClock();
  slices = new Slices();
  pod = { metadata: { uid: 'u' } };
  onPodChange = () => {};
  passed = false;
});

const READY = { ready: true, terminating: false };
const LEAVING = { ready: false, terminating: true };

async function settled(): Promise<boolean> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return passed;
}

function wait(policy: Partial<DrainPolicy>, limitMs = 30_000): PromiseWithResolvers<void> {
  const over = Promise.withResolvers<void>();
  const gate = new DrainGate({ by: 'condition', maxMs: 10_000, settleMs: 500, ...policy }, slices, clock);
  const done = gate.wait(
    () => pod,
    limitMs,
    over.promise,
    (fn) => {
      onPodChange = fn;
      return () => {};
    },
  );
  void done.then(() => {
    passed = true;
  });
  return over;
}

function say(...conditions: PodCondition[]): void {
  pod = { metadata: { uid: 'u' }, status: { conditions } };
  onPodChange();
}

const DRAINED: PodCondition = { type: TRAFFIC_DRAINED, status: 'True', lastTransitionTime: '2026-01-01T00:00:09Z' };

test('a pod that no Service lists may end at once', async () => {
  wait({});
  expect(await settled()).toBe(true);
});

test('it waits until its slices have let it go and the proxies say that it is idle, in either order', async () => {
  slices.offer(READY);
  wait({});
  say(DRAINED);
  expect(await settled()).toBe(false);
  slices.offer(LEAVING);
  expect(await settled()).toBe(false);
  // Whoever says nothing of when it has heard is given time.
  clock.advance(500);
  expect(await settled()).toBe(true);
});

test('what was said before the pod was ready for the last time does not count', async () => {
  slices.offer(LEAVING);
  wait({ settleMs: 0 });
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:10Z' };
  say(DRAINED, ready);
  expect(await settled()).toBe(false);
  say({ ...DRAINED, lastTransitionTime: '2026-01-01T00:00:11Z' }, ready);
  expect(await settled()).toBe(true);
});

test('it never takes more than half of the time that the pod has left', async () => {
  slices.offer(READY);
  wait({}, 4_000);
  clock.advance(1_999);
  expect(await settled()).toBe(false);
  clock.advance(1);
  expect(await settled()).toBe(true);
});

test('it ends with the containers', async () => {
  slices.offer(READY);
  wait({}).resolve();
  expect(await settled()).toBe(true);
});

test('where nobody says anything, a while after the slices must do', async () => {
  slices.offer(READY);
  wait({ by: 'slices' });
  clock.advance(5_000);
  expect(await settled()).toBe(false);
  slices.offer(LEAVING);
  clock.advance(499);
  expect(await settled()).toBe(false);
  clock.advance(1);
  expect(await settled()).toBe(true);
});
