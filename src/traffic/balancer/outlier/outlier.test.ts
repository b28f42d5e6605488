// Outlier detection as arithmetic: what counts, who stands out, how long they are out, and how many may be.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutlierDetector } from './detector.ts';
import { ejected, ejectionCap, neverEjected, returned } from './ejection.ts';
import { RUNS, verdictOf } from './outcome.ts';
import { latencyOutliers, type Sample, successRateOutliers } from './samples.ts';
import { type OutlierPolicy, outlierSettings } from './settings.ts';

const runs = (status: number, connectFailed = false): readonly string[] =>
  RUNS.filter((_, run) => (verdictOf(status, connectFailed) & (1 << run)) !== 0);

describe('what an attempt counts as', () => {
  it.each([
    [200, []],
    [404, []],
    [500, ['consecutive_5xx']],
    [501, ['consecutive_5xx']],
    [502, ['consecutive_5xx', 'consecutive_gateway_errors']],
    [503, ['consecutive_5xx', 'consecutive_gateway_errors']],
    [504, ['consecutive_5xx', 'consecutive_gateway_errors']],
    [0, ['consecutive_5xx', 'consecutive_gateway_errors']],
  ])('status %d lengthens %j', (status, expected) => {
    expect(runs(status)).toEqual(expected);
  });

  it('counts a connection that could not be made under every cause', () => {
    expect(runs(0, true)).toEqual([...RUNS]);
  });
});

/** Endpoints a, b, c, ... with these [requests, failures, mean latency]. */
function samples(...rows: readonly (readonly [number, number, number?])[]): Sample[] {
  return rows.map(([requests, failures, mean = 1], place) => ({
    key: String.fromCharCode(97 + place),
    requests,
    failures,
    latencyMs: mean * (requests - failures),
  }));
}

describe('success rate', () => {
  const settings = outlierSettings({ successRateStdevFactor: 1900 });

  it('finds the one that fails far more often than the others', () => {
    const rows = samples([100, 1], [100, 0], [100, 2], [100, 1], [100, 40]);
    expect(successRateOutliers(rows, settings)).toEqual(['e']);
  });

  it('finds nobody when all fail alike, and nobody without the setting', () => {
    expect(successRateOutliers(samples([100, 40], [100, 40], [100, 40], [100, 40], [100, 40]), settings)).toEqual([]);
    const rows = samples([100, 1], [100, 0], [100, 2], [100, 1], [100, 40]);
    expect(successRateOutliers(rows, outlierSettings({}))).toEqual([]);
  });

  it('says nothing about endpoints with few requests, nor with too few endpoints', () => {
    expect(successRateOutliers(samples([100, 0], [100, 0], [100, 0], [100, 0], [99, 99]), settings)).toEqual([]);
    expect(successRateOutliers(samples([100, 0], [100, 0], [100, 0], [100, 90]), settings)).toEqual([]);
    const few = outlierSettings({
      successRateStdevFactor: 1000,
      successRateMinimumHosts: 3,
      successRateRequestVolume: 5,
    });
    expect(successRateOutliers(samples([5, 0], [5, 0], [5, 5]), few)).toEqual(['c']);
  });

  it('never names more than it was shown, nor one without failures', () => {
    const row = fc.nat(200).chain((requests) => fc.tuple(fc.constant(requests), fc.nat(requests)));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 12 }), fc.integer({ min: 100, max: 4000 }), (rows, factor) => {
        const shown = samples(...rows);
        const policy = outlierSettings({ successRateStdevFactor: factor, successRateRequestVolume: 1 });
        const found = successRateOutliers(shown, policy);
        for (const key of found) expect(shown.find((one) => one.key === key)?.failures).toBeGreaterThan(0);
        expect(found.length).toBeLessThan(Math.max(1, shown.length));
      }),
    );
  });
});

describe('latency', () => {
  const settings = outlierSettings({ latencyFactor: 3, latencyMinimumMs: 20 });

  it('finds the one that is slower than the factor allows', () => {
    expect(latencyOutliers(samples([50, 0, 10], [50, 0, 12], [50, 0, 11], [50, 0, 90]), settings)).toEqual(['d']);
  });

  it('compares with the others only, so that one of three cannot hide behind itself', () => {
    expect(latencyOutliers(samples([50, 0, 10], [50, 0, 10], [50, 0, 31]), settings)).toEqual(['c']);
  });

  it('leaves alone what is slow only by comparison, or by few requests, or without siblings', () => {
    expect(latencyOutliers(samples([50, 0, 1], [50, 0, 1], [50, 0, 19]), settings)).toEqual([]);
    expect(latencyOutliers(samples([50, 0, 10], [50, 0, 10], [9, 0, 900]), settings)).toEqual([]);
    expect(latencyOutliers(samples([50, 0, 10], [50, 0, 900]), settings)).toEqual([]);
  });

  it('does not take a fast failure for a fast answer', () => {
    expect(latencyOutliers(samples([50, 0, 10], [50, 0, 10], [50, 35, 90]), settings)).toEqual(['c']);
  });
});

