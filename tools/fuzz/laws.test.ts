// The laws of the fuzzer can be broken: each is shown bytes that break it. And its second readings are right.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerArp, answerSolicitation } from '../../src/traffic/announce/l2/answer.ts';
import { normalisePath } from '../../src/traffic/proxy/http1/target.ts';
import { readRequests } from '../../src/traffic/proxy/testing/strict-reader.ts';
import { fuzzBgp, wrongIn } from './bgp.ts';
import { fuzzLayer2, request, solicitation, wrongAnswer } from './layer2.ts';
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

describe('the laws of an answer by layer 2', () => {
  const ours = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const held = Uint8Array.of(192, 0, 2, 200);
  const held6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 7);
  const asker6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
  const holdsAll = { hardware: ours, holds: () => true };
  const changed = (frame: Uint8Array | undefined, at: number, byte: number): Uint8Array => {
    const copy = Uint8Array.from(frame ?? []);
    copy[at] = byte;
    return copy;
  };
  const arp = answerArp(request(held), holdsAll);
  const question = solicitation(asker6, held6, [1, 1, 2, 0, 0, 0, 0, 2]);
  const advertisement = answerSolicitation(question, holdsAll);

  it('hold for what it does', () => {
    const random = new Random(11);
    for (let i = 0; i < 20_000; i++) expect(fuzzLayer2(random)).toBeUndefined();
    expect(arp && advertisement).toBeDefined();
    expect(wrongAnswer(request(held), arp)).toBeUndefined();
    expect(wrongAnswer(question, advertisement)).toBeUndefined();
  });

  it.each([
    ['an address that is not held', request(asker6.subarray(0, 4)), arp, /not held/],
    ['a foreign hardware address', request(held), changed(arp, 11, 9), /foreign/],
    ['another address in the reply', request(held), changed(arp, 31, 7), /is here/],
    ['a reply to somebody else', request(held), changed(arp, 5, 7), /did not ask/],
    ['a request in place of a reply', request(held), changed(arp, 21, 1), /no reply/],
    ['another protocol', request(held), advertisement, /another protocol/],
    ['a checksum that does not fit', question, changed(advertisement, 56, 1), /no good advertisement/],
  ] as const)('are broken by %s', (_what, frame, answer, words) => {
    expect(wrongAnswer(frame, answer)).toMatch(words);
  });
});
