// The pool of probes: the hot-cold rule, and how probes leave it by number, age, use and turn.
// Knows no target; loads and latencies are made up.
import { describe, expect, it } from 'vitest';
import { ProbePool } from './probe-pool.ts';

const everybody = () => true;

/** A pool of probes [load, latency], whose places are 0, 1, 2, ... */
function poolOf(...probes: readonly (readonly [number, number])[]): ProbePool {
  const pool = new ProbePool(16);
  for (const [place, [load, latencyMs]] of probes.entries()) pool.add(place, place, load, latencyMs, 5);
  return pool;
}

function best(pool: ProbePool, hotLoad: number, usable: (place: number) => boolean = everybody): number {
  return pool.placeOf(pool.best(hotLoad, usable));
}

function places(pool: ProbePool): number[] {
  return Array.from({ length: pool.count }, (_, probe) => pool.placeOf(probe));
}

describe('the hot-cold rule', () => {
  it('takes the fastest of the cold, however loaded', () => {
    expect(best(poolOf([0, 30], [4, 10], [2, 20]), 4)).toBe(1);
  });

  it('passes over the hot, however fast', () => {
    expect(best(poolOf([0, 30], [5, 1], [2, 20]), 4)).toBe(2);
  });

  it('takes the least loaded when all are hot, however slow', () => {
    expect(best(poolOf([9, 1], [6, 90], [8, 5]), 4)).toBe(1);
  });

  it('takes the oldest among equals', () => {
    expect(best(poolOf([1, 5], [1, 5], [1, 5]), 4)).toBe(0);
  });

  it('leaves out what must not be used, and says so when nothing is left', () => {
    const pool = poolOf([0, 1], [0, 2]);
    expect(best(pool, 4, (place) => place !== 0)).toBe(1);
    expect(pool.best(4, () => false)).toBe(-1);
    expect(new ProbePool(4).best(4, everybody)).toBe(-1);
  });
});

describe('ProbePool', () => {
  it('counts a use as load, and lets a probe go when it is used up', () => {
    const pool = new ProbePool(4);
    pool.add(7, 0, 0, 1, 3);
    pool.add(8, 0, 0, 2, 3);
    pool.use(pool.best(1, everybody), 1);
    expect(best(pool, 1)).toBe(7);
    pool.use(pool.best(1, everybody), 1);
    // Two uses make it hot.
    expect(best(pool, 1)).toBe(8);
    pool.use(0, 1);
    expect(places(pool)).toEqual([8]);
  });

  it('tells older probes of a target what a newer one saw, and all of them of each use', () => {
    const pool = poolOf([0, 1], [0, 2]);
    pool.add(0, 10, 0, 9, 5);
    expect(places(pool)).toEqual([0, 1, 0]);
    expect(best(pool, 4)).toBe(1);
    const slow = poolOf([0, 1], [0, 2]);
    slow.add(0, 10, 0, 1, 5);
    slow.use(0, 5);
    expect(best(slow, 4)).toBe(1);
  });

  it('makes room for a new probe by the oldest', () => {
    const pool = new ProbePool(3);
    for (const place of [1, 2, 3, 4]) pool.add(place, place, 0, 1, 5);
    expect(places(pool)).toEqual([2, 3, 4]);
  });

  it('lets probes go after a second', () => {
    const pool = new ProbePool(4);
    for (const place of [1, 2, 3]) pool.add(place, place * 400, 0, 1, 5);
    pool.expire(1400);
    expect(places(pool)).toEqual([1, 2, 3]);
    pool.expire(1801);
    expect(places(pool)).toEqual([3]);
  });

  it('drops the oldest and the worst in turn: the hottest, and where all are cold the slowest', () => {
    const pool = poolOf([0, 3], [6, 1], [5, 99], [0, 50], [0, 2]);
    pool.drop(4);
    expect(places(pool)).toEqual([1, 2, 3, 4]);
    pool.drop(4);
    expect(places(pool)).toEqual([2, 3, 4]);
    pool.drop(4);
    pool.drop(4);
    expect(places(pool)).toEqual([4]);
    pool.drop(4);
    pool.drop(4);
    expect(places(pool)).toEqual([]);
  });

  it('is carried over to new places, without those that go', () => {
    const pool = poolOf([0, 3], [0, 2], [0, 1]);
    const moved = pool.moved((place) => place - 1);
    expect(places(moved)).toEqual([0, 1]);
    expect(best(moved, 4)).toBe(1);
    expect(places(pool)).toEqual([0, 1, 2]);
  });
});
