// From the flags of `load` to what is sent: profiles, traces, and what is refused with which words.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { tempDir } from '#test/support/temp-dir.ts';
import type { Failure } from '../failure.ts';
import { type Asked, highestRate, planOf } from './plan.ts';

const place = tempDir('load-plan');
afterAll(() => place.remove());

function file(name: string, text: string): string {
  const path = join(place.path, name);
  writeFileSync(path, text);
  return path;
}

const line = (ms: number, more: object): string =>
  JSON.stringify({ time: new Date(1_800_000_000_000 + ms).toISOString(), method: 'GET', path: '/', ...more });

test('a spike rises to ten times its rate unless another peak is asked for', () => {
  expect(highestRate(planOf({ profile: 'spike', rate: 20 }).schedule)).toBe(200);
  expect(highestRate(planOf({ profile: 'spike', rate: 20, peak: 50 }).schedule)).toBe(50);
});

test('an access log is replayed in the order in which requests began, without those that had a body', () => {
  const log = [
    line(900, { path: '/late', host: 'a.test', durationMs: 100 }),
    line(1000, { path: '/slow?x=1', host: 'b.test', durationMs: 900 }),
    line(1100, { method: 'POST', path: '/order' }),
    '',
  ];
  const { schedule, requests } = planOf({ profile: 'replay', rate: 1, trace: file('log', log.join('\n')), speed: 2 });
  expect(requests).toEqual([
    { method: 'GET', path: '/slow?x=1', host: 'b.test' },
    { method: 'GET', path: '/late', host: 'a.test' },
  ]);
  expect([0, 1].map(schedule.startOf)).toEqual([0, 350]);
});

test('rates over time are replayed, at twice the speed with twice the rate', () => {
  const trace = file('rates.csv', 'seconds,rate\n# an hour\n10,0\n20,100\n\n30,100\n');
  const { schedule, requests } = planOf({ profile: 'replay', rate: 1, trace, speed: 2 });
  expect(requests).toBeUndefined();
  expect(schedule).toMatchObject({ total: 1500, durationMs: 10_000 });
  expect(highestRate(schedule)).toBe(200);
});

test.each<[what: string, asked: Partial<Asked>, words: RegExp]>([
  [
    'peak of a constant load',
    { peak: 5 },
    /^--peak means nothing to the profile "constant"\. .*spike or ramp or wave$/,
  ],
  [
    'period of a ramp',
    { profile: 'ramp', periodMs: 5 },
    /^--period means nothing to .*Leave it out, or give --profile wave$/,
  ],
  ['trace of a spike', { profile: 'spike', trace: 'x' }, /^--trace means nothing to the profile "spike"/],
  ['duration of a replay', { profile: 'replay', durationMs: 1 }, /^--duration means nothing to the profile "replay"/],
  ['peak below the rate', { profile: 'spike', peak: 5 }, /^--peak 5 is below --rate 10\. Give --rate what/],
  ['replay of nothing', { profile: 'replay' }, /has nothing to replay\. Give --trace /],
  [
    'a file that is not there',
    { profile: 'replay', trace: '/nowhere' },
    /^Cannot read "\/nowhere": .*Give --trace a file/,
  ],
])('%s is refused', (_, asked, words) => {
  expect(refusalOf({ profile: 'constant', rate: 10, ...asked })).toMatch(words);
});

test.each([
  ['empty', '\n \n', /is empty\. Give an access log/],
  ['broken', `${line(0, {})}\n{"time":`, /^Line 2 of ".*" is no JSON/],
  ['timeless', '{"method":"GET","path":"/"}', /^Line 1 of ".*" has no time/],
  ['pathless', line(0, { path: 5 }), /^Line 1 of ".*" has no method or no path/],
  ['posts', line(0, { method: 'POST' }), /has no request that can be sent again \(GET, HEAD, OPTIONS\)/],
  ['backwards', '0,1\n5,1\n4,1', /^Line 3 of ".*" is earlier than the one before/],
  ['wordy', '0,1\nfive,1', /^Line 2 of ".*" is not "seconds,requests per second"/],
  ['huge', '0,1\n5,30000', /asks for 30000 requests a second; 20000 are the most/],
  ['single', '0,5', /has fewer than two moments/],
])('a trace that is %s is refused by line', (name, text, words) => {
  expect(refusalOf({ profile: 'replay', rate: 1, trace: file(name, text) })).toMatch(words);
});

function refusalOf(asked: Asked): string {
  try {
    planOf(asked);
    return 'taken';
  } catch (error) {
    const { message, remedy } = error as Failure;
    return `${message}. ${remedy}`;
  }
}
