// Laws of the codec: what it writes it reads again to the same meaning, and how bytes are cut changes nothing.
// A second reader, which shares no code with it, has to agree with whatever it accepts.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldValues, readRequests, readResponses } from '../testing/strict-reader.ts';
import { BodyDecoder } from './body-decoder.ts';
import { bodyOut, clientFacts, composeRequest, composeResponse } from './compose.ts';
import { HeadReader } from './head-reader.ts';
import { hostOf } from './host.ts';
import { defaultLimits } from './limits.ts';
import { OutBuffer } from './out-buffer.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';
import { parseResponseHead, ResponseHead } from './response-head.ts';
import { normalisePath } from './target.ts';

const pair = { source: { address: '192.0.2.7', port: 1234 }, destination: { address: '192.0.2.1', port: 8080 } };
const client = clientFacts(pair, 'http', { trusted: false, certificateLine: '' });

/** Heads that are nearly valid: each line is drawn from what the grammar allows and from what it nearly allows. */
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS', 'DELETE', 'CONNECT', 'BREW', 'get', 'G T', '');
const target = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^\/[A-Za-z0-9/.%;_~?=-]{0,30}$/) },
  fc.constantFrom(
    '*',
    'http://b.test/x',
    'http://b.test:81?q',
    'https://B.test.',
    'a',
    'http://u@b/',
    '/a b',
    '/a#b',
    '/\\',
  ),
);
const version = fc.oneof(
  { weight: 6, arbitrary: fc.constant('HTTP/1.1') },
  fc.constantFrom('HTTP/1.0', 'HTTP/1.2', 'HTTP/1.1 ', 'http/1.1', ''),
);
const value = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[!-~\xa0-\xff]?[ \t!-~\xa0-\xff]{0,20}$/) },
  fc.constantFrom('', 'a\0', 'a\rb', 'a\nb', 'a\x7f', ' \t a \t '),
);
const otherLine = fc.tuple(fc.stringMatching(/^[A-Za-z0-9_-]{1,12}$/), value).map(([name, text]) => `${name}:${text}`);
const knownLine = fc.constantFrom(
  'Host: a.test',
  'host: A.test.:80',
  'Host:',
  'Content-Length: 5',
  'Content-Length: 0',
  'content-length: 005',
  'Content-Length: +5',
  'Content-Length: 5, 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: CHUNKED',
  'Transfer-Encoding: gzip',
  'Transfer_Encoding: chunked',
  'Connection: close',
  'Connection: keep-alive, X-A',
  'Connection: upgrade',
  'Connection: content-length, host',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'TE: trailers',
  'TE: gzip',
  'Trailer: X-Sum',
  'Expect: 100-continue',
  'Expect: x',
  'Keep-Alive: timeout=5',
  'X-Forwarded-For: 9.9.9.9',
  'Forwarded: for=9.9.9.9',
  ' folded',
  'no colon',
  ': empty',
  'X : y',
);
const lines = fc.array(fc.oneof({ weight: 3, arbitrary: otherLine }, knownLine), { maxLength: 6 });
const ending = fc.oneof({ weight: 8, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '\r'));
const requestText = fc
  .tuple(method, target, version, fc.boolean(), lines, ending)
  .map(
    ([m, t, v, host, rest, end]) =>
      `${[`${m} ${t} ${v}`, ...(host ? ['Host: a.test'] : []), ...rest].join('\r\n')}${end}\r\n`,
  );

interface Read {
  readonly head: RequestHead;
  readonly status: number;
}

function read(text: string): Read {
  const head = new RequestHead();
  return { head, status: parseRequestHead(text, 0, text.length, head, defaultLimits)?.status ?? 200 };
}

/** What a head means, whatever its spelling. */
const meaning = (head: RequestHead): unknown[] => [
  head.method,
  head.target,
  head.host,
  head.contentLength,
  head.upgrade,
  head.expectContinue && head.contentLength !== 0,
  head.acceptsTrailers,
];

const bodyFor = (head: RequestHead): string =>
  head.contentLength < 0 ? '3\r\nabc\r\n0\r\n\r\n' : 'x'.repeat(head.contentLength);

