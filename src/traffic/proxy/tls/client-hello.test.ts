// What the ClientHello parser takes, and what it refuses: messages made by hand, by real clients, and at random.
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientHello, extension, helloMessage, records, serverNameExtension, sized } from '../testing/client-hello.ts';
import { MAX_CLIENT_HELLO, readClientHello } from './client-hello.ts';

const named = (bytes: Buffer): unknown => {
  const reading = readClientHello(bytes);
  return reading.type === 'hello' ? reading.hello.serverName : reading;
};
const refused = (bytes: Buffer): string => {
  const reading = readClientHello(bytes);
  return reading.type === 'malformed' ? reading.reason : reading.type;
};

describe('readClientHello', () => {
  it('finds the server name and the protocols', () => {
    expect(readClientHello(clientHello({ serverName: 'Shop.Local', alpn: ['h2', 'http/1.1'] }))).toEqual({
      type: 'hello',
      hello: { serverName: 'shop.local', alpn: ['h2', 'http/1.1'] },
    });
  });

  it('takes hellos without a server name, and without extensions at all', () => {
    expect(named(clientHello())).toBe('');
    expect(named(clientHello({ rawExtensions: null }))).toBe('');
  });

  it('drops one trailing dot', () => {
    expect(named(clientHello({ serverName: 'a.test.' }))).toBe('a.test');
  });

  it('passes over GREASE (RFC 8701)', () => {
    const grease = [extension(0x0a0a), extension(0xfafa, Buffer.from([0]))];
    const hello = clientHello({
      serverName: 'a.test',
      alpn: ['\x1a\x1a', 'h2'],
      extensions: grease,
      suites: [0x2a2a, 0x1301],
    });
    expect(named(hello)).toBe('a.test');
  });

  it('gives the outer name of an encrypted hello', () => {
    const ech = extension(
      0xfe0d,
      Buffer.from([0, 0, 1, 0, 1, 9]),
      sized(2, Buffer.alloc(32)),
      sized(2, Buffer.alloc(200)),
    );
    expect(named(clientHello({ serverName: 'public.test', extensions: [ech] }))).toBe('public.test');
  });

  it('leaves what follows the hello alone: early data, and records of a second flight', () => {
    const early = Buffer.concat([clientHello({ serverName: 'a.test' }), Buffer.from([23, 3, 3, 0, 1, 0])]);
    expect(named(early)).toBe('a.test');
  });

  it('puts the message together from records of any size', () => {
    const message = helloMessage({ serverName: 'fragmented.test', alpn: ['h2'], sessionId: Buffer.alloc(32, 1) });
    for (const size of [1, 2, 3, 4, 5, 7, 50, message.length - 1]) {
      expect(named(records(message, size))).toBe('fragmented.test');
    }
  });

  it('waits for the rest, wherever it is cut', () => {
    for (const whole of [clientHello({ serverName: 'a.test' }), records(helloMessage({ serverName: 'a.test' }), 3)]) {
      for (let end = 0; end < whole.length; end++) {
        expect(readClientHello(whole.subarray(0, end)).type).toBe('partial');
      }
    }
  });

  it.each<[string, Buffer, string]>([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n'), 'No TLS handshake record'],
    ['SSL 2', Buffer.from([0x80, 0x2e, 1, 3, 1]), 'No TLS handshake record'],
    ['an alert', Buffer.from([21, 3, 1, 0, 2, 1, 0]), 'No TLS handshake record'],
    ['a wrong record version', Buffer.from([22, 2]), 'Unknown record version'],
    ['an empty record', Buffer.from([22, 3, 1, 0, 0]), 'Record length is out of range'],
    ['an oversized record', Buffer.from([22, 3, 1, 0x40, 1]), 'Record length is out of range'],
    ['another message', records(Buffer.from([2, 0, 0, 0])), 'First handshake message is no ClientHello'],
    ['a long message', records(Buffer.from([1, 1, 0, 0])), 'ClientHello is too long'],
    ['no server name in its extension', clientHello({ extensions: [extension(0)] }), 'Server name is malformed'],
    ['an empty server name', clientHello({ serverName: '' }), 'Server name is malformed'],
    ['a name with a zero', clientHello({ serverName: 'a\0b' }), 'Server name is malformed'],
    ['a name with a slash', clientHello({ serverName: 'a/b' }), 'Server name is malformed'],
    ['a name with an empty label', clientHello({ serverName: 'a..b' }), 'Server name is malformed'],
    ['another kind of name', clientHello({ extensions: [serverNameExtension('a', 1)] }), 'Server name is malformed'],
    [
      'two names in one list',
      clientHello({ extensions: [extension(0, sized(2, Buffer.from([0, 0, 1, 97, 0, 0, 1, 98])))] }),
      'Server name is malformed',
    ],
    [
      'two server name extensions',
      clientHello({ serverName: 'a.test', extensions: [serverNameExtension('b.test')] }),
      'Extension is repeated',
    ],
    ['an empty protocol', clientHello({ alpn: ['h2', ''] }), 'ALPN list is malformed'],
    ['no protocols', clientHello({ alpn: [] }), 'ALPN list is malformed'],
    [
      'a wrong length of extensions',
      clientHello({ rawExtensions: Buffer.from([0, 9, 1]) }),
      'Extensions have a wrong length',
    ],
    [
      'an extension cut short',
      clientHello({ rawExtensions: sized(2, Buffer.from([0, 7, 0, 9, 1])) }),
      'Extension is cut short',
    ],
    [
      'an odd list of suites',
      records(Buffer.from([1, 0, 0, 40, 3, 3, ...new Array(32).fill(0), 0, 0, 3, 1, 1, 1])),
      'Cipher suites have a wrong length',
    ],
    ['a long session id', clientHello({ sessionId: Buffer.alloc(33) }), 'Session id is too long'],
    [
      'a second message in the record',
      records(Buffer.concat([helloMessage(), helloMessage()])),
      'Something follows the ClientHello in its record',
    ],
  ])('refuses %s', (_what, bytes, reason) => {
    expect(refused(bytes)).toBe(reason);
  });

  it('gives up at its limit, however the bytes are cut', () => {
    const endless = records(Buffer.concat([Buffer.from([1, 0, 0x3f, 0xff]), Buffer.alloc(16_384)]), 1);
    expect(refused(endless.subarray(0, MAX_CLIENT_HELLO))).toBe('ClientHello is too long');
  });

  it('reads what a real client sends', async () => {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const sent = await firstBytes((port) =>
        connect({ port, host: '127.0.0.1', servername: 'real.test', ALPNProtocols: ['h2'], maxVersion }).on(
          'error',
          () => {},
        ),
      );
      expect(readClientHello(sent)).toEqual({ type: 'hello', hello: { serverName: 'real.test', alpn: ['h2'] } });
    }
  });

  it.each(corpus())('reads what %s sent', (_client, serverName, bytes) => {
    expect(named(bytes)).toBe(serverName);
    for (let end = 0; end < bytes.length; end++) expect(readClientHello(bytes.subarray(0, end)).type).toBe('partial');
  });

  it('says the same of a message however it is cut into records', () => {
    fc.assert(
      fc.property(hellos(), fc.integer({ min: 1, max: 600 }), (message, size) => {
        expect(readClientHello(records(message, size))).toEqual(readClientHello(records(message)));
      }),
    );
  });

  it('never reads beyond what came, never throws, and never changes its mind', () => {
    fc.assert(
      fc.property(mutated(), (bytes) => {
        const whole = readClientHello(bytes);
        for (const end of [0, 1, 5, 9, bytes.length >> 1, Math.max(0, bytes.length - 1)]) {
          const early = readClientHello(bytes.subarray(0, end));
          // Once decided, more bytes decide the same; a hello may only gain a malformed ending in its own record.
          if (early.type === 'malformed') expect(whole.type).toBe('malformed');
          if (early.type === 'hello') expect(whole).toEqual(early);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** `client | server name | hex` a line. */
function corpus(): [client: string, serverName: string, bytes: Buffer][] {
  const text = readFileSync(new URL('./corpus/client-hellos.txt', import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [client = '', serverName = '', hex = ''] = line.split('|').map((part) => part.trim());
    return [client, serverName, Buffer.from(hex, 'hex')];
  });
}

function hellos(): fc.Arbitrary<Buffer> {
  return fc
    .record({
      serverName: fc.option(fc.domain(), { nil: undefined }),
      alpn: fc.option(fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 4 }), {
        nil: undefined,
      }),
      sessionId: fc.uint8Array({ maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
      extensions: fc
        .uniqueArray(fc.integer({ min: 17, max: 0xffff }), { maxLength: 6 })
        .map((types) => types.map((type) => extension(type, Buffer.alloc(type % 40)))),
    })
    .map((parts) => helloMessage(parts as Parameters<typeof helloMessage>[0]));
}

/** A hello with some bytes changed, some cut away and some doubled. */
function mutated(): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  return fc
    .tuple(hellos(), fc.integer({ min: 1, max: 600 }), fc.array(change, { maxLength: 4 }), fc.nat(3))
    .map(([message, size, changes, cut]) => {
      const bytes = Buffer.from(records(message, size));
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return cut === 0 ? bytes.subarray(0, bytes.length - 1) : cut === 1 ? Buffer.concat([bytes, bytes]) : bytes;
    });
}

function firstBytes(dial: (port: number) => Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes: Buffer) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, '127.0.0.1', () => dial((server.address() as { port: number }).port));
  });
}
