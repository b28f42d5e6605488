// What is written into a status: only what is new, with the time since when each condition is what it is.
import { describe, expect, it } from 'vitest';
import type { Condition } from '#kube/api/gateway/types.ts';
import type { Client } from '#kube/client/client.ts';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { ObjectStatus } from '#traffic/model/gateway/object-status.ts';
import { socketFaults } from './socket-faults.ts';
import { StatusWriter, statusFor } from './status-writer.ts';

const OLD = '2026-01-01T00:00:00Z';
const NOW = '2026-02-02T00:00:00Z';
const ours = 'evenkeel.dev/gateway-controller';
const accepted = (status: 'True' | 'False', generation = 1): Condition => ({
  type: 'Accepted',
  status,
  reason: status === 'True' ? 'Accepted' : 'NoMatchingParent',
  message: '',
  observedGeneration: generation,
});
const since = (condition: Condition, lastTransitionTime: string): Condition => ({ ...condition, lastTransitionTime });

function route(...conditions: Condition[]): ObjectStatus {
  return { kind: 'HTTPRoute', key: 'a/b', parents: [{ parentRef: { name: 'g' }, controllerName: ours, conditions }] };
}

describe('the status of a route', () => {
  const theirs = {
    parentRef: { name: 'g' },
    controllerName: 'example.com/x',
    conditions: [since(accepted('False'), OLD)],
  };
  const own = (condition: Condition, time: string) => ({
    parentRef: { name: 'g' },
    controllerName: ours,
    conditions: [since(condition, time)],
  });

  it('is left alone where all of it stands', () => {
    expect(statusFor(route(accepted('True')), { parents: [theirs, own(accepted('True'), OLD)] }, NOW)).toBeUndefined();
    expect(statusFor({ kind: 'HTTPRoute', key: 'a/b', parents: [] }, {}, NOW)).toBeUndefined();
  });

  it('keeps the time while a condition stays, and the entries of others always', () => {
    const there = { parents: [theirs, own(accepted('True'), OLD)] };
    expect(statusFor(route(accepted('True', 2)), there, NOW)).toEqual({
      parents: [theirs, own(accepted('True', 2), OLD)],
    });
    expect(statusFor(route(accepted('False')), there, NOW)).toEqual({ parents: [theirs, own(accepted('False'), NOW)] });
    // No parent is ours any more.
    expect(statusFor({ kind: 'HTTPRoute', key: 'a/b', parents: [] }, there, NOW)).toEqual({ parents: [theirs] });
  });
});

it('a condition of ours that is not said any more goes', () => {
  const said = since({ type: 'ResolvedRefs', status: 'False', reason: 'RefNotPermitted', message: '' }, OLD);
  const wanted: ObjectStatus = { kind: 'Gateway', key: 'a/g', status: { conditions: [accepted('True')] } };
  expect(statusFor(wanted, { conditions: [since(accepted('True'), OLD), said] }, NOW)).toEqual({
    conditions: [since(accepted('True'), OLD)],
  });
});

it('the status of a Gateway keeps conditions of types that are not ours', () => {
  const other = since({ type: 'example.com/Paid', status: 'True', reason: 'Paid', message: '' }, OLD);
  const wanted: ObjectStatus = {
    kind: 'Gateway',
    key: 'a/g',
    status: { conditions: [accepted('True')], listeners: [] },
  };
  const waiting = since({ ...accepted('True'), status: 'Unknown', reason: 'Pending' }, OLD);
  expect(statusFor(wanted, { conditions: [waiting, other] }, NOW)).toEqual({
    conditions: [since(accepted('True'), NOW), other],
    listeners: [],
  });
});

it.each([
  ['EACCES', 'start evenkeel as root, or choose a port above 1023'],
  ['EADDRINUSE', 'taken by another process'],
  ['EADDRNOTAVAIL', 'has no such address'],
  ['EOTHER', 'sent by the kernel'],
])('a socket that fails with %s is told of with what helps', (code, text) => {
  const listener = { name: 'gateway/a/g:80@192.0.2.1', address: '192.0.2.1', port: 80, protocol: 'http' as const };
  const error = Object.assign(new Error('sent by the kernel'), { code });
  const faults = socketFaults(
    new Map([[listener.name, listener]]),
    new Map([
      [listener.name, error],
      ['http', error],
    ]),
  );
  expect([...faults.keys()]).toEqual([listener.name]);
  expect(faults.get(listener.name)).toContain('192.0.2.1:80');
  expect(faults.get(listener.name)).toContain(text);
});

it('a count that changes a thousand times at once is written at once and again at the end', async () => {
  const clock = new FakeClock();
  const written: unknown[] = [];
  const client = {
    patch: async (_ref: unknown, _name: string, _namespace: string, _type: string, body: unknown) => {
      written.push((body as { status: { attachedRoutes: number } }).status.attachedRoutes);
    },
  } as unknown as Client;
  const gateway = { kind: 'Gateway', metadata: { namespace: 'a', name: 'g', resourceVersion: '1' } };
  const writer = new StatusWriter({ client, find: () => gateway, clock, log: silentLogger });
  writer.start();
  const passes = async (): Promise<void> => void (await new Promise((resolve) => setImmediate(resolve)));
  for (let attachedRoutes = 1; attachedRoutes <= 1000; attachedRoutes++) {
    writer.want('Gateway a/g', { kind: 'Gateway', key: 'a/g', status: { attachedRoutes } as never });
    await passes();
  }
  expect(written).toEqual([1]);
  clock.advance(100);
  await passes();
  expect(written).toEqual([1, 1000]);
  clock.advance(10_000);
  await passes();
  expect(written).toEqual([1, 1000]);
  await writer.stop();
});
