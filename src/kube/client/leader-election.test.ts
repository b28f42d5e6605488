// Leader election against the real API server, on a clock that is moved by hand.
// Copies that die do so by a client that no longer works.
import type { Lease } from 'kubernetes-types/coordination/v1.js';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { startTestServer, type TestServer } from '#kube/apiserver/testing.ts';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { eventually } from '#test/support/eventually.ts';
import type { Client } from './client.ts';
import { type Election, elect, wrongTimes } from './leader-election.ts';
import { createClient } from './rest-client.ts';

vi.setConfig({ testTimeout: 60_000 });

const times = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };
const lease = { name: 'worker', namespace: 'kube-system' };
let server: TestServer;
let client: Client;
let clock: FakeClock;
let elections: Election[] = [];

beforeEach(async () => {
  clock = new FakeClock();
  server = await startTestServer();
  client = createClient({ server: server.url, caPem: server.caPem, token: server.adminToken });
});
afterEach(async () => {
  await Promise.all(elections.map((election) => election.stop()));
  elections = [];
  await client.close();
  await server.close();
});

interface Copy {
  readonly election: Election;
  readonly leaders: string[];
  state: 'waits' | 'leads' | 'lost' | 'stopped';
}

function copy(identity: string, through: Client = client): Copy {
  const leaders: string[] = [];
  const onLeader = (leader: string): number => leaders.push(leader);
  const election = elect({
    client: through,
    clock,
    log: silentLogger,
    identity,
    lease,
    times,
    random: () => 0,
    onLeader,
  });
  elections.push(election);
  const made: Copy = { election, leaders, state: 'waits' };
  void election.won.then((won) => {
    made.state = won ? 'leads' : 'stopped';
  });
  void election.lost.then(() => {
    made.state = 'lost';
  });
  return made;
}
const read = async (): Promise<NonNullable<Lease['spec']>> =>
  (await client.get<Lease>(builtin('Lease'), lease.name, lease.namespace)).spec ?? {};
const holds = (what: string, holder: string): Promise<void> =>
  eventually(what, async () => expect((await read()).holderIdentity).toBe(holder));
/** Time passes meanwhile: an attempt that failed is made again. */
const later = (what: string, look: () => void): Promise<void> =>
  eventually(what, async () => {
    await pass(500);
    look();
  });
const is = (who: Copy, state: Copy['state']): Promise<void> => later(state, () => expect(who.state).toBe(state));
/** Lets time pass, in steps that leave room for what happens in it. */
async function pass(ms: number): Promise<void> {
  for (let gone = 0; gone < ms; gone += 500) {
    clock.advance(500);
    await client.list(builtin('Lease'), { namespace: lease.namespace });
  }
}
/** A client whose requests fail from some time on. */
function breakable(): Client & { broken: boolean } {
  const state = { broken: false };
  return new Proxy(client, {
    get(target, name, receiver) {
      if (name === 'broken') return state.broken;
      const member = Reflect.get(target, name, receiver);
      if (typeof member !== 'function') return member;
      return (...rest: unknown[]) =>
        state.broken ? Promise.reject(new Error('The network is gone')) : Reflect.apply(member, target, rest);
    },
    set(_, name, value) {
      if (name === 'broken') state.broken = value;
      return true;
    },
  }) as Client & { broken: boolean };
}

test('one copy leads, the other waits and is told who, and follows at once when the lease is given back', async () => {
  const first = copy('a');
  await is(first, 'leads');
  const second = copy('b');
  await later('b knows who leads', () => expect(second.leaders).toEqual(['a']));
  await pass(40_000);
  expect([first.state, second.state]).toEqual(['leads', 'waits']);
  expect((await read()).leaseTransitions).toBe(0);
  await first.election.stop();
  expect(await read()).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
  await is(second, 'leads');
  expect(await read()).toMatchObject({ holderIdentity: 'b', leaseDurationSeconds: 15, leaseTransitions: 1 });
});

test('a copy that dies is followed when its lease has run out, not before, and gives up before that itself', async () => {
  const through = breakable();
  const first = copy('a', through);
  await is(first, 'leads');
  const second = copy('b');
  await later('b knows who leads', () => expect(second.leaders).toEqual(['a']));
  through.broken = true;
  await pass(7_000);
  expect([first.state, second.state]).toEqual(['leads', 'waits']);
  await is(first, 'lost');
  expect(second.state).toBe('waits');
  await is(second, 'leads');
  await holds("the lease is b's", 'b');
});

test('a leader that finds another name in the lease has lost', async () => {
  const first = copy('a');
  await is(first, 'leads');
  await client.patch(builtin('Lease'), lease.name, lease.namespace, 'merge', { spec: { holderIdentity: 'x' } });
  await pass(2_500);
  await is(first, 'lost');
  await first.election.stop();
  expect((await read()).holderIdentity).toBe('x');
});

test('a copy that is stopped while it waits leaves the lease alone', async () => {
  await is(copy('a'), 'leads');
  const second = copy('b');
  await second.election.stop();
  expect(await second.election.won).toBe(false);
  expect((await read()).holderIdentity).toBe('a');
});

test.each([
  [{ ...times, leaseMs: 500 }, 'the lease duration must be at least 1s'],
  [{ ...times, renewDeadlineMs: 15_000 }, 'the lease duration must be greater than the renew deadline'],
  [{ ...times, retryMs: 9_000 }, 'the renew deadline must be greater than 1.2 times the retry period'],
  [times, undefined],
])('times %j', (each, wrong) => {
  expect(wrongTimes(each)).toBe(wrong);
});
