// The work queue's promises: fair, stingy, never two workers on one key, and patient with failures.
// Time is moved by hand, and work ends when the test says so.
import { describe, expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { createWorkQueue, type Reconcile, type WorkQueue } from './work-queue.ts';

interface Bench {
  readonly clock: FakeClock;
  readonly queue: WorkQueue;
  /** Keys in the order in which their work began. */
  readonly began: string[];
  /** Ends the running work on a key. */
  finish(key: string, outcome?: Error | { requeueAfterMs: number }): Promise<void>;
}

/** A queue whose work ends when the test says so. */
function bench(workers = 1): Bench {
  const clock = new FakeClock();
  const began: string[] = [];
  const running = new Map<string, PromiseWithResolvers<undefined | { requeueAfterMs: number }>>();
  const work: Reconcile = (key) => {
    if (running.has(key)) throw new Error(`"${key}" is worked on twice`);
    began.push(key);
    const work = Promise.withResolvers<undefined | { requeueAfterMs: number }>();
    running.set(key, work);
    return work.promise;
  };
  const queue = createWorkQueue('test', work, { clock, log: silentLogger, workers });
  return {
    clock,
    queue,
    began,
    async finish(key, outcome) {
      const work = running.get(key);
      if (work === undefined) throw new Error(`"${key}" is not being worked on`);
      running.delete(key);
      if (outcome instanceof Error) work.reject(outcome);
      else work.resolve(outcome);
      await settle();
    },
  };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

describe('a work queue', () => {
  test('holds keys until it is started, then runs them in the order they came', async () => {
    const { queue, began, finish } = bench();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(began).toEqual([]);
    expect(queue.length).toBe(3);
    queue.start();
    await finish('a');
    await finish('b');
    await finish('c');
    expect(began).toEqual(['a', 'b', 'c']);
  });

  test('runs a key that changes while it is worked on exactly once more, and not at the same time', async () => {
    const { queue, began, finish } = bench(4);
    queue.start();
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(began).toEqual(['a']);
    await finish('a');
    expect(began).toEqual(['a', 'a']);
    await finish('a');
    expect(began).toEqual(['a', 'a']);
  });

  test('works on as many keys at once as it has workers', async () => {
    const { queue, began, finish } = bench(2);
    queue.start();
    for (const key of ['a', 'b', 'c']) queue.add(key);
    expect(began).toEqual(['a', 'b']);
    await finish('b');
    expect(began).toEqual(['a', 'b', 'c']);
  });

  test('tries a failing key again after 5 ms, doubling, and forgets that once it succeeds', async () => {
    const { queue, began, finish, clock } = bench();
    queue.start();
    queue.add('a');
    for (const wait of [5, 10, 20, 40]) {
      const runs = began.length;
      await finish('a', new Error('no'));
      clock.advance(wait - 1);
      expect(began).toHaveLength(runs);
      clock.advance(1);
      expect(began).toHaveLength(runs + 1);
    }
    await finish('a');
    queue.add('a');
    await finish('a', new Error('no'));
    const runs = began.length;
    clock.advance(5);
    expect(began).toHaveLength(runs + 1);
  });

  test('never waits longer than 1000 s', async () => {
    const { queue, began, finish, clock } = bench();
    queue.start();
    queue.add('a');
    for (let i = 0; i < 40; i++) {
      await finish('a', new Error('no'));
      clock.advance(1_000_000);
      expect(began).toHaveLength(i + 2);
    }
  });

  test('takes a synchronous throw for a failure', async () => {
    const clock = new FakeClock();
    let calls = 0;
    const queue = createWorkQueue(
      'test',
      () => {
        calls += 1;
        throw new Error('at once');
      },
      { clock, log: silentLogger },
    );
    queue.start();
    queue.add('a');
    await settle();
    clock.advance(5);
    expect(calls).toBe(2);
  });

  test('runs a key again when its work asks for it, and of several delays the shortest counts', async () => {
    const { queue, began, finish, clock } = bench();
    queue.start();
    queue.add('a');
    await finish('a', { requeueAfterMs: 100 });
    queue.addAfter('a', 500);
    queue.addAfter('a', 50);
    clock.advance(50);
    expect(began).toHaveLength(2);
    await finish('a');
    clock.advance(1_000);
    expect(began).toHaveLength(2);
  });

  test('a delay of nothing, or less, is no delay', async () => {
    const { queue, began } = bench();
    queue.start();
    queue.addAfter('a', -5);
    expect(began).toEqual(['a']);
  });

  test('stops only after the running work has ended, and starts nothing more', async () => {
    const { queue, began, finish, clock } = bench();
    queue.start();
    queue.add('a');
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 10);
    let stopped = false;
    const stopping = queue.stop().then(() => {
      stopped = true;
    });
    await settle();
    expect(stopped).toBe(false);
    await finish('a', new Error('no'));
    await stopping;
    clock.advance(10_000);
    queue.add('d');
    expect(began).toEqual(['a']);
  });
});
