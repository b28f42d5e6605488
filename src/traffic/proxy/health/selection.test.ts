// Who gets requests, by where endpoints are, what labels they have, how new they are, and what operators say.
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { Harness, portOf } from '../testing/harness.ts';
import { endpoint } from '../testing/model.ts';
import { exchange } from '../testing/peers.ts';
import { backends, CLUSTER, engineOver, report, reportOf, republish, send, shares, states } from './testing.ts';

const harness = new Harness();
afterEach(() => harness.close());

const LONG = 600_000;
const turns = { policy: { type: 'round_robin' } } as const;

describe('a preference for the own zone', () => {
  it('keeps requests there, overflows when too few of it are healthy, and leaves it when none is', async () => {
    const fleet = await backends(harness, 4);
    const zoneOf = (port: number): string => (fleet.findIndex((one) => one.port === port) < 2 ? 'a' : 'b');
    const outlierDetection = { consecutive5xx: 1, baseEjection: LONG, maxEjectionPercent: 50 };
    const engine = await engineOver(
      harness,
      fleet,
      { ...turns, locality: { prefer: 'same_zone' }, outlierDetection, retry: { attempts: 0 } },
      { zone: 'a' },
      ({ port }) => ({ ...endpoint(port), zone: zoneOf(port) }),
    );
    expect(await shares(engine, fleet, 10)).toEqual([5, 5, 0, 0]);
    expect((await reportOf(engine, fleet[2] as (typeof fleet)[0])).level).toBe('any');

    (fleet[0] as (typeof fleet)[0]).status = 500;
    await eventually('one of the zone is out', async () => {
      await send(engine, 2);
      expect(await states(engine, fleet)).toEqual(['ejected', 'healthy', 'healthy', 'healthy']);
    });
    expect(await report(engine)).toMatchObject({
      levels: [
        { name: 'zone', load: 70 },
        { name: 'any', load: 30 },
      ],
    });
    // 200 draws of 70 %: beyond these bounds once in ten million runs.
    const [first, near] = await shares(engine, fleet, 200);
    expect(first).toBe(0);
    expect(near).toBeGreaterThan(105);
    expect(near).toBeLessThan(175);

    (fleet[1] as (typeof fleet)[0]).status = 500;
    await eventually('the whole zone is out', async () => {
      await send(engine, 2);
      expect(await states(engine, fleet)).toEqual(['ejected', 'ejected', 'healthy', 'healthy']);
    });
    expect((await shares(engine, fleet, 10)).slice(0, 2)).toEqual([0, 0]);
  });

  it('sends a retry to another zone when its own has nobody left', async () => {
    const fleet = await backends(harness, 2);
    const [near, far] = fleet as [(typeof fleet)[0], (typeof fleet)[0]];
    const engine = await engineOver(
      harness,
      fleet,
      { ...turns, locality: { prefer: 'same_zone' } },
      { zone: 'a' },
      (one) => ({
        ...endpoint(one.port === near.port ? 1 : one.port),
        zone: one.port === near.port ? 'a' : 'b',
      }),
    );
    // Nobody listens at port 1.
    expect(await send(engine, 3)).toEqual([200, 200, 200]);
    expect(far.requests).toBe(3);
  });
});

it('a subset gets requests only where the labels are', async () => {
  const fleet = await backends(harness, 3);
  const engine = await engineOver(harness, fleet, { ...turns, subset: { version: 'v2' } }, {}, ({ port }) => ({
    ...endpoint(port),
    labels: { version: port === fleet[0]?.port ? 'v1' : 'v2' },
  }));
  expect(await shares(engine, fleet, 6)).toEqual([0, 3, 3]);
  expect((await report(engine)).endpoints.map(({ usable }) => usable)).toEqual([false, true, true]);
});

it.each([
  [600_000, [20, 0]],
  [1_500, [10, 10]],
])('an endpoint that joins has its share when its window of %d ms is over', async (windowMs, expected) => {
  const fleet = await backends(harness, 2);
  const [old, joined] = fleet as [(typeof fleet)[0], (typeof fleet)[0]];
  const slowStart = { windowMs, aggression: 1, minWeightPercent: 0.1 };
  const engine = await engineOver(harness, [old], { ...turns, slowStart });
  await republish(engine, [endpoint(old.port), endpoint(joined.port)]);
  await eventually('the shares are as they should be', async () =>
    expect(await shares(engine, fleet, 20)).toEqual(expected),
  );
  const factor = async (): Promise<number | undefined> => (await reportOf(engine, joined)).facts.weightFactor;
  if (windowMs > 10_000) expect(await factor()).toBeLessThan(0.1);
  else await eventually('it weighs in full', async () => expect(await factor()).toBe(1));
});

it('a load report moves requests to where there is room, and stays between proxy and endpoint', async () => {
  const fleet = await backends(harness, 2);
  const [busy, idle] = fleet as [(typeof fleet)[0], (typeof fleet)[0]];
  busy.headers = { 'Endpoint-Load-Metrics': 'TEXT cpu_utilization=0.9,rps_fractional=100' };
  idle.headers = { 'endpoint-load-metrics': 'JSON {"cpu_utilization": 0.1, "rps_fractional": 100}' };
  const engine = await engineOver(harness, fleet, { ...turns, loadReports: { blackout: 1, updateInterval: 1 } });
  await eventually('the idle one has nine of ten', async () =>
    expect(await shares(engine, fleet, 20)).toEqual([2, 18]),
  );
  const answer = await exchange(portOf(engine), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect(answer).not.toMatch(/endpoint-load-metrics/i);
});

describe('an operator', () => {
  it('drains an endpoint of a cluster and gives it back', async () => {
    const fleet = await backends(harness, 2);
    const [drained] = fleet as [(typeof fleet)[0]];
    const engine = await engineOver(harness, fleet, turns, { workers: 2 });
    const key = `127.0.0.1:${drained.port}`;
    expect(engine.drainEndpoint(CLUSTER, '127.0.0.1:1', true)).toBe(false);
    expect(engine.drainEndpoint('nobody', key, true)).toBe(false);
    expect(engine.drainEndpoint(CLUSTER, key, true)).toBe(true);
    await eventually('it is drained', async () => expect(await states(engine, fleet)).toEqual(['drained', 'healthy']));
    expect((await shares(engine, fleet, 20))[0]).toBe(0);
    expect(engine.drainEndpoint(CLUSTER, key, false)).toBe(true);
    await eventually('it gets requests', async () => expect((await shares(engine, fleet, 4))[0]).toBeGreaterThan(0));
  });

  it('is obeyed until the endpoint leaves', async () => {
    const fleet = await backends(harness, 2);
    const [one, other] = fleet as [(typeof fleet)[0], (typeof fleet)[0]];
    const engine = await engineOver(harness, fleet, turns);
    engine.drainEndpoint(CLUSTER, `127.0.0.1:${one.port}`, true);
    await republish(engine, [endpoint(one.port), endpoint(other.port)]);
    expect(await shares(engine, fleet, 4)).toEqual([0, 4]);
    await republish(engine, [endpoint(other.port)]);
    await republish(engine, [endpoint(one.port), endpoint(other.port)]);
    expect((await shares(engine, fleet, 4))[0]).toBe(2);
  });
});
