// What belongs to one hop stays on it, both ways, and no client chooses what else is stripped.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fieldValues, readResponses, type StrictMessage } from '../testing/strict-reader.ts';
import { ok, statuses, WireLab } from '../testing/wire-lab.ts';

let lab: WireLab;
beforeAll(async () => {
  lab = await WireLab.start();
});
beforeEach(() => lab.reset());
afterAll(() => lab.close());

/** The request as the backend gets it. */
async function forwarded(lines: string, start = 'GET / HTTP/1.1'): Promise<StrictMessage> {
  expect(statuses(await lab.talk(`${start}\r\nHost: a\r\n${lines}\r\n`))).toEqual([200]);
  return lab.requests[0] as StrictMessage;
}

/** The response as the client gets it. */
async function returned(lines: string): Promise<StrictMessage> {
  lab.answer = () => ok('ok', lines);
  const got = await lab.talk('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return readResponses(got, ['GET'], true).messages[0] as StrictMessage;
}

describe('of a request, never relayed:', () => {
  it.each([
    ['Connection', 'Connection: keep-alive, close\r\n'],
    ['Keep-Alive', 'Keep-Alive: timeout=5\r\n'],
    ['Proxy-Connection', 'Proxy-Connection: keep-alive\r\n'],
    ['Proxy-Authorization', 'Proxy-Authorization: Basic eA==\r\n'],
    ['Proxy', 'Proxy: http://evil.test\r\n'],
    ['TE', 'TE: gzip\r\n'],
    ['TE', 'TE: nottrailers\r\n'],
    ['Upgrade', 'Upgrade: websocket\r\n'],
    ['Upgrade', 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n'],
    ['HTTP2-Settings', 'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n'],
    ['Trailer', 'Trailer: X-Sum\r\n'],
    ['X-Drop', 'Connection: X-Drop\r\nX-Drop: 1\r\nx-drop: 2\r\n'],
    ['X-Drop', 'X-Drop: 1\r\nConnection: close , x-DROP ,\r\n'],
    ['X-Drop', 'Connection: close\r\nX-Drop: 1\r\nConnection: X-Drop\r\n'],
  ])('%s of %j', async (name, lines) => {
    expect(fieldValues(await forwarded(lines), name)).toEqual([]);
  });

  it('anything of TE but trailers, which is named as of this hop again', async () => {
    const request = await forwarded('TE: deflate;q=0.5, trailers\r\n');
    expect([fieldValues(request, 'te'), fieldValues(request, 'connection')]).toEqual([['trailers'], ['te']]);
  });
});

describe('of a request, relayed although Connection names it:', () => {
  it.each([
    ['Host', 'a'],
    ['Authorization', 'Bearer x'],
    ['Cookie', 'session=1'],
    ['Content-Type', 'text/plain'],
    ['Accept-Encoding', 'gzip'],
    ['Cache-Control', 'no-cache'],
    ['If-None-Match', '"1"'],
    ['If-Unmodified-Since', 'Thu, 01 Jan 2026 00:00:00 GMT'],
    ['Range', 'bytes=0-1'],
    ['Origin', 'https://a.test'],
    ['Referer', 'https://a.test/'],
    ['Sec-Fetch-Site', 'same-origin'],
    ['User-Agent', 'test'],
    ['Traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ['X-Request-Id', 'mine'],
  ])('%s', async (name, value) => {
    const own = name === 'Host' ? '' : `${name}: ${value}\r\n`;
    expect(fieldValues(await forwarded(`Connection: close, ${name}\r\n${own}`), name)).toEqual([value]);
  });

  it.each(['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port', 'X-Real-IP'])(
    '%s, of which the client gets its own way in neither respect',
    async (name) => {
      const values = fieldValues(await forwarded(`Connection: ${name}\r\n${name}: evil\r\n`), name);
      expect(values).toHaveLength(1);
      expect(values).not.toContain('evil');
    },
  );

  it.each(['Content-Length', 'Transfer-Encoding'])('%s, whose loss would hide a request in the body', async (name) => {
    const framing =
      name === 'Content-Length'
        ? 'Content-Length: 5\r\n\r\nhello'
        : 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
    await lab.talk(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close, ${name}\r\n${framing}`);
    expect(lab.requests.map(({ body }) => body)).toEqual(['hello']);
  });
});

describe('of a response, never relayed:', () => {
  it.each([
    ['Keep-Alive', 'Keep-Alive: timeout=5\r\n'],
    ['Proxy-Connection', 'Proxy-Connection: keep-alive\r\n'],
    ['Proxy-Authenticate', 'Proxy-Authenticate: Basic\r\n'],
    ['TE', 'TE: trailers\r\n'],
    ['Upgrade', 'Upgrade: h2c\r\n'],
    ['X-Drop', 'Connection: X-Drop\r\nX-Drop: 1\r\n'],
    ['Connection', 'Connection: keep-alive\r\n'],
  ])('%s of %j', async (name, lines) => {
    expect(fieldValues(await returned(lines), name)).toEqual([]);
  });

  it.each(['Set-Cookie', 'Content-Type', 'Content-Encoding'])('but %s, although Connection names it', async (name) => {
    expect(fieldValues(await returned(`Connection: ${name}\r\n${name}: x\r\n`), name)).toEqual(['x']);
  });

  it('and a backend that closes closes its own connection only', async () => {
    const client = lab.client();
    lab.answer = () => ok('ok', 'Connection: close\r\n');
    const one = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
    await client.send(one).until((text) => text.endsWith('ok'));
    await client.send(one).until((text) => statuses(text).length === 2 && text.endsWith('ok'));
    expect(client.received).not.toMatch(/^connection:/im);
  });
});

describe('headers that say a thing twice', () => {
  it('are relayed in their order: what they mean is for the backend to say', async () => {
    const request = await forwarded('X-A: 1\r\nX-B: 2\r\nx-a: 3\r\n');
    expect(fieldValues(request, 'x-a')).toEqual(['1', '3']);
  });

  it('and so are those of a response', async () => {
    expect(fieldValues(await returned('Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n'), 'set-cookie')).toEqual(['a=1', 'b=2']);
  });

  it.each(['x_forwarded_for: 9.9.9.9', 'X_Real_IP: 9.9.9.9', 'x-forwarded_proto: https', 'SSL_Client_Verify: SUCCESS'])(
    'in an underscore spelling (%s) are not relayed',
    async (spoofed) => {
      await forwarded(`${spoofed}\r\n`);
      expect(lab.bytes).not.toMatch(/_|9\.9\.9\.9|success/i);
    },
  );
});