describe('time of an ejection', () => {
  const settings = outlierSettings({ baseEjection: 30_000, maxEjection: 100_000, interval: 10_000 });
  const lasting = (times: number): number[] => {
    let record = neverEjected;
    let now = 0;
    const lasts: number[] = [];
    for (let i = 0; i < times; i++) {
      record = ejected(record, 'consecutive_5xx', now, settings);
      lasts.push((record.current?.until ?? 0) - now);
      now = record.current?.until ?? 0;
      record = returned(record, now);
    }
    return lasts;
  };

  it('grows with each in a row up to the longest', () => {
    expect(lasting(5)).toEqual([30_000, 60_000, 90_000, 100_000, 100_000]);
  });

  it('shrinks by one for each interval in use', () => {
    const thrice = [0, 1, 2].reduce((record) => {
      const out = ejected(record, 'latency', 0, settings);
      return returned(out, 0);
    }, neverEjected);
    const after = (ms: number): number | undefined => ejected(thrice, 'latency', ms, settings).current?.times;
    expect([0, 9_999, 10_000, 20_000, 30_000, 900_000].map(after)).toEqual([4, 4, 3, 2, 1, 1]);
  });
});

it.each([
  [1, 10, 1],
  [5, 10, 1],
  [20, 10, 2],
  [29, 10, 2],
  [10, 50, 5],
  [10, 0, 1],
  [10, 300, 10],
])('of %d endpoints %d%% are %d', (total, percent, expected) => {
  expect(ejectionCap(total, percent)).toBe(expected);
});

describe('the detector', () => {
  const watching = (policy: OutlierPolicy = {}): OutlierDetector => {
    const detector = new OutlierDetector();
    detector.configure('web', outlierSettings(policy), new Set(['a', 'b', 'c']));
    return detector;
  };

  it('ejects, and lets return when the time is over', () => {
    const detector = watching();
    expect(detector.onRun('web', 'a', 'consecutive_5xx', 0)).toMatchObject([{ type: 'ejected', key: 'a' }]);
    expect(detector.nextReturn()).toBe(30_000);
    expect(detector.release(29_999)).toEqual([]);
    expect(detector.release(30_000)).toMatchObject([{ type: 'returned', key: 'a' }]);
    expect(detector.nextReturn()).toBeUndefined();
  });

  it('ejects nobody twice, and nobody whom the cluster does not name', () => {
    const detector = watching({ maxEjectionPercent: 100 });
    detector.onRun('web', 'a', 'consecutive_5xx', 0);
    expect(detector.onRun('web', 'a', 'consecutive_5xx', 1)).toEqual([]);
    expect(detector.onRun('web', 'stranger', 'consecutive_5xx', 1)).toEqual([]);
    expect(detector.onRun('unknown', 'b', 'consecutive_5xx', 1)).toEqual([]);
  });

  it('keeps to the cap of every cluster that names the endpoint', () => {
    const detector = watching({ maxEjectionPercent: 100 });
    detector.configure('small', outlierSettings({}), new Set(['b', 'c']));
    expect(detector.onRun('web', 'b', 'consecutive_5xx', 0)).toHaveLength(1);
    expect(detector.onRun('web', 'c', 'consecutive_5xx', 0)).toEqual([]);
    expect(detector.onRun('web', 'a', 'consecutive_5xx', 0)).toHaveLength(1);
  });

  it('forgets what leaves the last cluster that names it, and whose address somebody else has now', () => {
    const detector = watching();
    detector.onRun('web', 'a', 'consecutive_5xx', 0);
    detector.configure('other', outlierSettings({}), new Set(['a']));
    detector.configure('web', undefined, new Set());
    expect(detector.record('a').current).toBeDefined();
    detector.configure('other', outlierSettings({}), new Set());
    expect(detector.record('a').current).toBeUndefined();
    detector.configure('other', outlierSettings({}), new Set(['a']));
    detector.onRun('other', 'a', 'consecutive_5xx', 0);
    detector.forget('a');
    expect(detector.record('a').current).toBeUndefined();
  });

  it('does not measure the others by who is out already', () => {
    const detector = watching({
      latencyFactor: 2,
      maxEjectionPercent: 100,
      successRateStdevFactor: 500,
      successRateMinimumHosts: 2,
      successRateRequestVolume: 1,
    });
    detector.onRun('web', 'c', 'consecutive_5xx', 0);
    expect(detector.onInterval('web', samples([100, 0, 1], [100, 0, 1], [100, 100, 1]), 1)).toEqual([]);
  });

  it('never has more out than the cap, whatever happens', () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'];
    const step = fc.record({ key: fc.constantFrom(...keys), wait: fc.nat(20_000) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 100 }), (steps, percent) => {
        const detector = new OutlierDetector();
        detector.configure('web', outlierSettings({ maxEjectionPercent: percent }), new Set(keys));
        let now = 0;
        for (const { key, wait } of steps) {
          now += wait;
          detector.release(now);
          detector.onRun('web', key, 'consecutive_5xx', now);
          const out = keys.filter((one) => detector.record(one).current !== undefined);
          expect(out.length).toBeLessThanOrEqual(ejectionCap(keys.length, percent));
          for (const one of out) expect(detector.record(one).current?.until).toBeGreaterThan(now);
        }
      }),
    );
  });
});
