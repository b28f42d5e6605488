// Weights from load reports: the formula, the blackout, the expiry, and who counts as average.
// Times are handed in; no header is parsed.
import { describe, expect, it } from 'vitest';
import type { LoadReport } from './report.ts';
import { LoadReportWeights, reportedWeight } from './weights.ts';

function load(utilization: number, rps = 100, eps = 0): LoadReport {
  return { applicationUtilization: 0, cpuUtilization: utilization, rps, eps };
}

const a = { name: 'a' };
const b = { name: 'b' };
const c = { name: 'c' };

/** Everybody reports once a second from `from` to `until`. */
function reporting(reports: readonly (readonly [object, LoadReport])[], from: number, until: number) {
  const weights = new LoadReportWeights<object>({});
  for (let now = from; now <= until; now += 1000)
    for (const [target, report] of reports) weights.report(target, report, now);
  return weights;
}

describe('reportedWeight', () => {
  it('is what the endpoint could serve at full utilization', () => {
    expect(reportedWeight(load(0.5), 1)).toBe(200);
    expect(reportedWeight(load(0.25), 1)).toBe(400);
  });

  it('prefers the measure of the application to that of the CPU', () => {
    expect(reportedWeight({ ...load(0.5), applicationUtilization: 0.8 }, 1)).toBe(125);
  });

  it('counts errors as utilization, by the penalty', () => {
    expect(reportedWeight(load(0.5, 100, 50), 1)).toBe(100);
    expect(reportedWeight(load(0.5, 100, 50), 3)).toBe(50);
    expect(reportedWeight(load(0.5, 100, 50), 0)).toBe(200);
  });

  it('is unknown without utilization or rate', () => {
    expect(reportedWeight(load(0), 1)).toBe(0);
    expect(reportedWeight(load(0.5, 0), 1)).toBe(0);
  });
});

describe('LoadReportWeights', () => {
  it('gives an endpoint with twice the room twice the weight', () => {
    const weights = reporting(
      [
        [a, load(0.8)],
        [b, load(0.4)],
      ],
      0,
      10_000,
    );
    const [first = 0, second = 0] = weights.factors([a, b], 10_000);
    expect(second / first).toBeCloseTo(2);
  });

  it('waits through the blackout, so that a cold endpoint is not judged by its first idle moments', () => {
    const weights = reporting(
      [
        [a, load(0.8)],
        [b, load(0.4)],
      ],
      0,
      9_000,
    );
    expect([...weights.factors([a, b], 9_999)]).toEqual([1, 1]);
    expect([...weights.factors([a, b], 10_000)]).not.toEqual([1, 1]);
  });

  it('counts whoever does not report as the median of those who do', () => {
    const silent = { name: 'silent' };
    const weights = reporting(
      [
        [a, load(0.8)],
        [b, load(0.4)],
        [c, load(0.2)],
      ],
      0,
      10_000,
    );
    expect([...weights.factors([a, b, c, silent], 10_000)]).toEqual([0.5, 1, 2, 1]);
  });

  it('forgets after the expiry, and then begins with a new blackout', () => {
    const weights = reporting(
      [
        [a, load(0.8)],
        [b, load(0.4)],
      ],
      0,
      10_000,
    );
    expect([...weights.factors([a, b], 189_999)]).not.toEqual([1, 1]);
    expect([...weights.factors([a, b], 190_000)]).toEqual([1, 1]);
    for (const target of [a, b]) weights.report(target, load(0.5), 200_000);
    weights.report(a, load(0.9), 200_001);
    expect([...weights.factors([a, b], 209_999)]).toEqual([1, 1]);
    expect([...weights.factors([a, b], 210_000)]).not.toEqual([1, 1]);
  });

  it('changes nothing by the word of one endpoint alone', () => {
    const weights = reporting([[a, load(0.01)]], 0, 10_000);
    expect([...weights.factors([a, b], 10_000)]).toEqual([1, 1]);
  });

  it('lets no endpoint take or shed more than a tenfold share', () => {
    const weights = reporting(
      [
        [a, load(1e-9)],
        [b, load(0.5)],
        [c, load(1e9)],
      ],
      0,
      10_000,
    );
    expect([...weights.factors([a, b, c], 10_000)]).toEqual([10, 1, 0.1]);
  });

  it('passes over a report that says nothing and keeps the one before', () => {
    const weights = reporting(
      [
        [a, load(0.8)],
        [b, load(0.4)],
      ],
      0,
      10_000,
    );
    const before = [...weights.factors([a, b], 10_000)];
    weights.report(a, load(0, 0), 10_000);
    expect([...weights.factors([a, b], 10_000)]).toEqual(before);
  });
});
