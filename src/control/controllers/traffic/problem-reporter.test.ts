// Problems as events: told once, renewed while they last, and no more when they are solved.
import { expect, it } from 'vitest';
import type { EventRecorder } from '#kube/client/events.ts';
import { FakeClock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Problem } from '#traffic/model/problem.ts';
import { createProblemReporter } from './problem-reporter.ts';

const HALF_AN_HOUR = 30 * 60_000;
const problem = (name: string): Problem =>
  ({ kind: 'Ingress', key: `a/${name}`, reason: 'Bad', field: '', message: `${name} is bad` }) as unknown as Problem;

it('an event is written again before it expires, as long as its problem lasts', async () => {
  const told: string[] = [];
  let lines = 0;
  const event: EventRecorder['event'] = (_object, _type, _reason, message) => void told.push(message);
  const events: EventRecorder = { event, as: () => events, flush: async () => {} };
  const log = { warn: () => (lines += 1) } as unknown as Logger;
  const clock = new FakeClock();
  const reporter = createProblemReporter((_kind, key) => ({ metadata: { name: key } }), events, log, clock);
  reporter.report([problem('one'), problem('two')]);
  reporter.report([problem('one'), problem('two')]);
  expect(told).toEqual(['one is bad', 'two is bad']);
  await clock.advance(HALF_AN_HOUR);
  expect(told.slice(2)).toEqual(['one is bad', 'two is bad']);
  reporter.report([problem('two')]);
  await clock.advance(HALF_AN_HOUR);
  expect(told.slice(4)).toEqual(['two is bad']);
  reporter.report([]);
  await clock.advance(2 * HALF_AN_HOUR);
  reporter.stop();
  expect([told.length, lines]).toEqual([5, 2]);
});
