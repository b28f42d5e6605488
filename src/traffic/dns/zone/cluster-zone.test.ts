// The cluster's zone as data: every name has exactly its records, whatever came and went before.
// Questions in, records out; no bytes of messages.
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { addressRecord, reverseName } from '#traffic/model/dns/address-names.ts';
import type { DnsPart, DnsRecord } from '#traffic/model/dns/ir-dns.ts';
import { rcodes, types } from '../wire/message.ts';
import { readName } from '../wire/name.ts';
import { ClusterZone } from './cluster-zone.ts';

const RANGES = ['10.96.0.0/16', '10.244.0.0/16', 'fd00:10:96::/112'];

function zoneOf(parts: Readonly<Record<string, DnsPart | undefined>> = {}): ClusterZone {
  const zone = new ClusterZone({
    domain: 'cluster.local',
    ttl: 5,
    addresses: ['10.96.0.10'],
    ranges: RANGES,
    clock: new FakeClock(),
  });
  zone.publish(new Map(Object.entries(parts)));
  return zone;
}

const ask = (zone: ClusterZone, name: string, type: number = types.A) => zone.answer({ name, type, class: 1 });
const textOf = (data: Buffer): string => ipaddr.fromByteArray([...data]).toString();
const addresses = (zone: ClusterZone, name: string, type: number = types.A): string[] | undefined =>
  ask(zone, name, type)?.answers.map(({ data }) => textOf(data));
const a = (...all: string[]): DnsRecord[] => all.map(addressRecord);

