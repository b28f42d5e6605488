// Request lines and hosts on the wire: what is refused, and in which one form the rest reaches a backend.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fieldValues } from '../testing/strict-reader.ts';
import { askedFor, statuses, WireLab } from '../testing/wire-lab.ts';

let lab: WireLab;
beforeAll(async () => {
  lab = await WireLab.start();
});
beforeEach(() => lab.reset());
afterAll(() => lab.close());

const line = (start: string, host = 'Host: a\r\n'): string => `${start}\r\n${host}\r\n`;

async function refused(text: string, status: number): Promise<void> {
  expect(statuses(await lab.untilClosed(text))).toEqual([status]);
  expect(lab.bytes).toBe('');
}

/** What the backend is asked for, and its one Host. */
async function forwarded(text: string): Promise<[string, string[]]> {
  expect(statuses(await lab.talk(text))).toEqual([200]);
  const [request] = lab.requests;
  return request === undefined ? ['', []] : [askedFor(request), fieldValues(request, 'host')];
}

describe('an invalid method is refused', () => {
  it.each([
    ['an empty one', line(' / HTTP/1.1'), 400],
    ['with a colon', line('GE:T / HTTP/1.1'), 400],
    ['with a slash', line('GE/T / HTTP/1.1'), 400],
    ['with a NUL', line('GE\0T / HTTP/1.1'), 400],
    ['with obs-text', line('G\xcbT / HTTP/1.1'), 400],
    ['with a tab behind it', line('GET\t/ HTTP/1.1'), 400],
    ['with two spaces behind it', line('GET  / HTTP/1.1'), 400],
    ['of 33 letters', line(`${'M'.repeat(33)} / HTTP/1.1`), 501],
    ['CONNECT with an authority', line('CONNECT a:443 HTTP/1.1', 'Host: a:443\r\n'), 501],
    ['CONNECT with a path', line('CONNECT / HTTP/1.1'), 501],
    ['CONNECT with an absolute target', line('CONNECT http://a/ HTTP/1.1'), 501],
    ['CONNECT with an asterisk', line('CONNECT * HTTP/1.1'), 501],
    ['CONNECT in lower case', line('connect / HTTP/1.1'), 501],
  ])('%s', (_clause, text, status) => refused(text, status));
});

describe('an invalid version is refused', () => {
  it.each([
    ['none (HTTP/0.9)', line('GET /'), 400],
    ['0.9', line('GET / HTTP/0.9'), 505],
    ['1.2', line('GET / HTTP/1.2'), 505],
    ['2.0', line('GET / HTTP/2.0'), 505],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
    ['lower case', line('GET / http/1.1'), 400],
    ['two digits', line('GET / HTTP/1.10'), 400],
    ['a missing digit', line('GET / HTTP/1.'), 400],
    ['another protocol', line('GET / ICAP/1.0'), 400],
    ['a space behind it', line('GET / HTTP/1.1 '), 400],
    ['no space before it', line('GET /HTTP/1.1'), 400],
  ])('%s', (_clause, text, status) => refused(text, status));
});

describe('an invalid target is refused', () => {
  it.each([
    ['an empty one', line('GET  HTTP/1.1')],
    ['no slash at its start', line('GET a HTTP/1.1')],
    ['a space', line('GET /a b HTTP/1.1')],
    ['a tab', line('GET /a\tb HTTP/1.1')],
    ['a NUL', line('GET /a\0b HTTP/1.1')],
    ['a DEL', line('GET /a\x7fb HTTP/1.1')],
    ['raw UTF-8', line('GET /caf\xc3\xa9 HTTP/1.1')],
    ['a fragment', line('GET /a#b HTTP/1.1')],
    ['%00', line('GET /a%00b HTTP/1.1')],
    ['an escape that is cut', line('GET /a%2 HTTP/1.1')],
    ['an escape that is none', line('GET /a%zz HTTP/1.1')],
    ['a backslash', line('GET /a\\..\\b HTTP/1.1')],
    ['a dot segment with a parameter', line('GET /public/..;x=y/admin HTTP/1.1')],
    ['a dot segment behind an escaped slash', line('GET /public%2F../admin HTTP/1.1')],
    ['a dot segment before an escaped slash', line('GET /public/..%2fadmin HTTP/1.1')],
    ['a dot segment between escaped slashes', line('GET /public%2f%2e%2E%2fadmin HTTP/1.1')],
    ['a dot segment before an escaped backslash', line('GET /public/..%5cadmin HTTP/1.1')],
    ['asterisk-form for anything but OPTIONS', line('GET * HTTP/1.1')],
    ['authority-form for anything but CONNECT', line('GET a:80 HTTP/1.1')],
    ['an asterisk with more', line('OPTIONS *a HTTP/1.1')],
    ['a foreign scheme', line('GET ftp://a/ HTTP/1.1')],
    ['absolute form without a host', line('GET http:///a HTTP/1.1')],
    ['absolute form with user information', line('GET http://user@a/ HTTP/1.1')],
    ['absolute form with user and password', line('GET http://user:pass@a/ HTTP/1.1')],
    ['absolute form with a backslash in the host', line('GET http://a\\@b/ HTTP/1.1')],
    ['absolute form with a malformed port', line('GET http://a:http/ HTTP/1.1')],
  ])('%s', (_clause, text) => refused(text, 400));
});

