// Thresholds, periods and delays of a probe, with a clock moved by hand.
import type { Probe } from 'kubernetes-types/core/v1.js';
import { expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { type ProbeKind, ProbeWorker } from './probe-worker.ts';
import { failure, type ProbeResult, success, unknown } from './result.ts';

const REFUSED = failure('refused', true);

/** Runs a probe for `seconds`; the script says what each attempt finds. Returns `<second> <what>` lines. */
async function follow(kind: ProbeKind, probe: Probe, script: ProbeResult[], seconds: number): Promise<string[]> {
  const clock = new FakeClock();
  const seen: string[] = [];
  const note = (what: string): void => void seen.push(`${clock.now() / 1000} ${what}`);
  const rest = [...script];
  const worker = new ProbeWorker({
    kind,
    probe,
    clock,
    startedAt: 0,
    attempt: async () => {
      note('asked');
      return rest.shift() ?? success();
    },
    onSettled: (healthy) => note(healthy ? 'healthy' : 'unhealthy'),
    onTrouble: () => note('trouble'),
  });
  worker.start();
  clock.advance(0);
  await new Promise((resolve) => setImmediate(resolve));
  for (let step = 0; step < seconds * 20; step++) {
    clock.advance(50);
    // The attempt is asynchronous: its consequences come before the clock moves on.
    await new Promise((resolve) => setImmediate(resolve));
  }
  worker.stop();
  return seen;
}

const bad = failure('bad');

test('readiness is asked at once and then every period, and counts failures in a row', async () => {
  const lines = await follow(
    'readiness',
    { periodSeconds: 2, failureThreshold: 2 },
    [success(), bad, success(), bad, bad, success()],
    11,
  );
  expect(lines).toEqual([
    '0 asked',
    '0 healthy',
    '2 asked',
    '2 trouble',
    '4 asked',
    '6 asked',
    '6 trouble',
    '8 asked',
    '8 trouble',
    '8 unhealthy',
    '10 asked',
    '10 healthy',
  ]);
});

test('a success threshold is counted too', async () => {
  const lines = await follow('readiness', { periodSeconds: 1, successThreshold: 3 }, [], 2);
  expect(lines.at(-1)).toBe('2 healthy');
});

test('the initial delay is kept', async () => {
  const lines = await follow('readiness', { periodSeconds: 1, initialDelaySeconds: 3 }, [], 4);
  expect(lines[0]).toBe('3 asked');
});

test('liveness is not asked before its first period is over', async () => {
  const lines = await follow('liveness', { periodSeconds: 2, failureThreshold: 1 }, [bad], 3);
  expect(lines).toEqual(['2 asked', '2 trouble', '2 unhealthy']);
});

test('an attempt that could not be made counts neither way', async () => {
  const lines = await follow('readiness', { periodSeconds: 1, failureThreshold: 2 }, [bad, unknown('x'), bad], 3);
  expect(lines.filter((line) => line.endsWith('unhealthy'))).toEqual(['2 unhealthy']);
});

test('a starting process that refuses connections is asked again soon, within its first period', async () => {
  const lines = await follow('startup', { periodSeconds: 10 }, [REFUSED, REFUSED, REFUSED], 1);
  expect(lines).toEqual(['0 asked', '0.1 asked', '0.3 asked', '0.7 asked', '0.7 healthy']);
});

test('after the first period a refusal counts', async () => {
  const lines = await follow('readiness', { periodSeconds: 1, failureThreshold: 2 }, Array(20).fill(REFUSED), 4);
  expect(lines.filter((line) => line.endsWith('trouble')).length).toBeGreaterThanOrEqual(2);
  expect(lines.filter((line) => line.endsWith('unhealthy'))).toHaveLength(1);
});
