// A node that starts again speaks up once nobody is led to pods that its last run left ready; it does not wait for ever.
// Slices are told by hand, and so is the time.
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { expect, it } from 'vitest';
import type { ChangeHandler, Informer } from '#kube/client/informer.ts';
import { FakeClock } from '#lib/clock.ts';
import { withoutStaleEndpoints } from './stale-endpoints.ts';

function world(ready: readonly string[] = []) {
  const clock = new FakeClock();
  let slice: EndpointSlice | undefined;
  const handlers = new Set<ChangeHandler<EndpointSlice>>();
  const slices = {
    list: () => (slice === undefined ? [] : [slice]),
    onChange: (handler: ChangeHandler<EndpointSlice>) => {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  } as unknown as Informer<EndpointSlice>;
  const offer = (...endpoints: (readonly [node: string, uid: string, isReady: boolean])[]): void => {
    slice = {
      addressType: 'IPv4',
      endpoints: endpoints.map(([nodeName, uid, isReady]) => ({
        addresses: ['192.0.2.1'],
        nodeName,
        targetRef: { uid },
        conditions: { ready: isReady },
      })),
    };
    for (const handler of handlers) handler('s', slice, undefined);
    clock.advance(0);
  };
  const wait = async (): Promise<() => boolean> => {
    let over = false;
    const isReady = (uid: string): boolean => ready.includes(uid);
    void withoutStaleEndpoints({ slices, nodeName: 'n1', isReady, clock, limitMs: 10_000 }).then(() => {
      over = true;
    });
    await Promise.resolve();
    return () => over;
  };
  return { clock, handlers, offer, wait };
}

it('waits for nothing where nothing of the node is offered', async () => {
  const { offer, wait, handlers } = world(['back']);
  offer(['n2', 'other', true], ['n1', 'back', true], ['n1', 'gone', false]);
  const isOver = await wait();
  expect([isOver(), handlers.size]).toEqual([true, 0]);
});

it('waits until what died with the last run is offered no more', async () => {
  const { offer, wait, handlers } = world();
  offer(['n1', 'dead', true]);
  const isOver = await wait();
  expect(isOver()).toBe(false);
  offer(['n1', 'dead', false]);
  await Promise.resolve();
  expect([isOver(), handlers.size]).toEqual([true, 0]);
});

it('does not wait for a Service that publishes what is not ready', async () => {
  const { clock, offer, wait } = world();
  offer(['n1', 'dead', true]);
  const isOver = await wait();
  clock.advance(10_000);
  await Promise.resolve();
  expect(isOver()).toBe(true);
});