describe('the domain', () => {
  const web = new Map<string, readonly DnsRecord[]>([
    ['web.shop.svc.cluster.local', a('10.96.0.7', 'fd00:10:96::7')],
    [
      '_http._tcp.web.shop.svc.cluster.local',
      [{ type: 'SRV', priority: 0, weight: 100, port: 80, target: 'web.shop.svc.cluster.local' }],
    ],
  ]);

  it('answers in any spelling, and repeats it', () => {
    const answer = ask(zoneOf({ web }), 'WEB.Shop.svc.CLUSTER.local');
    expect(answer?.answers).toMatchObject([{ name: 'WEB.Shop.svc.CLUSTER.local', ttl: 5 }]);
  });

  it('tells a name without such data from no name', () => {
    const zone = zoneOf({ web });
    const outcome = (name: string, type: number = types.A) => {
      const { rcode = -1, answers = [], authorities = [] } = ask(zone, name, type) ?? {};
      return [rcode, answers.length, authorities.map(({ name: owner, type: kind, ttl }) => [owner, kind, ttl])];
    };
    const soa = [['cluster.local', types.SOA, 5]];
    expect(outcome('web.shop.svc.cluster.local', types.TXT)).toEqual([rcodes.NOERROR, 0, soa]);
    expect(outcome('_tcp.web.shop.svc.cluster.local')).toEqual([rcodes.NOERROR, 0, soa]);
    expect(outcome('shop.svc.cluster.local')).toEqual([rcodes.NOERROR, 0, soa]);
    expect(outcome('cluster.local')).toEqual([rcodes.NOERROR, 0, soa]);
    expect(outcome('web.other.svc.cluster.local')).toEqual([rcodes.NXDOMAIN, 0, soa]);
    expect(outcome('x.web.shop.svc.cluster.local')).toEqual([rcodes.NXDOMAIN, 0, soa]);
    zone.publish(new Map([['web', undefined]]));
    expect(outcome('shop.svc.cluster.local')).toEqual([rcodes.NXDOMAIN, 0, soa]);
  });

  it('is no answer before anything has been published', () => {
    const zone = new ClusterZone({
      domain: 'cluster.local',
      ttl: 5,
      addresses: [],
      ranges: RANGES,
      clock: new FakeClock(),
    });
    const rcode = (name: string) => ask(zone, name, types.PTR)?.rcode;
    const all = ['web.shop.svc.cluster.local', '7.0.96.10.in-addr.arpa', 'dns-version.cluster.local', 'cluster.local'];
    expect(all.map(rcode)).toEqual([rcodes.SERVFAIL, rcodes.SERVFAIL, rcodes.NOERROR, rcodes.NOERROR]);
    expect(zone.prepared('web.shop.svc.cluster.local', types.A)).toBeUndefined();
    zone.publish(new Map());
    expect(all.map(rcode)).toEqual([rcodes.NXDOMAIN, rcodes.NXDOMAIN, rcodes.NOERROR, rcodes.NOERROR]);
  });

  it('has no wildcards: an asterisk is a name as any other', () => {
    const zone = zoneOf({ web });
    for (const name of ['*.shop.svc.cluster.local', 'web.*.svc.cluster.local', 'any.shop.svc.cluster.local']) {
      expect(ask(zone, name)?.rcode).toBe(rcodes.NXDOMAIN);
    }
    expect(ask(zone, '*._tcp.web.shop.svc.cluster.local', types.SRV)?.rcode).toBe(rcodes.NXDOMAIN);
  });

  it('has a name for every address of a pod in every namespace, where it is told to', () => {
    const options = { domain: 'cluster.local', ttl: 5, addresses: [], ranges: RANGES, clock: new FakeClock() };
    const zone = new ClusterZone({ ...options, anyPodAddress: true });
    zone.publish(new Map([['namespace/shop', new Map([['shop.pod.cluster.local', []]])]]));
    const found = (label: string, type: number = types.A, namespace = 'shop') =>
      addresses(zone, `${label}.${namespace}.pod.cluster.local`, type);
    expect(found('192-0-2-1')).toEqual(['192.0.2.1']);
    expect(found('fd00--1', types.AAAA)).toEqual(['fd00::1']);
    expect(found('fd00--1')).toEqual([]);
    const rcode = (name: string) => ask(zone, `${name}.pod.cluster.local`)?.rcode;
    expect(['shop', '1-2-3.shop', 'x-y.shop', '192-0-2-1.other', 'a.192-0-2-1.shop'].map(rcode)).toEqual([
      0, 3, 3, 3, 3,
    ]);
    expect(ask(zoneOf({ web }), '192-0-2-1.shop.pod.cluster.local')?.rcode).toBe(rcodes.NXDOMAIN);
    expect(zone.prepared('192-0-2-1.shop.pod.cluster.local', types.A)).toBeUndefined();
  });

  it('brings the addresses of what a record points at', () => {
    const answer = ask(zoneOf({ web }), '_http._tcp.web.shop.svc.cluster.local', types.SRV);
    expect(answer?.additionals.map(({ name, data }) => [name, textOf(data)])).toEqual([
      ['web.shop.svc.cluster.local', '10.96.0.7'],
      ['web.shop.svc.cluster.local', 'fd00:10:96::7'],
    ]);
  });

  it('lets each address be the first in its turn', () => {
    const zone = zoneOf({ db: new Map([['db.shop.svc.cluster.local', a('10.244.0.1', '10.244.0.2', '10.244.0.3')]]) });
    const firsts = Array.from({ length: 6 }, () => addresses(zone, 'db.shop.svc.cluster.local')?.[0]);
    expect(firsts).toEqual(['10.244.0.1', '10.244.0.2', '10.244.0.3', '10.244.0.1', '10.244.0.2', '10.244.0.3']);
  });

  it('knows itself: authority, name server, version', () => {
    const zone = zoneOf();
    expect(ask(zone, 'cluster.local', types.NS)?.additionals.map(({ data }) => textOf(data))).toEqual(['10.96.0.10']);
    expect(ask(zone, 'cluster.local', types.SOA)?.answers).toHaveLength(1);
    expect(ask(zone, 'dns-version.cluster.local', types.TXT)?.answers[0]?.data.toString('latin1')).toBe('\x051.1.0');
  });

  it('raises its serial with every change', () => {
    const zone = zoneOf();
    const serial = () => ask(zone, 'cluster.local', types.SOA)?.answers[0]?.data.subarray(-20).readUInt32BE(0) ?? 0;
    const before = serial();
    zone.publish(new Map([['web', web]]));
    expect(serial()).toBeGreaterThan(before);
  });

  it('leaves other names to others', () => {
    expect(ask(zoneOf(), 'example.com')).toBeUndefined();
    expect(ask(zoneOf(), 'notcluster.local')).toBeUndefined();
    expect(ask(zoneOf(), '')).toBeUndefined();
  });

  it('skips an address and a target that are none', () => {
    const odd: DnsRecord[] = [
      { type: 'A', address: 'fd00::1' },
      { type: 'A', address: 'x' },
      { type: 'CNAME', target: 'a..b' },
    ];
    expect(ask(zoneOf({ odd: new Map([['odd.cluster.local', odd]]) }), 'odd.cluster.local')?.rcode).toBe(
      rcodes.NOERROR,
    );
  });
});

