// What is too much, with the status that says so; and that the client can read it, however much it goes on sending.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readResponses } from '../testing/strict-reader.ts';
import { statuses, WireLab } from '../testing/wire-lab.ts';

const limits = { requestLine: 200, head: 1000, headers: 10, body: 1000 };

let lab: WireLab;
beforeAll(async () => {
  lab = await WireLab.start({ limits });
});
beforeEach(() => lab.reset());
afterAll(() => lab.close());

const get = (path: string, lines = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
const post = (lines: string, body: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${body}`;
const chunk = (size: number): string => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;

const tooMuch: [what: string, text: string, status: number][] = [
  ['a request line beyond the limit', get(`/${'a'.repeat(limits.requestLine)}`), 414],
  ['a query beyond the limit', get(`/?${'a'.repeat(limits.requestLine)}`), 414],
  ['a request line that does not end', `GET /${'a'.repeat(5000)}`, 414],
  ['a head beyond the limit', get('/', `X: ${'y'.repeat(limits.head)}\r\n`), 431],
  ['a head that does not end', `GET / HTTP/1.1\r\nX: ${'y'.repeat(5000)}`, 431],
  ['one header too many', get('/', 'X: y\r\n'.repeat(limits.headers)), 431],
  ['a body announced beyond the limit', post(`Content-Length: ${limits.body + 1}`, ''), 413],
  ['a body of unheard-of length', post('Content-Length: 999999999999999', ''), 413],
  ['one chunk beyond the limit', post('Transfer-Encoding: chunked', chunk(limits.body + 1)), 413],
  ['chunks beyond the limit', post('Transfer-Encoding: chunked', chunk(limits.body) + chunk(1)), 413],
  ['a method that is too long', `${'M'.repeat(100)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 501],
  ['an unknown coding', post('Transfer-Encoding: br', ''), 501],
  ['a version that is not served', 'GET / HTTP/3.0\r\nHost: a\r\n\r\n', 505],
];

describe('too much is refused, said so, and closed:', () => {
  it.each(tooMuch)('%s', async (_what, text, status) => {
    const got = await lab.untilClosed(text);
    const { messages, rest, error } = readResponses(got, ['GET'], true);
    expect([messages.map(({ start }) => Number(start.slice(9, 12))), rest, error]).toEqual([[status], '', '']);
    expect(got).toMatch(/\r\nConnection: close\r\n/);
    expect(lab.requests).toEqual([]);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it.each(tooMuch)('%s, by a client that reads only once it has sent much more', async (_what, text, status) => {
    const client = lab.client();
    client.socket.pause();
    client.send(text);
    // More than the buffers of the system take: it is written only if somebody reads it.
    await new Promise<void>((resolve) => client.socket.write('x'.repeat(16 * 1024 * 1024), () => resolve()));
    client.socket.resume();
    const { messages, error } = readResponses(await client.untilClosed(), ['GET'], true);
    expect([messages.map(({ start }) => Number(start.slice(9, 12))), error]).toEqual([[status], '']);
  });
});

describe('a refusal', () => {
  it.each([
    ['a malformed path', 'HEAD /%zz HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['no Host', 'HEAD / HTTP/1.1\r\n\r\n', 400],
    ['a body that is too large', 'HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n', 413],
  ])('of HEAD has no body: %s', async (_what, text, status) => {
    const got = await lab.untilClosed(text);
    expect(statuses(got)).toEqual([status]);
    expect(got).toMatch(/\r\n\r\n$/);
  });

  it('behind a HEAD that was answered has one again', async () => {
    const good = 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n';
    const { messages, error } = readResponses(
      await lab.untilClosed(`${good}G:T / HTTP/1.1\r\n\r\n`),
      ['HEAD', 'GET'],
      true,
    );
    expect([error, messages.map(({ body }) => body === '')]).toEqual(['', [true, false]]);
  });
});

describe('what is just within the limits passes:', () => {
  const line = limits.requestLine - 'GET '.length;
  it.each([
    ['a request line', get(`/${'a'.repeat(line - 1)}`)],
    ['headers', get('/', 'X: y\r\n'.repeat(limits.headers - 1))],
    ['a head', get('/', `X: ${'y'.repeat(limits.head - get('/', 'X: \r\n').length)}\r\n`)],
    ['a body of known length', post(`Content-Length: ${limits.body}`, 'x'.repeat(limits.body))],
    ['a body of chunks', post('Transfer-Encoding: chunked', `${chunk(limits.body / 2).repeat(2)}0\r\n\r\n`)],
  ])('%s', async (_what, text) => {
    expect(statuses(await lab.talk(text))).toEqual([200]);
  });
});
