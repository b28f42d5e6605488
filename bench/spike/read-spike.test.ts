// How a spike is read: seconds count from the start of the peak, which is at 22 % of the time.
import { expect, test } from 'vitest';
import type { LoadReport } from '../../src/app/load/report.ts';
import { readSpike } from './read-spike.ts';

const report = (p99: (second: number) => number): LoadReport =>
  ({
    durationSeconds: 100,
    requests: 100,
    ok: 99,
    timeline: Array.from({ length: 100 }, (_, at) => ({ at, p99: p99(at) })),
  }) as unknown as LoadReport;

test.each([
  ['nobody waits', () => 10, 0],
  ['the first seconds of the peak are slow', (at: number) => (at >= 22 && at < 30 ? 900 : 10), 8],
  ['what is slow before and after the peak does not count', (at: number) => (at < 22 || at >= 65 ? 900 : 10), 0],
  ['it never gets well', (at: number) => (at >= 40 ? 900 : 10), undefined],
])('%s', (_, p99, seconds) => {
  expect(readSpike(report(p99), [], 250)).toMatchObject({ slowSeconds: seconds, failed: 1 });
});

test('replicas are told as they change', () => {
  const points = [
    { at: -3, wanted: 2, ready: 2 },
    { at: 23.4, wanted: 4, ready: 2 },
    { at: 25.1, wanted: 4, ready: 4 },
  ];
  expect(
    readSpike(
      report(() => 1),
      points,
      250,
    ).replicas,
  ).toBe('0: 2, 25: 4');
});

test('decision and pods count from the start of the rise, not from the calm before it', () => {
  const points = [
    { at: 0, wanted: 2, ready: 1 },
    { at: 3, wanted: 2, ready: 2 },
    { at: 21.5, wanted: 4, ready: 2 },
    { at: 23, wanted: 4, ready: 4 },
  ];
  expect(
    readSpike(
      report(() => 1),
      points,
      250,
    ),
  ).toMatchObject({ decidedAfter: 1.5, readyAfter: 3 });
  expect(
    readSpike(
      report(() => 1),
      points.slice(0, 2),
      250,
    ),
  ).toMatchObject({
    decidedAfter: undefined,
    readyAfter: undefined,
  });
});
