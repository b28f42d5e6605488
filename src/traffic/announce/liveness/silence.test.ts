// Which nodes count as silent: by two witnesses, never most of them, and only until they are heard.
// Time is moved by hand; the only sockets are those of the question that the kernel answers.
import { createServer } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Clock, FakeClock, systemClock } from '#lib/clock.ts';
import type { Peer } from './members.ts';
import { SecondOpinion } from './second-opinion.ts';
import { Silence } from './silence.ts';
import { SilentNodes } from './silent-nodes.ts';

const nobody = (): boolean => false;
const names = (set: ReadonlySet<string>): string[] => [...set].sort();

describe('silence', () => {
  it('takes a speaker that is not heard and a kernel that does not answer', () => {
    const silence = new Silence();
    expect(silence.judge({ dead: ['b'], answers: () => true, nodes: 3 })).toBe(false);
    expect(names(silence.silent)).toEqual([]);
    expect(silence.judge({ dead: ['b'], answers: nobody, nodes: 3 })).toBe(true);
    expect(names(silence.silent)).toEqual(['b']);
  });

  it('lasts until the speaker is heard, whatever the kernel says meanwhile', () => {
    const silence = new Silence();
    silence.judge({ dead: ['b'], answers: nobody, nodes: 3 });
    expect(silence.judge({ dead: ['b'], answers: () => true, nodes: 3 })).toBe(false);
    expect(silence.judge({ dead: [], answers: () => true, nodes: 3 })).toBe(true);
    expect(names(silence.silent)).toEqual([]);
  });

  it('of half of the nodes counts, of more means that this one is cut off', () => {
    const silence = new Silence();
    silence.judge({ dead: ['b', 'c'], answers: nobody, nodes: 4 });
    expect(names(silence.silent)).toEqual(['b', 'c']);
    expect(silence.judge({ dead: ['b', 'c', 'd'], answers: nobody, nodes: 4 })).toBe(true);
    expect([names(silence.silent), names(silence.fallen)]).toEqual([[], ['b', 'c', 'd']]);
    expect(silence.judge({ dead: ['b'], answers: nobody, nodes: 4 })).toBe(true);
    expect(names(silence.silent)).toEqual(['b']);
  });

  it('never covers more than half, nor anybody who is heard, whatever happens', () => {
    const step = fc.record({ dead: fc.subarray(['b', 'c', 'd', 'e']), answering: fc.subarray(['b', 'c', 'd', 'e']) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const silence = new Silence();
        for (const { dead, answering } of steps) {
          const before = names(silence.silent);
          const changed = silence.judge({ dead, answers: (node) => answering.includes(node), nodes: 5 });
          expect(silence.silent.size).toBeLessThanOrEqual(2);
          for (const node of silence.silent) expect(dead).toContain(node);
          if (names(silence.silent).join() !== before.join()) expect(changed).toBe(true);
        }
      }),
    );
  });
});

/** A node `b` of three, whose speaker and kernel can be switched off. */
function scene() {
  const fake = new FakeClock();
  let stood = 0;
  const clock: Clock = {
    wall: () => fake.wall(),
    now: () => fake.now() + stood,
    after: (ms, fn) => fake.after(ms, fn),
    every: (ms, fn) => fake.every(ms, fn),
  };
  const state = { lastHeard: 0, kernel: true, asked: 0 };
  const since = (): number => clock.now() - state.lastHeard;
  const peer: Peer = { name: 'b', address: '192.0.2.2', port: 10_250 };
  const heartbeats = {
    proved: 2,
    unheard: (ms: number) => (since() >= ms ? [peer] : []),
    get dead() {
      return since() >= 600 ? ['b'] : [];
    },
  };
  const told: string[][] = [];
  const nodes = new SilentNodes({
    heartbeats,
    clock,
    onChange: (silent) => told.push(names(silent)),
    ask: (_, done) => {
      state.asked += 1;
      if (state.kernel) return clock.after(1, () => done(true));
      return () => {};
    },
  });
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 10) fake.advance(10);
  };
  /** Time goes by, and no timer runs. */
  const stand = (ms: number): void => {
    stood += ms;
  };
  return { stand, clock, state, told, nodes, pass };
}

describe('silent nodes', () => {
  it('are told 600 ms after their last word, and heard again at once', () => {
    const { clock, state, told, nodes, pass } = scene();
    state.kernel = false;
    pass(590);
    expect(told).toEqual([]);
    pass(70);
    expect(told).toEqual([['b']]);
    state.lastHeard = clock.now();
    nodes.look();
    expect(told).toEqual([['b'], []]);
    nodes.close();
  });

  it('are none while their kernel answers: a speaker that crashed is no dead node', () => {
    const { state, told, nodes, pass } = scene();
    pass(10_000);
    expect(told).toEqual([]);
    expect(state.asked).toBeGreaterThan(10);
    state.kernel = false;
    pass(400);
    expect(told).toEqual([['b']]);
    nodes.close();
  });

  it('are not judged by one that has itself stood still', () => {
    const { stand, told, nodes, pass } = scene();
    pass(1_000);
    stand(5_000);
    pass(200);
    expect(told).toEqual([]);
    nodes.close();
  });

  it('are asked nothing as long as they are heard', () => {
    const { clock, state, nodes, pass } = scene();
    for (let round = 0; round < 20; round++) {
      pass(150);
      state.lastHeard = clock.now();
    }
    expect(state.asked).toBe(0);
    nodes.close();
  });
});

describe('a second opinion', () => {
  const opinionOf = async (suspect: Peer): Promise<boolean> => {
    const opinion = new SecondOpinion(systemClock);
    const until = performance.now() + 1_000;
    opinion.watch([suspect]);
    // Who does not answer counts as there until it had the time to.
    expect(opinion.answers(suspect.name)).toBe(true);
    while (performance.now() < until && opinion.answers(suspect.name)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      opinion.watch([suspect]);
    }
    const answers = opinion.answers(suspect.name);
    opinion.close();
    return answers;
  };

  it('counts a yes and a no, and no silence', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    expect(await opinionOf({ name: 'open', address: '127.0.0.1', port })).toBe(true);
    await new Promise((resolve) => server.close(resolve));
    expect(await opinionOf({ name: 'closed', address: '127.0.0.1', port })).toBe(true);
    // No host has it, and nothing is sent there.
    expect(await opinionOf({ name: 'gone', address: '255.255.255.255', port })).toBe(false);
  });
});
