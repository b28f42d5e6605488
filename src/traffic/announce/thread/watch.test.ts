// When a main thread counts as gone: after a long standstill of its own, never after a short one or one of the process.
// Time is moved by hand.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { BEAT_MS, STANDSTILL_MS, Watch } from './watch.ts';

function world() {
  const clock = new FakeClock();
  let beats = 0;
  const said: boolean[] = [];
  const watch = new Watch({ clock, beats: () => beats, onFit: (isFit) => said.push(isFit) });
  return {
    watch,
    said,
    clock,
    pass(ms: number, busy: boolean): void {
      for (let spent = 0; spent < ms; spent += BEAT_MS) {
        if (!busy) beats += 1;
        clock.advance(BEAT_MS);
      }
    },
  };
}

describe('a main thread', () => {
  it('that is busy for some seconds is fit', () => {
    const { watch, said, pass } = world();
    pass(60_000, false);
    pass(STANDSTILL_MS - 2 * BEAT_MS, true);
    pass(BEAT_MS, false);
    pass(STANDSTILL_MS - 2 * BEAT_MS, true);
    expect([watch.isFit, said]).toEqual([true, []]);
  });

  it('that stands still is not, until it goes on', () => {
    const { watch, said, pass } = world();
    pass(STANDSTILL_MS + BEAT_MS, true);
    expect([watch.isFit, said]).toEqual([false, [false]]);
    pass(60_000, true);
    pass(BEAT_MS, false);
    expect([watch.isFit, said]).toEqual([true, [false, true]]);
  });
});
