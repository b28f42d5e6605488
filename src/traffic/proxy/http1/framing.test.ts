// Where one request ends and the next begins, on the wire: whatever two parsers could read differently is refused.
// Each case is a clause; the unit tests of the codec hold the rarer spellings.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fieldValues, readResponses } from '../testing/strict-reader.ts';
import { askedFor, statuses, WireLab } from '../testing/wire-lab.ts';

let lab: WireLab;
beforeAll(async () => {
  lab = await WireLab.start();
});
beforeEach(() => lab.reset());
afterAll(() => lab.close());

const post = (lines: string, body = ''): string => `POST /first HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked', body);
/** A request that an attacker would hide; whatever is refused in front of it must not let it through. */
const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a request is refused, not repaired: nothing of it reaches a backend, and the connection closes', () => {
  it.each([
    [
      'Content-Length and Transfer-Encoding together',
      post('Content-Length: 6\r\nTransfer-Encoding: chunked', '0\r\n\r\nG'),
      400,
    ],
    [
      'Transfer-Encoding and Content-Length together',
      post('Transfer-Encoding: chunked\r\nContent-Length: 6', '0\r\n\r\nG'),
      400,
    ],
    ['several different Content-Length', post('Content-Length: 0\r\nContent-Length: 5', 'hello'), 400],
    ['several equal Content-Length', post('Content-Length: 5\r\nContent-Length: 5', 'hello'), 400],
    ['a list as Content-Length', post('Content-Length: 5, 5', 'hello'), 400],
    ['several Transfer-Encoding', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', '0\r\n\r\n'), 400],
    ['an empty Content-Length', post('Content-Length:', 'hello'), 400],
    ['a signed Content-Length', post('Content-Length: +5', 'hello'), 400],
    ['a negative Content-Length', post('Content-Length: -5', 'hello'), 400],
    ['a 0x Content-Length', post('Content-Length: 0x5', 'hello'), 400],
    ['an underscore in Content-Length', post('Content-Length: 1_0', 'hello'), 400],
    ['a Content-Length that overflows', post('Content-Length: 18446744073709551621', 'hello'), 400],
    ['a Transfer-Encoding of ",chunked"', post('Transfer-Encoding: ,chunked', '0\r\n\r\n'), 501],
    ['an empty Transfer-Encoding', post('Transfer-Encoding:', '0\r\n\r\n'), 501],
    ['an unknown coding', post('Transfer-Encoding: xchunked', '0\r\n\r\n'), 501],
    ['a coding before chunked', post('Transfer-Encoding: gzip, chunked', '0\r\n\r\n'), 501],
    ['chunked that is not last', post('Transfer-Encoding: chunked, identity', '0\r\n\r\n'), 501],
    ['a quoted coding', post('Transfer-Encoding: "chunked"', '0\r\n\r\n'), 501],
    ['a parameter on chunked', post('Transfer-Encoding: chunked;q=1', '0\r\n\r\n'), 501],
    [
      'Transfer-Encoding from HTTP/1.0',
      'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a vertical tab before chunked', post('Transfer-Encoding: \x0bchunked', '0\r\n\r\n'), 400],
    ['a bare LF as line end', 'POST / HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\nhello', 400],
    ['a bare LF as the end of the head', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\n\nhello', 400],
    ['a bare CR as line end', post('X: y\rContent-Length: 5', 'hello'), 400],
    ['CR CR LF as line end', post('X: y\r\r\nContent-Length: 5', 'hello'), 400],
    ['a NUL in a name', post('X\0Y: z'), 400],
    ['a NUL in a value', post('X: y\0z'), 400],
    ['a space before the colon', post('Content-Length : 5', 'hello'), 400],
    ['a tab before the colon', post('Transfer-Encoding\t: chunked', '0\r\n\r\n'), 400],
    ['obs-fold with a space', post('X: y\r\n Content-Length: 5', 'hello'), 400],
    ['obs-fold with a tab', post('X:\r\n\tTransfer-Encoding: chunked', '0\r\n\r\n'), 400],
    ['a line without a colon', post('Content-Length 5', 'hello'), 400],
    ['an empty header name', post(': 5', 'hello'), 400],
    ['white space before the first header', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 400],
    ['white space before the request line', ' GET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['two empty lines before the request line', '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a bare LF before the request line', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ])('%s', async (_clause, text, status) => {
    expect(statuses(await lab.untilClosed(text + hidden))).toEqual([status]);
    expect(lab.bytes).toBe('');
    expect(await lab.nextClientIsIntact()).toBe(true);
  });
});

describe('a chunk is refused, not repaired, and the connection closes', () => {
  it.each([
    ['an empty chunk size', '\r\nhello\r\n0\r\n\r\n'],
    ['a signed chunk size', '+5\r\nhello\r\n0\r\n\r\n'],
    ['a 0x chunk size', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['an underscore in a chunk size', '0_5\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size of which only a prefix is a number', '5g\r\nhello\r\n0\r\n\r\n'],
    ['a space behind a chunk size', '5 \r\nhello\r\n0\r\n\r\n'],
    ['a space before a chunk size', ' 5\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size that overflows 64 bits', '10000000000000005\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size that overflows 32 bits to a small one', '100000000000005\r\nhello\r\n0\r\n\r\n'],
    ['a chunk size of zeros without end', `${'0'.repeat(100)}5\r\nhello\r\n0\r\n\r\n`],
    ['a bare LF behind a chunk size', '5\nhello\r\n0\r\n\r\n'],
    ['a bare CR behind a chunk size', '5\rhello\r\n0\r\n\r\n'],
    ['a CR in a chunk extension', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
    ['a LF in a chunk extension', '5;a\nb\r\nhello\r\n0\r\n\r\n'],
    ['obs-text in a chunk extension', '5;a\xf3\r\nhello\r\n0\r\n\r\n'],
    ['an empty chunk extension', '5;\r\nhello\r\n0\r\n\r\n'],
    ['two semicolons before a chunk extension', '5;;a\r\nhello\r\n0\r\n\r\n'],
    ['a space before a chunk extension', '5; a\r\nhello\r\n0\r\n\r\n'],
    ['a chunk extension without a value behind =', '5;a=\r\nhello\r\n0\r\n\r\n'],
    ['a chunk extension whose quotes do not close', '5;a="b\r\nhello\r\n0\r\n\r\n'],
    ['text behind the quotes of a chunk extension', '5;a="b"c\r\nhello\r\n0\r\n\r\n'],
    ['a NUL in a chunk extension', '5;a\0b\r\nhello\r\n0\r\n\r\n'],
    ['chunk extensions without end', `5;${'a'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`],
    ['a chunk that is longer than its size', '3\r\nhello\r\n0\r\n\r\n'],
    ['a bare LF behind chunk data', '5\r\nhello\n0\r\n\r\n'],
    ['a bare LF at the end of the body', '5\r\nhello\r\n0\r\n\n'],
    ['a trailer without colon', '0\r\nnothing\r\n\r\n'],
    ['a space before the colon of a trailer', '0\r\nX : y\r\n\r\n'],
    ['a folded trailer', '0\r\nX: y\r\n z\r\n\r\n'],
    ['a NUL in a trailer', '0\r\nX: \0\r\n\r\n'],
    ['trailers without end', `0\r\nX: ${'y'.repeat(20_000)}\r\n`],
    ['a hundred and one trailers', `0\r\n${'X: y\r\n'.repeat(101)}\r\n`],
    ['trailers without end that would not pass anyway', `0\r\n${'Host: b\r\n'.repeat(101)}\r\n`],
  ])('%s', async (_clause, body) => {
    expect(statuses(await lab.untilClosed(chunked(body) + hidden))).toEqual([400]);
    expect(lab.requests).toEqual([]);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it('also where the backend has seen the start of the body: its connection is closed as well', async () => {
    const client = lab.client().send(chunked('3\r\nabc\r\n'));
    await expect.poll(() => lab.bytes).toContain('abc');
    const got = await client.send(`zz\r\n${hidden}`).untilClosed();
    expect(statuses(got)).toEqual([400]);
    expect(await lab.nextClientIsIntact()).toBe(true);
    expect(lab.closed).toBe(1);
    expect(lab.requests.map(askedFor)).not.toContain('GET /hidden');
  });
});

describe('every message is framed anew', () => {
  it('never relays how a client cut its chunks, nor their extensions', async () => {
    await lab.talk(chunked('1;ext="a;\\"b"\r\nh\r\n004;x;y=z\r\nello\r\n00\r\n\r\n'));
    expect(lab.requests.map(({ body }) => body)).toEqual(['hello']);
    expect(lab.bytes).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/);
  });

  it('writes one Content-Length, in its plainest form, however the header was spelt', async () => {
    await lab.talk(post('cOnTeNt-LeNgTh: \t 0005 \t', 'hello'));
    expect(lab.bytes.match(/^content-length.*$/gim)).toEqual(['Content-Length: 5']);
    expect(lab.requests.map(({ body }) => body)).toEqual(['hello']);
  });

  it.each(['CHUNKED', 'chunked \t', ' Chunked'])('writes one Transfer-Encoding for %j', async (coding) => {
    await lab.talk(post(`Transfer-Encoding:${coding}`, '5\r\nhello\r\n0\r\n\r\n'));
    expect(lab.bytes.match(/^transfer-encoding.*$/gim)).toEqual(['Transfer-Encoding: chunked']);
  });

  it.each(['Transfer_Encoding: chunked', 'Content_Length: 50', 'transfer_encoding: x'])(
    'does not relay %j, which some backends read with a dash',
    async (line) => {
      await lab.talk(post(`Content-Length: 5\r\n${line}`, 'hello'));
      expect(lab.requests.map(({ body }) => body)).toEqual(['hello']);
      expect(lab.bytes).not.toMatch(/_/);
    },
  );

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])('keeps the body of %s together with its length', async (method) => {
    await lab.talk(`${method} /body HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`);
    expect(lab.requests.map(({ start, body }) => [start, body])).toEqual([[`${method} /body HTTP/1.1`, hidden]]);
  });

  it('announces the absent body of a POST, and not that of a GET', async () => {
    await lab.talk(`POST /p HTTP/1.1\r\nHost: a\r\n\r\n${hidden}`);
    expect(lab.requests.map((request) => [askedFor(request), fieldValues(request, 'content-length')])).toEqual([
      ['POST /p', ['0']],
      ['GET /hidden', []],
    ]);
  });

  it('tolerates one empty line before a request, as RFC 9112 asks', async () => {
    expect(statuses(await lab.talk(`\r\n${hidden}\r\n${hidden}`))).toEqual([200, 200]);
  });
});

describe('pipelining', () => {
  it('answers in order, and each request reaches the backend as itself', async () => {
    const got = await lab.talk(
      `${['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join('')}${chunked('5\r\nhello\r\n0\r\n\r\n')}${hidden}`,
    );
    const asked = ['GET /1', 'GET /2', 'GET /3', 'POST /first', 'GET /hidden'];
    expect(readResponses(got, asked, true).messages.map(({ body }) => body)).toEqual(asked);
    expect(lab.requests.map(askedFor)).toEqual(asked);
  });

  it('answers the good requests before a bad one, refuses that, and reads no further', async () => {
    const got = await lab.untilClosed(`${hidden}${hidden}GET /bad HTTP/1.1\r\nHost : a\r\n\r\n${hidden}`);
    expect(statuses(got)).toEqual([200, 200, 400]);
    expect(lab.requests.map(askedFor)).toEqual(['GET /hidden', 'GET /hidden']);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it('stops at a request with Connection: close', async () => {
    const got = await lab.untilClosed(`GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n${hidden}`);
    expect(statuses(got)).toEqual([200]);
    expect(lab.requests.map(askedFor)).toEqual(['GET /last']);
  });

  it('stops at a request of HTTP/1.0 without keep-alive', async () => {
    expect(statuses(await lab.untilClosed(`GET /last HTTP/1.0\r\n\r\n${hidden}`))).toEqual([200]);
    expect(lab.requests.map(askedFor)).toEqual(['GET /last']);
  });

  it('lets go of a request whose body was cut off by the end of the client', async () => {
    const got = await lab.talk(`GET /whole HTTP/1.1\r\nHost: a\r\n\r\n${post('Content-Length: 50', 'part')}`);
    expect(statuses(got)).toEqual([200]);
    expect(lab.requests.map(askedFor)).toEqual(['GET /whole']);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });
});