describe('a request head that is accepted', () => {
  it('is written so that it reads again to the same meaning, and is then written the same', () => {
    let accepted = 0;
    fc.assert(
      fc.property(requestText, (text) => {
        const first = read(text);
        if (first.status !== 200) return;
        accepted++;
        const once = composeRequest(first.head, client, 'id');
        const again = read(once);
        expect(again.status).toBe(200);
        const host = first.head.authority === '' ? '192.0.2.1' : first.head.host;
        expect(meaning(again.head)).toEqual(meaning(first.head).map((part, i) => (i === 2 ? host : part)));
        expect(composeRequest(again.head, client, 'id')).toBe(once);
      }),
      { numRuns: 3000 },
    );
    // The law says something only if much of what is drawn is valid.
    expect(accepted).toBeGreaterThan(300);
  });

  it('is a request to the second reader too, as it came and as it goes on, with the same body', () => {
    fc.assert(
      fc.property(requestText, (text) => {
        const { head, status } = read(text);
        if (status !== 200) return;
        const body = bodyFor(head);
        const out = readRequests(composeRequest(head, client, 'id') + body);
        expect([out.error, out.rest, out.messages.length]).toEqual(['', '', 1]);
        // What HTTP/1.0 may leave out, the reader asks for.
        if (head.minor === 0 && !/^host:/im.test(text)) return;
        const came = readRequests(text + body);
        expect([came.error, came.rest]).toEqual(['', '']);
        expect(came.messages.map((message) => message.body)).toEqual(out.messages.map((message) => message.body));
      }),
      { numRuns: 3000 },
    );
  });

  it('never lets a client say what is the proxy’s to say', () => {
    fc.assert(
      fc.property(requestText, (text) => {
        const { head, status } = read(text);
        if (status !== 200) return;
        const [message] = readRequests(composeRequest(head, client, 'id') + bodyFor(head)).messages;
        for (const name of ['x-forwarded-for', 'host', 'x-request-id', 'x-forwarded-proto']) {
          expect(fieldValues(message as never, name)).toHaveLength(1);
        }
        expect(fieldValues(message as never, 'x-forwarded-for')).toEqual(['192.0.2.7']);
        expect(fieldValues(message as never, 'forwarded')).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a response head that is accepted', () => {
  const start = fc.constantFrom(
    'HTTP/1.1 200 OK',
    'HTTP/1.1 204 No Content',
    'HTTP/1.1 304 X',
    'HTTP/1.1 404',
    'HTTP/1.0 200 ',
    'HTTP/1.1 600 X',
    'HTTP/1.1 20 X',
  );
  const responseText = fc.tuple(start, lines).map(([first, rest]) => `${[first, ...rest].join('\r\n')}\r\n\r\n`);

  it('is written, for every kind of client, as what the second reader takes for one whole response', () => {
    let accepted = 0;
    fc.assert(
      fc.property(responseText, fc.constantFrom(0, 1), fc.boolean(), (text, minor, headRequest) => {
        const head = new ResponseHead();
        if (parseResponseHead(text, text.length, head, defaultLimits) !== undefined) return;
        accepted++;
        const how = bodyOut(head, minor, headRequest);
        const keep = minor === 1 && how !== 'until-close';
        const body = {
          none: '',
          raw: 'x'.repeat(Math.max(head.contentLength, 0)),
          chunked: '3\r\nabc\r\n0\r\n\r\n',
          'until-close': 'abc',
        }[how];
        const written = composeResponse(head, how, minor, keep) + body;
        const { messages, rest, error } = readResponses(written, [headRequest ? 'HEAD' : 'GET'], how === 'until-close');
        expect([error, rest, messages.length]).toEqual(['', '', 1]);
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(300);
  });
});

describe('where bytes are cut', () => {
  it('changes neither whether a head is accepted nor what it says', () => {
    fc.assert(
      fc.property(requestText, fc.array(fc.nat(300), { maxLength: 6 }), (text, cuts) => {
        const wire = Buffer.from(`${text}GET /behind HTTP/1.1\r\n`, 'latin1');
        const inPieces = readPieces(
          wire,
          [...new Set(cuts.map((at) => at % wire.length))].sort((a, b) => a - b),
        );
        const whole = readPieces(wire, []);
        expect(inPieces).toEqual(whole);
      }),
      { numRuns: 2000 },
    );
  });

  /** What comes of `wire`, cut at `cuts`: the head's meaning and where its body begins, or that it is refused. */
  function readPieces(wire: Buffer, cuts: readonly number[]): unknown {
    const reader = new HeadReader();
    const head = new RequestHead();
    let from = 0;
    for (const to of [...cuts, wire.length]) {
      const piece = wire.subarray(from, to);
      const at = piece.length === 0 ? -1 : reader.read(piece, 0, piece.length, defaultLimits);
      if (reader.refusal !== undefined) return 'refused';
      if (at >= 0) {
        const refusal = parseRequestHead(reader.text, reader.start, reader.end, head, defaultLimits);
        return refusal === undefined ? [...meaning(head), from + at] : 'refused';
      }
      from = to;
    }
    return 'waits';
  }

  it('changes nothing of a body that is framed anew', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 }),
        fc.nat(50),
        (parts, step) => {
          const out = new OutBuffer();
          for (const part of parts) out.addBytes(Buffer.from(part), 0, part.length, true, true);
          out.text += '0\r\nX-T: 1\r\n\r\n';
          const written: (string | Buffer)[] = [];
          out.take(written);
          const wire = Buffer.concat(
            written.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
          );
          const decoder = new BodyDecoder();
          decoder.begin('chunked', 0);
          const payload: Buffer[] = [];
          for (let from = 0; from < wire.length; from += step + 1) {
            const piece = wire.subarray(from, from + step + 1);
            for (let pos = 0; pos < piece.length && !decoder.done; ) {
              pos = decoder.next(piece, pos, piece.length);
              payload.push(Buffer.from(piece.subarray(decoder.dataStart, decoder.dataEnd)));
            }
          }
          expect([decoder.done, decoder.failed, decoder.trailers]).toEqual([true, '', 'X-T: 1\r\n']);
          expect(Buffer.concat(payload)).toEqual(Buffer.concat(parts));
        },
      ),
    );
  });
});

describe('a normal form', () => {
  it('of a path is its own normal form, and hides no dot segment from who decodes once more', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\/(\.|\/|%2[eEfF]|%5[cC]|;|a|%61|%25){0,12}$/), (path) => {
        const once = normalisePath(path);
        if (typeof once !== 'string') return;
        expect(normalisePath(once)).toBe(once);
        const decoded = once
          .replace(/%2f/gi, '/')
          .replace(/%5c/gi, '/')
          .replace(/;[^/]*/g, '');
        expect(decoded.split('/').filter((segment) => segment === '.' || segment === '..')).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  it('of a host is its own normal form', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[[\]aA.:0-9_@%-]{0,12}$/), (authority) => {
        const host = hostOf(authority);
        if (host !== undefined) expect(hostOf(host)).toBe(host);
      }),
      { numRuns: 3000 },
    );
  });
});
