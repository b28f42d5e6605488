// The short way answers as the long way does: the same records, flags and sizes, before and after changes.
// Bytes in, bytes out; no sockets.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { addressRecord } from '#traffic/model/dns/address-names.ts';
import type { DnsPart, DnsRecord } from '#traffic/model/dns/ir-dns.ts';
import { Forwarder } from '../forward/forwarder.ts';
import { DnsMetrics } from '../metrics.ts';
import { comparable } from '../testing/comparable.ts';
import { query } from '../testing/dns-lab.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { type Message, rcodes, types } from '../wire/message.ts';
import { ClusterZone } from '../zone/cluster-zone.ts';
import { Responder } from './responder.ts';

const WEB = 'web.shop.svc.cluster.local';
const DB = 'db.shop.svc.cluster.local';
const names: DnsPart = new Map<string, readonly DnsRecord[]>([
  ['shop.svc.cluster.local', []],
  [WEB, [addressRecord('10.96.0.7'), addressRecord('fd00::7')]],
  [DB, ['10.244.0.1', '10.244.0.2', '10.244.0.3', 'fd00::1', 'fd00::2'].map(addressRecord)],
  [`db-0.${DB}`, [addressRecord('10.244.0.1'), addressRecord('fd00::1')]],
  [`db-1.${DB}`, [addressRecord('10.244.0.2')]],
  [`_sql._tcp.${DB}`, ['db-0', 'db-1', 'db-9'].map((host, at) => srv(`${host}.${DB}`, 5432 + at))],
  [`_http._tcp.${WEB}`, [srv(WEB, 80)]],
  ['alias.shop.svc.cluster.local', [{ type: 'CNAME', target: WEB }]],
  ['7.0.96.10.in-addr.arpa', [{ type: 'PTR', target: WEB }]],
]);

function srv(target: string, port: number): DnsRecord {
  return { type: 'SRV', priority: 0, weight: 100, port, target };
}

function start(part: DnsPart = names) {
  const clock = new FakeClock();
  const metrics = new DnsMetrics();
  const log = silentLogger;
  const zone = new ClusterZone({ domain: 'cluster.local', ttl: 5, addresses: [], ranges: ['10.96.0.0/16'], clock });
  zone.publish(new Map([['test', part]]));
  const forwarder = new Forwarder({ upstreams: () => [], isSelf: () => false, metrics, clock, log });
  const responder = new Responder({ zone, forwarder, metrics, clock, log });
  const room = Buffer.alloc(4096);
  const plain = (bytes: Buffer): Message | undefined => {
    const length = responder.plain.write(bytes, 0, bytes.length, room, 0, room.length, 'udp', 0);
    return length === 0 ? undefined : decode(Buffer.from(room.subarray(0, length)));
  };
  const long = async (bytes: Buffer): Promise<Message | undefined> =>
    decode((await responder.respondToAny(bytes, 'udp', '')) ?? Buffer.alloc(0));
  return { zone, plain, long, text: () => metrics.text(0) };
}

const mixed = fc
  .tuple(
    fc.constantFrom(
      ...names.keys(),
      'none.shop.svc.cluster.local',
      `_tcp.${WEB}`,
      'cluster.local',
      'dns-version.cluster.local',
    ),
    fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
  )
  .map(([name, upper]) => [...name].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''));

describe('a plain answer', () => {
  it('is what the long way says, whatever is asked in whatever spelling', async () => {
    const { plain, long } = start();
    let short = 0;
    await fc.assert(
      fc.asyncProperty(
        mixed,
        fc.constantFrom(...Object.values(types)),
        fc.option(fc.record({ udpSize: fc.nat(65_535), version: fc.constantFrom(0, 0, 0, 1), dnssecOk: fc.boolean() })),
        fc.boolean(),
        async (name, type, edns, recursionDesired) => {
          const asked = query(name, type, { recursionDesired, ...(edns === null ? {} : { edns }) });
          const bytes = encode(asked, 512);
          const answer = plain(bytes);
          if (answer === undefined) return;
          short += 1;
          expect(comparable(answer)).toEqual(comparable(await long(bytes)));
          expect(answer.questions[0]?.name).toBe(name);
        },
      ),
      { numRuns: 2000 },
    );
    expect(short).toBeGreaterThan(500);
  });

  it('follows every change of what it tells: its records, their targets, and that there are none', () => {
    const { zone, plain } = start(new Map([...names].filter(([name]) => name !== `_sql._tcp.${DB}`)));
    const of = (name: string, type: number) => plain(encode(query(name, type), 512));
    expect(of(`_http._tcp.${WEB}`, types.SRV)?.additionals).toHaveLength(2);
    expect(of(WEB, types.TXT)?.rcode).toBe(rcodes.NOERROR);
    expect(of(`new.${WEB}`, types.A)?.rcode).toBe(rcodes.NXDOMAIN);
    const serial = (message: Message | undefined): number =>
      message?.authorities[0]?.data.readUInt32BE(message.authorities[0].data.length - 20) ?? 0;
    const before = serial(of('none.cluster.local', types.A));

    const changed = new Map([
      ...names,
      [WEB, [addressRecord('10.96.0.8')]],
      [`new.${WEB}`, [addressRecord('10.0.0.9')]],
    ]);
    zone.publish(new Map([['test', changed as DnsPart]]));
    expect(of(WEB, types.A)?.answers[0]?.data).toEqual(Buffer.from([10, 96, 0, 8]));
    expect(of(WEB, types.AAAA)).toMatchObject({ rcode: rcodes.NOERROR, answers: [] });
    expect(of(`_http._tcp.${WEB}`, types.SRV)?.additionals.map(({ data }) => [...data])).toEqual([[10, 96, 0, 8]]);
    expect(of(`new.${WEB}`, types.A)?.answers).toHaveLength(1);
    expect(serial(of('none.cluster.local', types.A))).toBeGreaterThan(before);

    zone.publish(new Map([['test', undefined]]));
    for (const name of [WEB, `_http._tcp.${WEB}`]) expect(of(name, types.A)?.rcode).toBe(rcodes.NXDOMAIN);
  });

  it('lets each record be the first in its turn, for each type by itself', () => {
    const { plain } = start();
    const first = (type: number) => plain(encode(query(DB, type), 512))?.answers[0]?.data.at(-1);
    const asked = Array.from({ length: 6 }, () => [first(types.A), first(types.AAAA)]);
    expect(asked).toEqual([
      [1, 1],
      [2, 2],
      [3, 1],
      [1, 2],
      [2, 1],
      [3, 2],
    ]);
  });

  it('is counted as any other', () => {
    const { plain, text } = start();
    plain(encode(query(WEB), 512));
    plain(encode(query('none.cluster.local'), 512));
    expect(text()).toContain('evenkeel_dns_requests_total{protocol="udp",type="A"} 2');
    expect(text()).toContain('evenkeel_dns_responses_total{source="cluster",rcode="NXDOMAIN"} 1');
    expect(text()).toContain('evenkeel_dns_request_duration_seconds_count{source="cluster"} 2');
  });
});
