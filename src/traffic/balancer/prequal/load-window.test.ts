// The window of loads: its quantiles against a plain sort.
// Knows no probe.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LoadWindow } from './load-window.ts';

const SIZE = 128;

describe('LoadWindow', () => {
  it('has the quantiles of the last 128 loads', () => {
    const load = fc.oneof(fc.nat(5), fc.double({ min: 0, max: 1000, noNaN: true }));
    fc.assert(
      fc.property(
        fc.array(load, { minLength: 1, maxLength: 400 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (loads, share) => {
          const window = new LoadWindow();
          for (const one of loads) window.add(one);
          const last = loads.slice(-SIZE).sort((a, b) => a - b);
          expect(window.quantile(share)).toBe(last[Math.min(last.length - 1, Math.floor(share * last.length))]);
          expect(window.copy().quantile(share)).toBe(window.quantile(share));
        },
      ),
    );
  });

  it('calls nobody hot before anything was probed', () => {
    expect(new LoadWindow().quantile(0.84)).toBe(Number.POSITIVE_INFINITY);
  });

  it('copies without a tie to the original', () => {
    const window = new LoadWindow();
    window.add(1);
    const copy = window.copy();
    copy.add(9);
    expect(window.quantile(1)).toBe(1);
  });
});
