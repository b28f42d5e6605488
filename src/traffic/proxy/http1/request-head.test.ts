// What a valid head means, and in which form it goes on.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestFacts } from '../http/request-facts.ts';
import { clientFacts, composeRequest } from './compose.ts';
import { defaultLimits } from './limits.ts';
import { parseRequestHead, RequestHead } from './request-head.ts';
import { normalisePath } from './target.ts';

const pair = { source: { address: '192.0.2.7', port: 4711 }, destination: { address: '192.0.2.1', port: 8080 } };
const client = clientFacts(pair, 'http', { trusted: false, certificateLine: '' });

function parse(text: string): RequestHead {
  const head = new RequestHead();
  const refusal = parseRequestHead(text, 0, text.length, head, defaultLimits);
  if (refusal !== undefined) throw new Error(`${refusal.status} ${refusal.reason}`);
  return head;
}

function forwarded(text: string, trusted = false): string {
  const head = parse(text);
  const peer = trusted ? clientFacts(pair, 'http', { trusted: true, certificateLine: '' }) : client;
  return composeRequest(
    head,
    requestFacts(peer, head, () => false),
    'id',
  );
}

describe('parseRequestHead()', () => {
  it('reads target, host, version and framing', () => {
    const head = parse('PUT /a/b?c=d HTTP/1.1\r\nHost: Shop.Local.:80\r\nContent-Length: 42\r\n\r\n');
    expect(head).toMatchObject({
      method: 'PUT',
      target: '/a/b?c=d',
      host: 'shop.local',
      authority: 'Shop.Local.:80',
      contentLength: 42,
      keepAlive: true,
      minor: 1,
    });
  });

  it('lets an absolute target beat Host', () => {
    const head = parse('GET http://real.example/x HTTP/1.1\r\nHost: other.example\r\n\r\n');
    expect([head.host, head.target, head.authority]).toEqual(['real.example', '/x', 'real.example']);
  });

  it('reads OPTIONS * and a bare absolute target', () => {
    expect(parse('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n').target).toBe('*');
    expect(parse('OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n').target).toBe('*');
    expect(parse('OPTIONS http://a/ HTTP/1.1\r\nHost: a\r\n\r\n').target).toBe('/');
    expect(parse('GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n').target).toBe('/?q');
  });

  it.each([
    ['HTTP/1.1', '', true],
    ['HTTP/1.1', 'Connection: close\r\n', false],
    ['HTTP/1.1', 'Connection: Keep-Alive, Close\r\n', false],
    ['HTTP/1.0', '', false],
    ['HTTP/1.0', 'Connection: keep-alive\r\n', true],
  ])('%s with %j keeps the connection: %s', (version, line, keepAlive) => {
    expect(parse(`GET / ${version}\r\nHost: a\r\n${line}\r\n`).keepAlive).toBe(keepAlive);
  });

  it('asks for an upgrade only when Connection says so, and never for h2c', () => {
    const upgrade = (lines: string): string => parse(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`).upgrade;
    expect(upgrade('Upgrade: websocket\r\nConnection: Upgrade\r\n')).toBe('websocket');
    expect(upgrade('Upgrade: websocket\r\n')).toBe('');
    expect(upgrade('Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: x\r\n')).toBe('');
    expect(upgrade('Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 3\r\n')).toBe('');
  });
});

describe('composeRequest()', () => {
  it('strips what belongs to one hop, and what Connection names', () => {
    const out = forwarded(
      'GET / HTTP/1.1\r\nHost: a\r\nX-Keep: 1\r\nConnection: close, X-Drop\r\nX-Drop: 2\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: gzip\r\nX-Also: 3\r\n\r\n',
    );
    expect(out).toContain('X-Keep: 1\r\nX-Also: 3\r\n');
    expect(out).not.toMatch(/x-drop|keep-alive|proxy-connection|^te:|connection/im);
  });

  it('does not let Connection strip what backends trust', () => {
    const out = forwarded(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Authorization, X-Forwarded-For, Host, Cookie\r\nAuthorization: b\r\nCookie: c\r\n\r\n',
    );
    expect(out).toMatch(/Host: a\r\nAuthorization: b\r\nCookie: c\r\nX-Forwarded-For: 192\.0\.2\.7\r\n/);
  });

  it('replaces forwarding headers of an untrusted client, also spelt with underscores', () => {
    const out = forwarded(
      'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nx_forwarded_for: 2.2.2.2\r\nForwarded: for=3.3.3.3\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 4.4.4.4\r\nX_Real_IP: 5.5.5.5\r\n\r\n',
    );
    expect(out).not.toMatch(/\d\.\d\.\d\.\d(?<!192\.0\.2\.7)\r/);
    expect(out).toContain('X-Forwarded-For: 192.0.2.7\r\n');
    expect(out).toContain('X-Forwarded-Proto: http\r\n');
    expect(out).not.toMatch(/^forwarded/im);
  });

  it('drops what only a proxy that asked for a client certificate may say, in any spelling', () => {
    const out = forwarded(
      'GET / HTTP/1.1\r\nHost: a\r\nssl-client-verify: SUCCESS\r\nSSL_Client_Cert: a\r\nSsl-Client-Subject-Dn: CN=root\r\nssl-client-issuer-dn: CN=ca\r\nX-Forwarded-Client-Cert: Hash=1\r\nX-Keep: 1\r\n\r\n',
    );
    expect(out).toContain('X-Keep: 1\r\n');
    expect(out).not.toMatch(/client.(cert|verify|subject|issuer)/i);
  });

  it('extends the chain of a trusted client', () => {
    const out = forwarded(
      'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nForwarded: for=1.1.1.1\r\n\r\n',
      true,
    );
    expect(out).toContain('X-Forwarded-For: 1.1.1.1, 192.0.2.7\r\n');
    expect(out).toContain('X-Forwarded-Proto: https\r\n');
    expect(out).toContain('Forwarded: for=1.1.1.1\r\n');
  });

  it('names where the client connected to as Host when the client named none', () => {
    expect(forwarded('GET / HTTP/1.0\r\n\r\n')).toContain('Host: 192.0.2.1:8080\r\n');
  });

  it('keeps TE: trailers, and a request id that came', () => {
    const out = forwarded('GET / HTTP/1.1\r\nHost: a\r\nTE: trailers, deflate\r\nX-Request-Id: mine\r\n\r\n');
    expect(out).toContain('Connection: te\r\nTE: trailers\r\n');
    expect(parse('GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n').requestId).toBe('mine');
  });

  it('forwards what parses again to the same message', () => {
    const name = fc
      .stringMatching(/^[A-Za-z0-9!#$%&'*+.^`|~-]{1,20}$/)
      .filter(
        (n) =>
          !/^(host|content-length|transfer-encoding|connection|upgrade|expect|te|trailer|keep-alive|forwarded|proxy.*|http2-settings|x-.*)$/i.test(
            n,
          ),
      );
    const value = fc.stringMatching(/^[!-~\xa0-\xff]([ -~\xa0-\xff]{0,30}[!-~\xa0-\xff])?$/);
    const path = fc.stringMatching(/^\/[A-Za-z0-9/.%_~;=-]{0,40}$/).filter((p) => typeof normalisePath(p) === 'string');
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST', 'DELETE', 'PROPFIND'),
        path,
        fc.array(fc.tuple(name, value), { maxLength: 8 }),
        fc.option(fc.nat(1000)),
        (method, target, headers, length) => {
          const text = `${method} ${target} HTTP/1.1\r\nHost: a.example\r\n${headers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}${length === null ? '' : `Content-Length: ${length}\r\n`}\r\n`;
          const first = parse(text);
          const once = composeRequest(first, client, 'id');
          const again = parse(once);
          expect([again.method, again.target, again.host, again.contentLength]).toEqual([
            first.method,
            first.target,
            first.host,
            first.contentLength,
          ]);
          for (const [n, v] of headers) expect(once).toContain(`${n}: ${v}\r\n`);
          expect(composeRequest(again, client, 'id')).toBe(once);
        },
      ),
    );
  });
});

describe('normalisePath()', () => {
  it.each([
    ['/', '/'],
    ['/a/b', '/a/b'],
    ['/a/./b', '/a/b'],
    ['/a/../b', '/b'],
    ['/../../b', '/b'],
    ['/a/..', '/'],
    ['/a/b/..', '/a/'],
    ['/a/.', '/a/'],
    ['//a///b', '/a/b'],
    ['/a/', '/a/'],
    ['/a//', '/a/'],
    ['/%2e%2E/b', '/b'],
    ['/a/%2e/b', '/a/b'],
    ['/%61dmin', '/admin'],
    ['/a%2fb', '/a%2Fb'],
    ['/a%252e', '/a%252e'],
    ['/a;b=c', '/a;b=c'],
    ['/...', '/...'],
    ['/.hidden', '/.hidden'],
  ])('%s -> %s', (path, expected) => {
    expect(normalisePath(path)).toBe(expected);
  });

  it('is stable: what it gives, it leaves as it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\/[A-Za-z0-9/.%2eEfF_~;-]{0,40}$/), (path) => {
        const once = normalisePath(path);
        if (typeof once === 'string') expect(normalisePath(once)).toBe(once);
      }),
    );
  });
});
