// Responses of backends that are broken or hostile: what a client gets is always one well-formed answer, or a cut.
// Each case is what the backend says, whole; then the next client must be served as if nothing had been.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fieldValues, readResponses, type StrictReading } from '../testing/strict-reader.ts';
import { ok, statuses, WireLab } from '../testing/wire-lab.ts';

let lab: WireLab;
beforeAll(async () => {
  lab = await WireLab.start();
});
beforeEach(() => lab.reset());
afterAll(() => lab.close());

const request = (method: string, version = 'HTTP/1.1'): string => `${method} / ${version}\r\nHost: a\r\n\r\n`;

/** What a client gets when the backend answers `text`, and closes where `end` says so. */
async function got(text: string, method = 'GET', end = false): Promise<StrictReading> {
  lab.answer = (_request, socket) => {
    if (end) socket.end(text, 'latin1');
    else socket.write(text, 'latin1');
    return undefined;
  };
  return readResponses(await lab.talk(request(method)), [method], true);
}

const codes = (reading: StrictReading): number[] => reading.messages.map(({ start }) => Number(start.slice(9, 12)));

describe('a malformed response is answered with 502, and its connection given up:', () => {
  it.each([
    ['HTTP/0.9', '<html>hello</html>'],
    ['an empty line first', '\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['another protocol', '220 mail.test ESMTP\r\n'],
    ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
    ['HTTP/1.2', 'HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['status 99', 'HTTP/1.1 99 X\r\n\r\n'],
    ['status 099', 'HTTP/1.1 099 X\r\n\r\n'],
    ['status 600', 'HTTP/1.1 600 X\r\n\r\n'],
    ['status 1000', 'HTTP/1.1 1000 X\r\n\r\n'],
    ['a status that is a word', 'HTTP/1.1 abc X\r\n\r\n'],
    ['a signed status', 'HTTP/1.1 +20 X\r\n\r\n'],
    ['no status', 'HTTP/1.1\r\n\r\n'],
    ['two spaces before the status', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'],
    [
      'Content-Length and Transfer-Encoding',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['conflicting Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!'],
    ['equal Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok'],
    ['a Content-Length list', 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok'],
    ['an empty Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok'],
    ['a negative Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok'],
    [
      'several Transfer-Encoding',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['chunks from HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a bare LF as line end', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['one bare LF', 'HTTP/1.1 200 OK\r\nX: y\nContent-Length: 2\r\n'],
    [
      'a bare CR in a value (response splitting)',
      'HTTP/1.1 200 OK\r\nX: y\rSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok',
    ],
    [
      'a bare LF in a value (response splitting)',
      'HTTP/1.1 200 OK\r\nX: y\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\nok',
    ],
    ['a NUL in a value', 'HTTP/1.1 200 OK\r\nX: \0\r\nContent-Length: 2\r\n\r\nok'],
    ['a NUL in the reason', 'HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nok'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok'],
    ['obs-fold', 'HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 2\r\n\r\nok'],
    ['a line without colon', 'HTTP/1.1 200 OK\r\nnothing\r\n\r\n'],
    ['an empty header name', 'HTTP/1.1 200 OK\r\n: x\r\n\r\n'],
    ['a head of 70 KiB', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}\r\nContent-Length: 2\r\n\r\nok`],
    ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(140_000)}`],
    ['201 headers', `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(201)}Content-Length: 2\r\n\r\nok`],
    ['interim responses without end', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(3000)],
    ['a malformed head behind an interim response', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX : y\r\n\r\n'],
    [
      'a length as trailer of the first read',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n',
    ],
    ['a malformed first chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ])('%s', async (_clause, text) => {
    const reading = await got(text);
    expect(reading.error).toBe('');
    expect(codes(reading).filter((status) => status >= 200)).toEqual([502]);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it.each([
    ['nothing at all', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['only an interim response', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['part of a body of known length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'],
  ])('%s, and then a close', async (_clause, text) => {
    lab.answer = (_request, socket) => {
      socket.end(text, 'latin1');
      return undefined;
    };
    const bytes = await lab.talk(request('POST'));
    // With the head out there is nothing to answer any more: only the cut tells that the rest is missing.
    const headIsOut = text.endsWith('10\r\n\r\n');
    expect(statuses(bytes).filter((status) => status >= 200)).toEqual([headIsOut ? 200 : 502]);
    if (headIsOut) expect(readResponses(bytes, ['POST'], true).messages).toEqual([]);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });
});

describe('a body that breaks off or breaks its framing is cut, never completed:', () => {
  it.each([
    ['a close within the length', 'Content-Length: 100\r\n\r\npart'],
    ['a close within a chunk', 'Transfer-Encoding: chunked\r\n\r\n64\r\npart'],
    ['a close between chunks', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
    ['a close within the trailers', 'Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n0\r\nX: y\r\n'],
  ])('%s', async (_clause, text) => {
    const reading = await got(`HTTP/1.1 200 OK\r\n${text}`, 'GET', true);
    expect([reading.messages, reading.error]).toEqual([[], '']);
    expect(reading.rest).toContain('part');
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it('a malformed chunk behind a good one', async () => {
    let more: () => void = () => {};
    lab.answer = (_request, socket) => {
      more = () => socket.write('0x4\r\nevil\r\n0\r\n\r\n');
      return 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n';
    };
    const client = lab.client().send(request('GET'));
    await client.until((text) => text.includes('good'));
    more();
    expect(await client.untilClosed()).not.toMatch(/evil|\r\n0\r\n/);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });
});

describe('the access log', () => {
  it('says of a response that was cut what cut it, and of one that was replaced what the client got', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'evenkeel-log-'));
    const file = join(directory, 'access.log');
    const logging = await WireLab.start({ accessLog: file });
    const answers = ['Content-Length: 100\r\n\r\npart', 'Transfer-Encoding: chunked\r\n\r\nzz\r\n'];
    logging.answer = (_request, socket) => {
      socket.end(`HTTP/1.1 200 OK\r\n${answers.shift()}`, 'latin1');
      return undefined;
    };
    await logging.talk(request('GET'));
    await logging.talk(request('GET'));
    await logging.close();
    const records = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    rmSync(directory, { recursive: true });
    expect(records.map(({ status, failure }) => [status, failure])).toEqual([
      [200, 'closed'],
      [502, 'closed'],
    ]);
  });
});

describe('what a backend says too much reaches nobody:', () => {
  const evil = ok('evil');
  it.each([
    ['more than its Content-Length', `${ok('own')}surplus`, 'own'],
    ['two responses', `${ok('own')}${evil}`, 'own'],
    [
      'a response behind the last chunk',
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nown\r\n0\r\n\r\n${evil}`,
      'own',
    ],
    ['a body with 204', `HTTP/1.1 204 No Content\r\n\r\n${evil}`, ''],
    ['a length with 204', `HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil`, ''],
    ['chunks with 204', `HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n`, ''],
    ['a body with 304', `HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil`, ''],
  ])('%s', async (_clause, text, body) => {
    const reading = await got(text);
    expect([reading.error, reading.rest]).toEqual(['', '']);
    expect(reading.messages.map((message) => message.body)).toEqual([body]);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it('a body with HEAD', async () => {
    const reading = await got(evil, 'HEAD');
    expect([reading.rest, reading.messages.map(({ body }) => body)]).toEqual(['', ['']]);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });

  it('a body that 204 announced and that comes later: the connection is not used again', async () => {
    await got('HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n');
    const before = lab.connections;
    expect(await lab.nextClientIsIntact()).toBe(true);
    expect(lab.connections).toBe(before + 1);
  });
});

describe('no body for HEAD, 204 and 304, and the framing they may carry', () => {
  const length = 'Content-Length: 99\r\n';
  const chunks = 'Transfer-Encoding: chunked\r\n';
  it.each([
    ['HEAD', 'HTTP/1.1 200 OK', length, ['99'], []],
    ['HEAD', 'HTTP/1.1 200 OK', chunks, [], ['chunked']],
    ['HEAD', 'HTTP/1.1 404 Not Found', length, ['99'], []],
    ['GET', 'HTTP/1.1 304 Not Modified', length, ['99'], []],
    ['GET', 'HTTP/1.1 304 Not Modified', '', [], []],
    ['GET', 'HTTP/1.1 204 No Content', '', [], []],
    ['GET', 'HTTP/1.1 204 No Content', 'Content-Length: 0\r\n', [], []],
    ['GET', 'HTTP/1.1 204 No Content', chunks, [], []],
    ['HEAD', 'HTTP/1.1 204 No Content', chunks, [], []],
  ] as const)('%s answered %s with %j', async (method, start, lines, lengths, codings) => {
    const reading = await got(`${start}\r\n${lines}\r\n`, method);
    expect([reading.error, reading.rest]).toEqual(['', '']);
    const [message] = reading.messages;
    expect(message?.start).toBe(start);
    expect(fieldValues(message as never, 'content-length')).toEqual(lengths);
    expect(fieldValues(message as never, 'transfer-encoding')).toEqual(codings);
    expect(await lab.nextClientIsIntact()).toBe(true);
  });
});

describe('interim responses', () => {
  it('are relayed in order, several of them, before the final one', async () => {
    const reading = await got(
      `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n${ok('done')}`,
    );
    expect(codes(reading)).toEqual([102, 103, 103, 200]);
    expect(reading.messages.flatMap((message) => fieldValues(message, 'link'))).toEqual(['</a>', '</b>']);
  });

  it('lose what would frame a body or belongs to a hop', async () => {
    const reading = await got(
      `HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nConnection: X-Drop\r\nX-Drop: 1\r\nX-Keep: 2\r\n\r\n${ok('done')}`,
    );
    expect(reading.error).toBe('');
    expect(reading.messages[0]?.fields).toEqual([['X-Keep', '2']]);
  });

  it('never reach a client of HTTP/1.0', async () => {
    lab.answer = () => `HTTP/1.1 103 Early Hints\r\n\r\n${ok('done')}`;
    expect(statuses(await lab.talk(request('GET', 'HTTP/1.0')))).toEqual([200]);
  });
});

describe('trailers of a response', () => {
  it('are relayed, but for those that route, authenticate or set state', async () => {
    const lines = ['X-Sum: 1', 'grpc-status: 0', 'Set-Cookie: a=b', 'Location: /', 'Connection: x'];
    const reading = await got(
      `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${lines.join('\r\n')}\r\n\r\n`,
    );
    expect(reading.messages[0]?.trailers).toEqual([
      ['X-Sum', '1'],
      ['grpc-status', '0'],
    ]);
  });

  it('have no place in a body for HTTP/1.0, which ends by closing', async () => {
    lab.answer = () => 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n';
    expect(await lab.untilClosed(request('GET', 'HTTP/1.0'))).toMatch(/\r\nConnection: close\r\n\r\nok$/);
  });
});

describe('upgrades', () => {
  const upgrade = (protocol: string, body = ''): string =>
    `GET /up HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`;
  const hidden = 'GET /hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

  it.each([200, 400, 426, 500])('declined with %s stay HTTP: the next bytes are a request', async (status) => {
    lab.answer = (asked) =>
      asked.start.includes('/up') ? `HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n` : ok('plain');
    const bytes = await lab.untilClosed(upgrade('websocket') + hidden);
    expect(statuses(bytes)).toEqual([status, 200]);
    expect(lab.requests).toHaveLength(2);
  });

  it('to a protocol that was not asked for are refused', async () => {
    lab.answer = () => 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n';
    expect(statuses(await lab.untilClosed(`${upgrade('websocket')}${hidden}`))[0]).toBe(502);
  });

  it('to one of several protocols that were asked for go through', async () => {
    lab.answer = () => 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: Chat\r\n\r\nhello';
    const client = lab.client().send(upgrade('websocket, chat'));
    expect(await client.until((text) => text.endsWith('hello'))).toMatch(/^HTTP\/1\.1 101 /);
  });

  it.each(['h2c', 'websocket, h2c', 'H2C'])('to %s are never asked for', async (protocol) => {
    await lab.talk(upgrade(protocol));
    expect(lab.bytes).not.toMatch(/upgrade/i);
  });

  it('with a body are never asked for: the body would be read as the protocol', async () => {
    await lab.talk(upgrade('websocket', 'hello'));
    expect(lab.bytes).not.toMatch(/upgrade/i);
    expect(lab.requests.map(({ body }) => body)).toEqual(['hello']);
  });

  it('from HTTP/1.0 are never asked for', async () => {
    await lab.talk('GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect(lab.bytes).not.toMatch(/upgrade/i);
  });
});

describe('a long head in one piece with what follows', () => {
  it.each([16_000, 16_384, 16_390, 30_000])('is relayed whole with its body: %i bytes', async (size) => {
    const value = 'y'.repeat(size - 60);
    const reading = await got(
      `HTTP/1.1 200 OK\r\nX-Long: ${value}\r\nContent-Length: 20000\r\n\r\n${'b'.repeat(20_000)}`,
    );
    expect(codes(reading)).toEqual([200]);
    expect(reading.messages.flatMap((message) => fieldValues(message, 'x-long'))).toEqual([value]);
    expect(reading.messages[0]?.body).toBe('b'.repeat(20_000));
  });

  it('may stand behind an interim response', async () => {
    const interim = `HTTP/1.1 103 Early Hints\r\nLink: ${'</a>,'.repeat(3000)}</b>\r\n\r\n`;
    const reading = await got(`${interim}HTTP/1.1 200 OK\r\nX: ${'y'.repeat(9000)}\r\nContent-Length: 2\r\n\r\nok`);
    expect(codes(reading)).toEqual([103, 200]);
    expect(reading.messages.at(-1)?.body).toBe('ok');
  });
});