describe('a path is normalised once, and what is forwarded is what was matched', () => {
  it.each([
    ['plain', '/a/b', '/a/b'],
    ['a dot segment', '/a/./b', '/a/b'],
    ['a double-dot segment', '/a/../b', '/b'],
    ['double dots beyond the root', '/../../b', '/b'],
    ['%2e and %2E', '/a/%2e%2E/b', '/b'],
    ['a run of slashes', '//a///b', '/a/b'],
    ['%2f stays, in upper case', '/a%2fb', '/a%2Fb'],
    ['%5c stays, in upper case', '/a%5cb', '/a%5Cb'],
    ['an escaped escape is not decoded twice', '/%252e%252e/b', '/%252e%252e/b'],
    ['an escaped letter', '/%61dmin', '/admin'],
    ['an escaped percent sign', '/100%25', '/100%25'],
    ['parameters of segments', '/a;x=y/b;z', '/a;x=y/b;z'],
    ['three dots are a name', '/.../a', '/.../a'],
    ['a query is left alone', '/a?b=/../c%2f%2e//\\', '/a?b=/../c%2f%2e//\\'],
    ['a query without a path behind the host', 'http://a?b', '/?b'],
    ['a second question mark', '/a?b?c', '/a?b?c'],
  ])('%s', async (_clause, sent, expected) => {
    expect((await forwarded(line(`GET ${sent} HTTP/1.1`)))[0]).toBe(`GET ${expected}`);
  });

  it.each(['PROPFIND', 'M-SEARCH', 'get', 'BREW'])('the method %s goes on as it is', async (method) => {
    expect((await forwarded(line(`${method} /a HTTP/1.1`)))[0]).toBe(`${method} /a`);
  });

  it('asterisk-form goes on for OPTIONS', async () => {
    expect(await forwarded(line('OPTIONS * HTTP/1.1'))).toEqual(['OPTIONS *', ['a']]);
  });
});

describe('Host: exactly one, and well-formed', () => {
  it.each([
    ['none', line('GET / HTTP/1.1', '')],
    ['none with absolute form', line('GET http://a/ HTTP/1.1', '')],
    ['two', line('GET / HTTP/1.1', 'Host: a\r\nHost: b\r\n')],
    ['two that are equal', line('GET / HTTP/1.1', 'Host: a\r\nhost: a\r\n')],
    ['a list', line('GET / HTTP/1.1', 'Host: a, b\r\n')],
    ['an empty one', line('GET / HTTP/1.1', 'Host:\r\n')],
    ['one with user information', line('GET / HTTP/1.1', 'Host: user@a\r\n')],
    ['one with a path', line('GET / HTTP/1.1', 'Host: a/b\r\n')],
    ['one with a space', line('GET / HTTP/1.1', 'Host: a b\r\n')],
    ['one with a backslash', line('GET / HTTP/1.1', 'Host: a\\b\r\n')],
    ['one with raw UTF-8', line('GET / HTTP/1.1', 'Host: caf\xc3\xa9\r\n')],
    ['one with an empty label', line('GET / HTTP/1.1', 'Host: a..b\r\n')],
    ['one with two trailing dots', line('GET / HTTP/1.1', 'Host: a..\r\n')],
    ['only a dot', line('GET / HTTP/1.1', 'Host: .\r\n')],
    ['only a port', line('GET / HTTP/1.1', 'Host: :80\r\n')],
    ['a port out of range', line('GET / HTTP/1.1', 'Host: a:65536\r\n')],
    ['a port that is a word', line('GET / HTTP/1.1', 'Host: a:http\r\n')],
    ['two ports', line('GET / HTTP/1.1', 'Host: a:1:2\r\n')],
    ['an IPv6 address without brackets', line('GET / HTTP/1.1', 'Host: ::1\r\n')],
    ['brackets around no address', line('GET / HTTP/1.1', 'Host: [::::]\r\n')],
    ['brackets that do not close', line('GET / HTTP/1.1', 'Host: [::1\r\n')],
    ['an IPv6 address with a zone', line('GET / HTTP/1.1', 'Host: [fe80::1%25eth0]\r\n')],
    ['text behind the brackets', line('GET / HTTP/1.1', 'Host: [::1]a\r\n')],
    ['a malformed one that absolute form would override', line('GET http://a/ HTTP/1.1', 'Host: a@b\r\n')],
  ])('%s is refused', (_clause, text) => refused(text, 400));

  it.each([
    ['a port', 'a.test:8080'],
    ['a trailing dot', 'a.test.'],
    ['a trailing dot and a port', 'a.test.:80'],
    ['upper case', 'A.Test'],
    ['an underscore', 'my_app.test'],
    ['an IPv4 address', '192.0.2.1:80'],
    ['an IPv6 address', '[2001:db8::1]'],
    ['an IPv6 address with a port', '[2001:db8::1]:80'],
  ])('%s is forwarded as it was sent', async (_clause, host) => {
    expect(await forwarded(line('GET / HTTP/1.1', `Host: ${host}\r\n`))).toEqual(['GET /', [host]]);
  });

  it('beaten by absolute form, and the backend sees only the winner', async () => {
    const text = line('GET http://Real.test:81/a/../b?c HTTP/1.1', 'Host: other.test\r\n');
    expect(await forwarded(text)).toEqual(['GET /b?c', ['Real.test:81']]);
  });

  it('made up for a client of HTTP/1.0 that sends none', async () => {
    const [, hosts] = await forwarded('GET / HTTP/1.0\r\n\r\n');
    expect(hosts).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)]);
  });
});
