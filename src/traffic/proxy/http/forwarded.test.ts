// Whom a request is believed to come from: chains of proxies, right to left, and what may stand in them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientFacts } from '../http1/compose.ts';
import { RequestHead } from '../http1/request-head.ts';
import { addressOf, clientIndex, forwardedNode, readForwarded, readForwardedFor } from './forwarded.ts';
import { requestFacts } from './request-facts.ts';

const inner = (address: string): boolean => address.startsWith('10.') || address.startsWith('fd00:');
const pair = { source: { address: '10.0.0.1', port: 4711 }, destination: { address: '10.0.0.9', port: 8080 } };

/** What is said of a request with these header values, whose peer is trusted unless `trusted` is false. */
function facts(
  {
    xff = '',
    forwarded = '',
    proto = '',
    host = '',
    port = '',
  }: Readonly<Partial<Record<'xff' | 'forwarded' | 'proto' | 'host' | 'port', string>>>,
  options: { readonly trusted?: boolean; readonly write?: boolean } = {},
): ReturnType<typeof requestFacts> {
  const head = new RequestHead();
  head.forwardedFor = xff;
  head.forwarded = forwarded;
  head.forwardedProto = proto;
  head.forwardedHost = host;
  head.forwardedPort = port;
  const { trusted = true, write = false } = options;
  return requestFacts(clientFacts(pair, 'http', { trusted, certificateLine: '', forwarded: write }), head, inner);
}

describe('the address of a node', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:80', '192.0.2.1'],
    ['2001:DB8::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['unknown', ''],
    ['_hidden', ''],
    ['192.0.2.1:', ''],
    ['192.0.2.256', ''],
    ['192.0.2.1 x', ''],
    ['[192.0.2.1]', ''],
    ['[::1', ''],
    ['fe80::1%eth0', ''],
    ['', ''],
  ])('of "%s" is "%s"', (node, address) => {
    expect(addressOf(node)).toBe(address);
  });
});

describe('the client behind proxies', () => {
  it.each([
    ['nobody said anything', '', '10.0.0.1'],
    ['one proxy', '192.0.2.1', '192.0.2.1'],
    ['two proxies of ours', '192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['a client that invents a chain', '198.51.100.1, 10.0.0.7, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
    ['only proxies of ours', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['an entry that is no address', 'evil, 10.0.0.2', '10.0.0.2'],
    ['an empty entry', '192.0.2.1, , 10.0.0.2', '10.0.0.2'],
    ['a port and brackets', '[2001:db8::1]:9, 10.0.0.2:80', '2001:db8::1'],
  ])('with %s', (_what, xff, address) => {
    expect(facts({ xff }).address).toBe(address);
    expect(facts({ xff }, { trusted: false }).address).toBe('10.0.0.1');
  });

  it('is never somebody left of the first that is not believed', () => {
    const entry = fc.oneof(fc.ipV4(), fc.constantFrom('10.0.0.1', '10.9.9.9', 'fd00::1', 'unknown', ''));
    fc.assert(
      fc.property(fc.array(entry), fc.array(fc.constantFrom('10.0.0.1', 'fd00::1')), (left, right) => {
        const chain = [...left.map(addressOf), '192.0.2.1', ...right];
        // Whatever a client writes ahead, its own address is what the nearest believed proxy saw.
        expect(clientIndex(chain, inner)).toBe(left.length);
      }),
    );
  });

  it('is the same in one list and in several lines', () => {
    expect(readForwardedFor('a, 10.0.0.2 ,192.0.2.1')).toEqual(['', '10.0.0.2', '192.0.2.1']);
  });
});

describe('Forwarded', () => {
  it('is read with quotes, case and several elements', () => {
    expect(readForwarded('For="[2001:DB8::1]:4711";proto=HTTPS;host="a.test:8443", for=10.0.0.2;by=_x')).toEqual([
      { address: '2001:db8::1', proto: 'HTTPS', host: 'a.test:8443' },
      { address: '10.0.0.2', proto: '', host: '' },
    ]);
  });

  it.each([
    'for',
    'for=',
    'for=a b',
    'for="a',
    'for=a;',
    'for=a,',
    ',for=a',
    'for=a;;by=b',
    'for=a;for=b',
    'for=[::1]',
  ])('is refused as a whole when it is malformed: %s', (value) => {
    expect(readForwarded(value)).toBeUndefined();
  });

  it('never throws, and reads back what is quoted', () => {
    fc.assert(fc.property(fc.string(), (text) => void readForwarded(text)));
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (host) => {
        const quoted = `for=192.0.2.1;host="${host.replace(/["\\]/g, '\\$&')}"`;
        expect(readForwarded(quoted)).toEqual([{ address: '192.0.2.1', proto: '', host }]);
      }),
    );
  });

  it('counts where X-Forwarded-For says nothing; hidden nodes end the walk', () => {
    expect(facts({ forwarded: 'for=192.0.2.1;proto=https;host=a.test, for=10.0.0.2' })).toMatchObject({
      address: '192.0.2.1',
      protocol: 'https',
      forwardedHost: 'a.test',
    });
    expect(facts({ forwarded: 'for=192.0.2.1, for=_hidden, for=10.0.0.2' }).address).toBe('10.0.0.2');
    expect(facts({ forwarded: 'for=192.0.2.1', xff: '198.51.100.1' }).address).toBe('198.51.100.1');
    expect(facts({ forwarded: 'for=192.0.2.1;' }).address).toBe('10.0.0.1');
  });

  it('is written when asked for: extended when believed, begun anew when not', () => {
    const value = 'for=192.0.2.1';
    expect(facts({ forwarded: value }, { write: true }).forwarded).toBe('for=192.0.2.1, for=10.0.0.1;proto=http');
    expect(facts({ forwarded: `${value};` }, { write: true }).forwarded).toBe('for=10.0.0.1;proto=http');
    expect(facts({ forwarded: value }, { write: true, trusted: false }).forwarded).toBe('for=10.0.0.1;proto=http');
    expect(facts({ forwarded: value }).forwarded).toBe('');
    expect(forwardedNode('2001:db8::1')).toBe('"[2001:db8::1]"');
  });
});

describe('what backends are told', () => {
  it('is the chain with the peer behind it, and the client by itself', () => {
    const lines = facts({ xff: '198.51.100.1, 192.0.2.1', proto: 'https', port: '443' }).forwardingLines;
    expect(lines).toBe(
      'X-Forwarded-For: 198.51.100.1, 192.0.2.1, 10.0.0.1\r\nX-Real-IP: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n',
    );
  });

  it('is nothing that a trusted peer cannot mean', () => {
    const odd = facts({ proto: 'javascript', host: 'a b', port: '99999' });
    expect([odd.protocol, odd.forwardedHost, odd.port]).toEqual(['http', '', '8080']);
    expect(facts({ proto: 'https, http' }).protocol).toBe('http');
  });

  it('costs nothing for clients that are not believed', () => {
    const head = new RequestHead();
    head.forwardedFor = '192.0.2.1';
    const peer = clientFacts(pair, 'http', { trusted: false, certificateLine: '' });
    expect(requestFacts(peer, head, inner)).toBe(peer);
  });
});
