// Counting in shared memory and printing it: buckets, sums over threads, bounds, escapes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketBounds, bucketOf, FINITE_BUCKETS } from './buckets.ts';
import { exposition, type MetricSource } from './exposition.ts';
import { MetricWriter } from './metric-writer.ts';
import type { MetricDefinition, Series } from './series.ts';

const counter: MetricDefinition = { name: 'c_total', help: 'Counted.', type: 'counter', labels: ['a'], maxSeries: 3 };
const gauge: MetricDefinition = { name: 'g', help: 'Measured.', type: 'gauge', labels: [], maxSeries: 3 };
const histogram: MetricDefinition = {
  name: 'h_seconds',
  help: 'Timed.',
  type: 'histogram',
  labels: ['a'],
  maxSeries: 3,
};

function writer(bytes = 65_536): { writer: MetricWriter; source: MetricSource } {
  const series: Series[] = [];
  const memory = new SharedArrayBuffer(bytes);
  return { writer: new MetricWriter(memory, (one) => series.push(one)), source: { memory, series, ended: false } };
}

describe('bucketOf()', () => {
  it('gives the first bucket whose bound is not below the value', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 100_000, noNaN: true }), (milliseconds) => {
        const index = bucketOf(milliseconds);
        const seconds = milliseconds / 1000;
        if (index < FINITE_BUCKETS) expect(bucketBounds[index] as number).toBeGreaterThanOrEqual(seconds - 1e-12);
        if (index > 0) expect(bucketBounds[index - 1] as number).toBeLessThan(seconds + 1e-12);
      }),
    );
  });
});

describe('exposition()', () => {
  it('adds the threads up, leaving out what ended threads measured', () => {
    const one = writer();
    const two = writer();
    for (const { writer: w } of [one, two]) {
      w.add(w.cell(counter, ['x']), 2);
      w.add(w.cell(gauge, []), 5);
    }
    const text = exposition([counter, gauge], [one.source, { ...two.source, ended: true }]);
    expect(text).toBe(
      '# HELP c_total Counted.\n# TYPE c_total counter\nc_total{a="x"} 4\n# HELP g Measured.\n# TYPE g gauge\ng 5\n',
    );
  });

  it('prints cumulative buckets, sum and count', () => {
    const one = writer();
    const cell = one.writer.cell(histogram, ['x']);
    one.writer.observe(cell, 0.1);
    one.writer.observe(cell, 1);
    one.writer.observe(cell, 1e9);
    const lines = exposition([histogram], [one.source]).split('\n');
    expect(lines).toContain('h_seconds_bucket{a="x",le="0.000125"} 1');
    expect(lines).toContain('h_seconds_bucket{a="x",le="0.001"} 2');
    expect(lines).toContain('h_seconds_bucket{a="x",le="65.536"} 2');
    expect(lines).toContain('h_seconds_bucket{a="x",le="+Inf"} 3');
    expect(lines).toContain('h_seconds_count{a="x"} 3');
  });

  it('escapes label values', () => {
    const one = writer();
    one.writer.add(one.writer.cell(counter, ['a"b\\c\nd']), 1);
    expect(exposition([counter], [one.source])).toContain('c_total{a="a\\"b\\\\c\\nd"} 1\n');
  });
});

describe('MetricWriter', () => {
  it('counts label sets beyond the bound under other', () => {
    const one = writer();
    for (let i = 0; i < 10; i++) one.writer.add(one.writer.cell(counter, [String(i)]), 1);
    const text = exposition([counter], [one.source]);
    expect(text).toContain('c_total{a="2"} 1');
    expect(text).toContain('c_total{a="other"} 7');
    expect(text).not.toContain('a="3"');
  });

  it('forgets released series and uses their cells again, from nought', () => {
    const live = new Map<string, Series>();
    const memory = new SharedArrayBuffer(8 * 64);
    const metric = { ...counter, maxSeries: 1000 };
    const w = new MetricWriter(memory, (one) => {
      if (one.ended === true) live.delete(one.labels.join());
      else live.set(one.labels.join(), one);
    });
    for (let i = 0; i < 500; i++) {
      const before = w.generation;
      w.add(w.cell(metric, [`pod-${i}`]), 1);
      w.release(metric, ([pod]) => pod === `pod-${i}`);
      expect(w.generation).toBeGreaterThan(before);
    }
    w.add(w.cell(metric, ['last']), 1);
    expect(exposition([metric], [{ memory, series: [...live.values()], ended: false }])).toContain(
      'c_total{a="last"} 1\n',
    );
    expect(live.size).toBe(1);
  });

  it('loses counts rather than writing beyond its memory', () => {
    const one = writer(512);
    for (let i = 0; i < 3; i++) one.writer.observe(one.writer.cell({ ...histogram, maxSeries: 100 }, [String(i)]), 1);
    expect(one.source.series.length).toBeLessThan(3);
  });
});
