// Deadlines: the near ones to a slot of the wheel, the others to a tick, none of them early.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { NEAR, Sweeper } from './sweeper.ts';

describe('Sweeper', () => {
  it('calls a near deadline within 10 ms after it, and never before', () => {
    fc.assert(
      fc.property(
        fc.nat(5000),
        fc.array(fc.double({ min: 0.001, max: NEAR - 0.001, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (start, waits) => {
          const clock = new FakeClock();
          clock.advance(start);
          const sweeper = new Sweeper(clock);
          const late: number[] = [];
          for (const wait of waits) {
            const at = clock.now() + wait;
            sweeper.soon({ onTick: (now) => late.push(now - at) }, at);
          }
          for (let ms = 0; ms < NEAR + 20; ms++) clock.advance(1);
          expect(late).toHaveLength(waits.length);
          for (const by of late) {
            expect(by).toBeGreaterThanOrEqual(0);
            expect(by).toBeLessThanOrEqual(21);
          }
          sweeper.stop();
        },
      ),
    );
  });

  it('takes new deadlines while it calls others, and after a long stall', () => {
    const clock = new FakeClock();
    const sweeper = new Sweeper(clock);
    const calls: string[] = [];
    sweeper.soon(
      {
        onTick: (now) => {
          calls.push('first');
          sweeper.soon({ onTick: () => calls.push('second') }, now + 50);
        },
      },
      40,
    );
    clock.advance(60_000);
    clock.advance(60_000);
    sweeper.soon({ onTick: () => calls.push('third') }, clock.now() + 100);
    clock.advance(150);
    expect(calls).toEqual(['first', 'second', 'third']);
    sweeper.stop();
  });

  it('turns one wheel however often a deadline sets the next, and none when nobody waits', () => {
    const clock = new FakeClock();
    let timers = 0;
    const sweeper = new Sweeper({
      wall: () => clock.wall(),
      now: () => clock.now(),
      after: (ms, fn) => clock.after(ms, fn),
      every(ms, fn) {
        timers++;
        const cancel = clock.every(ms, fn);
        let over = false;
        return () => {
          if (!over) timers--;
          over = true;
          cancel();
        };
      },
    });
    let left = 5;
    const again = { onTick: (now: number) => void (left-- > 0 && sweeper.soon(again, now + 50)) };
    sweeper.soon(again, 50);
    clock.advance(200);
    expect(timers).toBe(2);
    clock.advance(1000);
    expect(left).toBe(-1);
    expect(timers).toBe(1);
    sweeper.stop();
    expect(timers).toBe(0);
  });

  it('looks at members every tick until they leave', () => {
    const clock = new FakeClock();
    const sweeper = new Sweeper(clock);
    let ticks = 0;
    const member = { onTick: () => void ticks++ };
    sweeper.add(member);
    clock.advance(1000);
    const before = ticks;
    sweeper.remove(member);
    clock.advance(1000);
    expect(before).toBe(4);
    expect(ticks).toBe(4);
    sweeper.stop();
  });
});
