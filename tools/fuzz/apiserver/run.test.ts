// A short run of the fuzzer of the API server, the same each time; `npm run fuzz -- apiserver` goes further.
// And its laws can be broken: each is shown an answer that breaks it.
import { describe, expect, it } from 'vitest';
import { wrongWith } from './rig.ts';
import { fuzzApiServer } from './run.ts';

describe('the API server', () => {
  it('keeps every law for a thousand requests by chance', { timeout: 120_000 }, async () => {
    const said: string[] = [];
    const note = (text: string): void => void said.push(text);
    const broken = await fuzzApiServer(20_261, { rounds: 1 }, { log: note, error: note });
    expect(broken, said.join('\n')).toBe(0);
    // A run that is refused everything would show nothing.
    expect(said.at(-1)).toMatch(/[1-9]\d x 200.*\d x 201.*\d x 400.*\d x 404.*\d x 409.*\d x 422/);
  });
});

describe('a law', () => {
  const request = { method: 'GET', path: '/a', headers: {}, body: '' };
  const json = { type: 'application/json' };
  it.each([
    ['an internal error', { ...json, code: 500, body: '{}' }, undefined, /internal error/],
    ['silence', 'hangs', undefined, /is answered/],
    ['a cut connection', 'cut off', undefined, /cut off/],
    [
      'an error in the log',
      { ...json, code: 200, body: '{}' },
      'TypeError: x\n    at f (file.ts:1:2)',
      /at f \(file.ts:1:2\)/,
    ],
    ['text that is no JSON', { ...json, code: 200, body: '{' }, undefined, /what its type says/],
    ['a failure without a reason', { ...json, code: 404, body: '{"kind":"Status","code":404}' }, undefined, /says why/],
    [
      'another code than it says',
      { ...json, code: 404, body: '{"kind":"Status","code":400,"message":"a"}' },
      undefined,
      /says why/,
    ],
  ] as const)('is broken by %s', (_what, outcome, error, law) => {
    expect(wrongWith(request, outcome, error)?.law).toMatch(law);
  });

  it('is kept by a refusal that says why', () => {
    const body = '{"kind":"Status","code":404,"message":"a"}';
    expect(wrongWith(request, { ...json, code: 404, body }, undefined)).toBeUndefined();
  });
});