describe('reverse names', () => {
  it('of the ranges are answered here, others are not', () => {
    const zone = zoneOf();
    const rcode = (name: string) => ask(zone, name, types.PTR)?.rcode;
    expect(rcode('9.0.96.10.in-addr.arpa')).toBe(rcodes.NXDOMAIN);
    expect(rcode('0.96.10.in-addr.arpa')).toBe(rcodes.NOERROR);
    expect(rcode('10.in-addr.arpa')).toBeUndefined();
    expect(rcode('9.0.97.10.in-addr.arpa')).toBeUndefined();
    expect(rcode('x.0.96.10.in-addr.arpa')).toBeUndefined();
    expect(rcode(reverseName('fd00:10:96::9') ?? '')).toBe(rcodes.NXDOMAIN);
    expect(rcode(reverseName('fd00:10:97::9') ?? '')).toBeUndefined();
    expect(ask(zone, '9.0.96.10.in-addr.arpa', types.PTR)?.authorities[0]?.name).toBe('in-addr.arpa');
  });
});

/** A small cluster: Services by number, each with pods by number, coming and going. */
const steps = fc.array(
  fc.record({
    service: fc.integer({ min: 0, max: 3 }),
    pods: fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 6 })),
  }),
  { maxLength: 20 },
);

function headless(service: number, pods: readonly number[]): DnsPart {
  const own = `s${service}.shop.svc.cluster.local`;
  const part = new Map<string, DnsRecord[]>();
  for (const pod of pods) {
    const address = `10.244.0.${pod}`;
    part.set(own, [...(part.get(own) ?? []), ...a(address)]);
    part.set(`p${pod}.${own}`, a(address));
    part.set(reverseName(address) ?? '', [{ type: 'PTR', target: `p${pod}.${own}` }]);
  }
  return part;
}

describe('whatever came and went', () => {
  it('every name resolves to exactly its addresses, and every address to exactly its names', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const zone = zoneOf();
        const now = new Map<number, readonly number[]>();
        for (const { service, pods } of all) {
          if (pods === null) now.delete(service);
          else now.set(service, pods);
          zone.publish(new Map([[`service/${service}`, pods === null ? undefined : headless(service, pods)]]));
        }
        for (let service = 0; service < 4; service++) {
          const pods = now.get(service) ?? [];
          const name = `s${service}.shop.svc.cluster.local`;
          expect(new Set(addresses(zone, name))).toEqual(new Set(pods.map((pod) => `10.244.0.${pod}`)));
          expect(ask(zone, name)?.rcode).toBe(pods.length > 0 ? rcodes.NOERROR : rcodes.NXDOMAIN);
        }
        for (let pod = 1; pod <= 12; pod++) {
          const targets = (ask(zone, `${pod}.0.244.10.in-addr.arpa`, types.PTR)?.answers ?? []).map(
            ({ data }) => readName(data, 0)?.name ?? '',
          );
          const expected = [...now]
            .filter(([, pods]) => pods.includes(pod))
            .map(([s]) => `p${pod}.s${s}.shop.svc.cluster.local`);
          expect(new Set(targets)).toEqual(new Set(expected));
          for (const target of targets) expect(addresses(zone, target)).toEqual([`10.244.0.${pod}`]);
        }
        zone.publish(new Map([...now.keys()].map((service) => [`service/${service}`, undefined])));
        expect(zone.names).toBe(1);
        expect(ask(zone, 'svc.cluster.local')?.rcode).toBe(rcodes.NXDOMAIN);
      }),
    );
  });
});
