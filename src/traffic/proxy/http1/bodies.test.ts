// Bodies, expectations and trailers of requests, and that a connection never goes on from an unknown place.
// Interim answers and upgrades that go well are in ../engine-messages.test.ts.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { fieldValues, readResponses } from '../testing/strict-reader.ts';
import { askedFor, ok, statuses, WireLab } from '../testing/wire-lab.ts';

let lab: WireLab;
beforeAll(async () => {
  lab = await WireLab.start();
});
beforeEach(() => lab.reset());
afterAll(() => lab.close());

const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
const expecting = (length: number, more = ''): string =>
  `POST /first HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n${more}\r\n`;

/** Answers the first head at once, whatever body it announces; later reads are answered as requests. */
function answerHead(answer: string): void {
  let first = true;
  lab.onBytes = (_bytes, socket) => {
    if (first) socket.write(answer, 'latin1');
    first = false;
  };
  lab.answer = () => undefined;
}

describe('Expect: 100-continue', () => {
  it('is relayed, and so is the 100; then body and answer follow, and the connection goes on', async () => {
    const client = lab.client();
    let asked = false;
    lab.onBytes = (bytes, socket) => {
      if (!asked && bytes.includes('Expect: 100-continue')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      asked = true;
    };
    await client.send(expecting(5)).until((text) => statuses(text).includes(100));
    await client.send('hello').until((text) => text.endsWith('POST /first'));
    await client.send(hidden).until((text) => text.endsWith('GET /hidden'));
    expect(statuses(client.received)).toEqual([100, 200, 200]);
    expect(lab.requests.map(({ body }) => body)).toEqual(['hello', '']);
  });

  it('whose body comes without waiting is served like any other', async () => {
    const got = await lab.talk(`${expecting(5)}hello${hidden}`);
    expect(statuses(got)).toEqual([200, 200]);
    expect(lab.requests.map((request) => [askedFor(request), request.body])).toEqual([
      ['POST /first', 'hello'],
      ['GET /hidden', ''],
    ]);
  });

  it.each([200, 401, 417])('answered %s instead: the body is never taken for a request', async (status) => {
    answerHead(`HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\nno`);
    const client = lab.client().send(expecting(hidden.length));
    await client.until((text) => text.endsWith('no'));
    expect(client.received).toMatch(/\r\nConnection: close\r\n/);
    // What a client that did not see the answer in time would send.
    expect(statuses(await client.send(hidden).untilClosed())).toEqual([status]);
    expect(await lab.nextClientIsIntact()).toBe(true);
    expect(lab.requests.map(askedFor)).not.toContain('GET /hidden');
    expect(lab.closed).toBe(1);
  });

  it('answered 100 and then at once 400: nothing of the body reaches another request', async () => {
    answerHead('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 X\r\nContent-Length: 2\r\n\r\nno');
    const got = await lab.untilClosed(expecting(hidden.length));
    expect(statuses(got)).toEqual([100, 400]);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it('from HTTP/1.0 is ignored, and no 100 goes back', async () => {
    lab.answer = () => `HTTP/1.1 100 Continue\r\n\r\n${ok('done')}`;
    const got = await lab.talk('POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello');
    expect(statuses(got)).toEqual([200]);
    expect(lab.bytes).not.toMatch(/expect/i);
  });

  it('without a body is ignored', async () => {
    await lab.talk('GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n');
    expect(lab.bytes).not.toMatch(/expect/i);
  });

  it.each(['200-ok', '100-continue, x', ''])('of %j is refused', async (value) => {
    expect(
      statuses(await lab.untilClosed(`POST / HTTP/1.1\r\nHost: a\r\nExpect: ${value}\r\nContent-Length: 0\r\n\r\n`)),
    ).toEqual([417]);
    expect(lab.bytes).toBe('');
  });
});

describe('desynchronisation', () => {
  it.each([
    ['CL.TE', 'Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${hidden}`],
    [
      'TE.CL',
      'Transfer-Encoding: chunked\r\nContent-Length: 4',
      `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
    ],
    ['TE.TE', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: x', `0\r\n\r\n${hidden}`],
    ['TE.0', 'Transfer-Encoding: chunked\r\nTransfer-Encoding : chunked', `0\r\n\r\n${hidden}`],
    ['0.CL', `Content-Length : ${hidden.length}`, hidden],
    ['0.CL by a folded length', `Content-Length:\r\n ${hidden.length}`, hidden],
  ])('%s is refused before a backend sees any of it', async (_kind, lines, body) => {
    expect(statuses(await lab.untilClosed(`POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n${body}`))).toEqual([400]);
    expect(lab.bytes).toBe('');
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it('CL.0: the answer to a body that a backend took for a request reaches nobody', async () => {
    // It answers on the head alone, and the body is the next request to it.
    answerHead(`${ok('first')}${ok('smuggled')}`);
    const got = await lab.talk(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`);
    expect(got).toMatch(/first$/);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it('CL.0: nor does one that comes a moment later, on a connection that is idle by then', async () => {
    let late: () => void = () => {};
    lab.onBytes = (_bytes, socket) => {
      late = () => socket.write(ok('smuggled'));
    };
    await lab.untilClosed(
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    );
    late();
    await eventually('the engine gives the connection up', () => expect(lab.closed).toBe(1));
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it('an answer that comes before the body is whole ends both connections', async () => {
    answerHead(ok('early'));
    const client = lab.client().send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length + 5}\r\n\r\nhello`);
    await client.until((text) => text.endsWith('early'));
    expect(statuses(await client.send(hidden).untilClosed())).toEqual([200]);
    expect(client.received).toMatch(/\r\nConnection: close\r\n/);
    expect(await lab.nextClientIsIntact()).toBe(true);
    expect(lab.closed).toBe(1);
  });

  it('a body that goes on behind an early head still reaches the backend whole', async () => {
    let finish: () => void = () => {};
    lab.onBytes = (bytes, socket) => {
      if (!bytes.startsWith('POST')) return;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n');
      finish = () => socket.write('done');
    };
    lab.answer = () => {
      finish();
      return undefined;
    };
    const client = lab.client().send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello');
    await client.until((text) => text.endsWith('\r\n\r\n'));
    expect(await client.send('world').untilClosed()).toMatch(/\r\n\r\ndone$/);
    expect(lab.requests.map(({ body }) => body)).toEqual(['helloworld']);
  });

  it('a backend that answers early and closes: the client gets that answer, and no reset before it', async () => {
    lab.onBytes = (_bytes, socket) => {
      socket.end('HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig');
    };
    const client = lab
      .client()
      .send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1000)}`);
    await client.until((text) => text.endsWith('big'));
    client.send('x'.repeat(100_000));
    expect(statuses(await client.untilClosed())).toEqual([413]);
  });
});

describe('trailers of a request', () => {
  const chunked = (trailers: string, more = ''): string =>
    `POST / HTTP/1.1\r\nHost: a\r\n${more}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${trailers}\r\n`;

  it.each(['X-Checksum: 1', 'Content-Digest: sha-256=:x:', 'ETag: "1"', 'Server-Timing: a', 'Grpc-Status: 0'])(
    '%s is relayed',
    async (line) => {
      await lab.talk(chunked(`${line}\r\n`));
      expect(lab.requests[0]?.trailers.map((field) => field.join(': '))).toEqual([line]);
    },
  );

  it.each([
    'Host: b',
    'transfer_encoding: chunked',
    'Connection: close',
    'Keep-Alive: x',
    'TE: trailers',
    'Trailer: X',
    'Upgrade: x',
    'Expect: 100-continue',
    'Authorization: Bearer x',
    'Cookie: a=b',
    'Set-Cookie: a=b',
    'Content-Type: text/html',
    'Content-Encoding: gzip',
    'Content-Range: bytes 0-1/2',
    'Cache-Control: no-store',
    'If-Match: *',
    'Range: bytes=0-',
    'Max-Forwards: 0',
    'Location: /',
    'Vary: *',
    'X-Forwarded-For: 9.9.9.9',
    'x_forwarded_for: 9.9.9.9',
    'X-Forwarded-Prefix: /',
    'X-Real-IP: 9.9.9.9',
    'Forwarded: for=9.9.9.9',
    'X-Request-Id: mine',
    'SSL-Client-Verify: SUCCESS',
  ])('%s is dropped: who merges trailers into headers would believe it', async (line) => {
    await lab.talk(chunked(`X-Before: 1\r\n${line}\r\nX-After: 2\r\n`));
    expect(lab.requests[0]?.trailers).toEqual([
      ['X-Before', '1'],
      ['X-After', '2'],
    ]);
  });

  it.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])('%s is refused with the whole', async (line) => {
    expect(statuses(await lab.untilClosed(chunked(`${line}\r\n`)))).toEqual([400]);
    expect(lab.requests).toEqual([]);
  });

  it('are announced as the client announced them', async () => {
    await lab.talk(chunked('X-Sum: 1\r\n', 'Trailer: X-Sum\r\nTrailer: X-Other\r\n'));
    expect(fieldValues(lab.requests[0] as never, 'trailer')).toEqual(['X-Sum, X-Other']);
  });
});

describe('the answer to a request with a body', () => {
  it('is the right one of several on one connection', async () => {
    const requests = ['aa', 'bbb', 'c'].map(
      (body) => `POST /${body} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    lab.answer = (request) => ok(request.body);
    const got = await lab.talk(requests.join(''));
    expect(readResponses(got, ['POST', 'POST', 'POST'], true).messages.map(({ body }) => body)).toEqual([
      'aa',
      'bbb',
      'c',
    ]);
  });
});
