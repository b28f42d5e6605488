// Every way of framing a request that two parsers could read differently: each is refused, none is repaired.
import { describe, expect, it } from 'vitest';
import { defaultLimits } from './limits.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';
import { parseResponseHead, ResponseHead } from './response-head.ts';

function statusOf(text: string): number {
  return parseRequestHead(text, 0, text.length, new RequestHead(), defaultLimits)?.status ?? 200;
}

function request(lines: readonly string[], start = 'POST / HTTP/1.1'): string {
  return `${[start, 'Host: a', ...lines].join('\r\n')}\r\n\r\n`;
}

describe('parseRequestHead() refuses', () => {
  it.each([
    ['Content-Length with Transfer-Encoding', ['Content-Length: 3', 'Transfer-Encoding: chunked'], 400],
    ['Transfer-Encoding with Content-Length', ['Transfer-Encoding: chunked', 'Content-Length: 3'], 400],
    ['two equal Content-Length', ['Content-Length: 3', 'Content-Length: 3'], 400],
    ['two different Content-Length', ['Content-Length: 3', 'Content-Length: 4'], 400],
    ['a list as Content-Length', ['Content-Length: 3, 3'], 400],
    ['an empty Content-Length', ['Content-Length:'], 400],
    ['a blank Content-Length', ['Content-Length:   '], 400],
    ['a positive sign', ['Content-Length: +3'], 400],
    ['a negative sign', ['Content-Length: -3'], 400],
    ['a hexadecimal Content-Length', ['Content-Length: 0x3'], 400],
    ['an underscore in Content-Length', ['Content-Length: 1_0'], 400],
    ['a space in Content-Length', ['Content-Length: 1 0'], 400],
    ['an overflowing Content-Length', ['Content-Length: 99999999999999999999'], 400],
    ['a decimal Content-Length', ['Content-Length: 3.0'], 400],
    ['two Transfer-Encoding', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 400],
    ['an unknown coding', ['Transfer-Encoding: xchunked'], 501],
    ['a leading comma', ['Transfer-Encoding: ,chunked'], 501],
    ['chunked not last', ['Transfer-Encoding: chunked, identity'], 501],
    ['another coding before chunked', ['Transfer-Encoding: gzip, chunked'], 501],
    ['identity', ['Transfer-Encoding: identity'], 501],
    ['an empty Transfer-Encoding', ['Transfer-Encoding:'], 501],
    ['a vertical tab before chunked', ['Transfer-Encoding:\x0bchunked'], 400],
    ['space before the colon', ['Content-Length : 3'], 400],
    ['tab before the colon', ['Transfer-Encoding\t: chunked'], 400],
    ['a folded line', ['X-A: b', ' Content-Length: 3'], 400],
    ['a line folded with a tab', ['X-A: b', '\tfolded'], 400],
    ['a line without a colon', ['Content-Length'], 400],
    ['an empty header name', [': 3'], 400],
    ['a NUL in a name', ['X\0A: b'], 400],
    ['a NUL in a value', ['X-A: b\0c'], 400],
    ['a bare CR in a value', ['X-A: b\rContent-Length: 3'], 400],
    ['a bare LF in a value', ['X-A: b\nContent-Length: 3'], 400],
    ['a DEL in a value', ['X-A: b\x7f'], 400],
    ['a parenthesis in a name', ['X(A: b'], 400],
    ['obs-text in a name', ['X\xe9: b'], 400],
    ['a second Host', ['Host: b'], 400],
    ['a second equal Host', ['host: a'], 400],
    ['an unknown expectation', ['Expect: 200-ok'], 417],
  ])('%s', (_name, lines, status) => {
    expect(statusOf(request(lines))).toBe(status);
  });

  it.each([
    ['no Host at 1.1', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n', 400],
    ['a Host with user info', 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n', 400],
    ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['a Host list', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
    ['a Host with a bad port', 'GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n', 400],
    ['a Host with a word as port', 'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n', 400],
    ['white space before the first header', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n', 400],
    ['a bare LF after the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n', 400],
    ['an empty method', ' / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a method with a colon', 'GE:T / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a method that never ends', `${'A'.repeat(40)} / HTTP/1.1\r\nHost: a\r\n\r\n`, 501],
    ['a tab as separator', 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['two spaces', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a space in the target', 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a fragment', 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['raw bytes in the target', 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a target without slash', 'GET a HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['an asterisk for GET', 'GET * HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a foreign scheme', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['user info in an absolute target', 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 501],
    ['no version', 'GET /\r\nHost: a\r\n\r\n', 400],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
    ['HTTP/1.2', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
    ['HTTP/0.9', 'GET / HTTP/0.9\r\nHost: a\r\n\r\n', 505],
    ['a lower-case version', 'GET / http/1.1\r\nHost: a\r\n\r\n', 400],
    ['a version with many digits', 'GET / HTTP/1.10\r\nHost: a\r\n\r\n', 400],
    ['space behind the version', 'GET / HTTP/1.1 \r\nHost: a\r\n\r\n', 400],
    ['Transfer-Encoding at 1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['an escaped NUL', 'GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a broken escape', 'GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a cut escape', 'GET /a%2 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a backslash', 'GET /a\\..\\b HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a long request line', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
    ['many headers', `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(200)}\r\n`, 431],
  ])('%s', (_name, text, status) => {
    expect(statusOf(text)).toBe(status);
  });
});

describe('parseResponseHead() refuses', () => {
  it.each([
    [
      'Content-Length with Transfer-Encoding',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    ],
    ['two Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'],
    ['a signed Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'],
    ['chunks at 1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\n\r\n'],
    ['space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\n'],
    ['a bare LF', 'HTTP/1.1 200 OK\nX: y\r\n\r\n'],
    ['a bare CR', 'HTTP/1.1 200 OK\r\nX: y\rZ: a\r\n\r\n'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['a short status', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a long status', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status beyond 599', 'HTTP/1.1 600 X\r\n\r\n'],
    ['a NUL in a value', 'HTTP/1.1 200 OK\r\nX: \0\r\n\r\n'],
  ])('%s', (_name, text) => {
    expect(parseResponseHead(text, text.length, new ResponseHead(), defaultLimits)).toBeTypeOf('string');
  });
});
