// The laws of the fuzzer can be broken: each is shown bytes that break it. And its second readings are right.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalisePath } from '../../src/traffic/proxy/http1/target.ts';
import { readRequests } from '../../src/traffic/proxy/testing/strict-reader.ts';
import { fuzzBgp, wrongIn } from './bgp.ts';
import { mutated, segments } from './mutate.ts';
import { readAsNode } from './node-reader.ts';
import { Random } from './random.ts';
import { agreement, normal } from './requests.ts';

const forwarded = (text: string): ReturnType<typeof readRequests>['messages'] => readRequests(text).messages;
const post = (body: string): string => `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';

describe('agreement with Node.js', () => {
  it('holds where the same requests are seen, in fewer or as many', async () => {
    const node = await readAsNode(post('hello') + hidden);
    expect(node.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /a', 'GET /hidden']);
    expect(agreement(forwarded(post('hello') + hidden), node)).toBe('');
    expect(agreement(forwarded(post('hello')), node)).toBe('');
  });

  it.each([
    ['a request that was in a body', hidden, /Methods differ|forwarded that nobody sent/],
    ['one more than was sent', post(hidden) + hidden, /forwarded that nobody sent/],
    ['another body', post('x'.repeat(hidden.length)), /Bodies differ/],
    ['another path', post(hidden).replace('/a', '/b'), /Targets differ/],
  ])('breaks by %s', async (_what, text, law) => {
    expect(agreement(forwarded(text), await readAsNode(post(hidden)))).toMatch(law);
  });

  it('reads on behind a request that asks for an upgrade', async () => {
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';
    expect((await readAsNode(upgrade + hidden)).requests).toHaveLength(2);
  });

  it('says why bytes are no request', async () => {
    const both = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc';
    expect(await readAsNode(both)).toMatchObject({ requests: [], error: expect.stringMatching(/^HPE_/) });
  });
});

describe('the second way to a normal path', () => {
  it('comes to what the engine comes to', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\/(\.|\/|a|b|%2[eEfF]|%61|%25|;|~){0,12}$/), (path) => {
        const own = normalisePath(path);
        if (typeof own === 'string') expect(normal(path, 'GET')).toBe(own);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('mutations', () => {
  it('are the same for the same seed, and leave every byte in some segment', () => {
    const draw = (): string[] => {
      const random = new Random(7);
      return Array.from({ length: 50 }, () => mutated([post('hello'), hidden], random));
    };
    expect(draw()).toEqual(draw());
    const random = new Random(8);
    for (const text of draw()) expect(segments(text, random).join('')).toBe(text);
  });
});

describe('the laws of a BGP session', () => {
  const answer = { type: 'notification', code: 3, subcode: 1, data: Buffer.alloc(0) } as const;

  it('hold for what it does', () => {
    const random = new Random(9);
    for (let i = 0; i < 2000; i++) expect(fuzzBgp(random)).toBeUndefined();
    expect(wrongIn(false, undefined, [])).toBeUndefined();
    expect(wrongIn(true, answer, ['us: bad'])).toBeUndefined();
    expect(wrongIn(true, undefined, ['peer: bye'])).toBeUndefined();
  });

  it.each([
    ['an end without a word', true, undefined, ['us: bad'], /said nothing/],
    ['an answer to a NOTIFICATION', true, answer, ['peer: bye'], /answered/],
    ['two ends', true, answer, ['us: bad', 'us: worse'], /ended 2 times/],
    ['an end that nobody notices', true, answer, [], /ended 0 times/],
    ['going on after an error', false, answer, [], /goes on/],
    ['a code that bytes cannot cause', true, { ...answer, code: 6 }, ['us: bad'], /code 6/],
  ] as const)('are broken by %s', (_what, closed, said, ended, words) => {
    expect(wrongIn(closed, said, ended)).toMatch(words);
  });
});
