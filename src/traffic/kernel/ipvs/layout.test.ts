// What Service ports become in the kernel: services, marks, elements and addresses, and what is left of them when they go.
import { describe, expect, test } from 'vitest';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import { drainingOf, withDraining } from './drain.ts';
import { setNames } from './ip-sets.ts';
import { namesOf } from './names.ts';
import { Wanted } from './wanted.ts';

const names = namesOf(undefined);
const FAMILIES = ['IPv4', 'IPv6'] as const;
const here = l4Endpoint('10.244.0.2', { node: 'n1' });
const there = l4Endpoint('10.244.1.2', { node: 'n2' });
const BALANCER = '203.0.113.5';

function kept(...ports: readonly L4ServicePort[]): { wanted: Wanted; book: RuleBook } {
  const book = new RuleBook(nodeFacts());
  book.change(new Map(ports.map((port) => [port.name, port])));
  const wanted = new Wanted(names, undefined, FAMILIES);
  wanted.change(book.whole());
  return { wanted, book };
}

const services = ({ virtuals }: Wanted): Record<string, string> =>
  Object.fromEntries(
    [...virtuals].map(([key, { scheduler, others, persistentSeconds, destinations }]) => [
      key,
      [
        `${scheduler}${others}`,
        persistentSeconds,
        ...[...destinations].map(([name, weight]) => `${name}=${weight}`),
      ].join(' '),
    ]),
  );
const inSet = ({ elements }: Wanted, set: string): string[] =>
  [...elements].flatMap(([key, words]) => {
    const [name, element] = key.split(' ');
    return name === `evenkeel-${set}` ? [words === '' ? String(element) : `${element} ${words}`] : [];
  });

test('each address is a virtual service, and whatever is none of the node is the device', () => {
  const { wanted } = kept(l4Port({ endpoints: [here, there], externalIPs: [BALANCER, '192.0.2.1'], nodePort: 30_080 }));
  const both = 'rr 0 10.244.0.2:8080=1 10.244.1.2:8080=1';
  expect(services(wanted)).toEqual({
    '-t 10.96.0.10:80': both,
    '-t 203.0.113.5:80': both,
    '-t 192.0.2.1:80': both,
    '-t 192.0.2.1:30080': both,
  });
  expect([...wanted.addresses.keys()]).toEqual(['10.96.0.10', BALANCER]);
  expect(inSet(wanted, 'ips-4')).toEqual(['10.96.0.10', BALANCER]);
  expect(inSet(wanted, 'masq-other-4')).toHaveLength(4);
  expect(inSet(wanted, 'masq-pod-4')).toEqual(['203.0.113.5,tcp:80', '192.0.2.1,tcp:80', '192.0.2.1,tcp:30080']);
  // Of pods of this node alone.
  expect(inSet(wanted, 'loop-4')).toEqual(['10.244.0.2,tcp:8080,10.244.0.2']);
});

test('weights, hashes and affinity choose the scheduler and the time', () => {
  const weighted = [here, { ...there, weight: 3 }];
  expect(services(kept(l4Port({ endpoints: weighted })).wanted)['-t 10.96.0.10:80']).toBe(
    'wrr 0 10.244.0.2:8080=1 10.244.1.2:8080=3',
  );
  expect(services(kept(l4Port({ endpoints: [here], pick: 'source_hash' })).wanted)['-t 10.96.0.10:80']).toMatch(
    /^mh-b mh-fallback 0/,
  );
  expect(services(kept(l4Port({ endpoints: [here], affinitySeconds: 60 })).wanted)['-t 10.96.0.10:80']).toMatch(
    /^mh-b mh-fallback 60/,
  );
  const wanted = new Wanted(names, 'sed', FAMILIES);
  const book = new RuleBook(nodeFacts());
  const port = l4Port({ endpoints: weighted });
  book.change(new Map([[port.name, port]]));
  wanted.change(book.whole());
  expect(services(wanted)['-t 10.96.0.10:80']).toMatch(/^sed 0/);
});

test('an address that leads to other endpoints for other clients is known by marks', () => {
  const local = { loadBalancerIPs: [BALANCER], externalLocal: true, endpoints: [here, there], affinitySeconds: 60 };
  const { wanted } = kept(l4Port(local));
  const [cluster, own] = [names.firstMark, names.firstMark + 1];
  expect(services(wanted)).toEqual({
    // IPVS would change no port for clients that it remembers by a mark.
    [`-f ${cluster}`]: 'mh-b mh-fallback 0 10.244.0.2:8080=1 10.244.1.2:8080=1',
    [`-f ${own}`]: 'mh-b mh-fallback 0 10.244.0.2:8080=1',
  });
  const hex = (mark: number): string => `skbmark 0x${mark.toString(16)}`;
  expect(inSet(wanted, 'mark-pod-4')).toEqual([
    `10.96.0.10,tcp:80 ${hex(cluster)}`,
    `203.0.113.5,tcp:80 ${hex(cluster)}`,
  ]);
  expect(inSet(wanted, 'mark-other-4')).toEqual([
    `10.96.0.10,tcp:80 ${hex(cluster)}`,
    `203.0.113.5,tcp:80 ${hex(own)}`,
  ]);
});

test('who is refused, dropped and kept out', () => {
  const sources = ['198.51.100.0/24', '198.51.101.7/32'];
  const port = { loadBalancerIPs: [BALANCER], loadBalancerSources: sources, internalLocal: true, endpoints: [there] };
  const { wanted } = kept(l4Port(port), l4Port({ service: 'shop/empty', clusterIP: '10.96.0.11' }));
  for (const source of ['pod', 'node', 'other']) {
    expect(inSet(wanted, `drop-${source}-4`)).toEqual(['10.96.0.10,tcp:80']);
  }
  expect(inSet(wanted, 'reject-4')).toEqual(['10.96.0.11,tcp:80']);
  expect(inSet(wanted, 'guarded-4')).toEqual(['203.0.113.5,tcp:80']);
  expect(inSet(wanted, 'sources-4')).toEqual(['203.0.113.5,tcp:80,198.51.100.0/24', '203.0.113.5,tcp:80,198.51.101.7']);
  expect(services(wanted)['-t 10.96.0.11:80']).toBe('rr 0');
});

describe('changes', () => {
  test('what two ports share stays until both have gone, and nothing else stays', () => {
    const [web, tls] = [l4Port({ endpoints: [here] }), l4Port({ portName: 'tls', port: 443, endpoints: [here] })];
    const { wanted, book } = kept(web, tls);
    const before = new Wanted(names, undefined, FAMILIES);
    before.change({ node: nodeFacts(), ports: new Map() });
    for (const [name, left] of [
      [web.name, 1],
      [tls.name, 0],
    ] as const) {
      wanted.change(book.change(new Map([[name, undefined]])) ?? { ports: new Map() });
      expect([wanted.addresses.size, inSet(wanted, 'ips-4').length, inSet(wanted, 'loop-4').length]).toEqual([
        left,
        left,
        left,
      ]);
    }
    expect(wanted.virtuals.size).toBe(0);
    expect(wanted.elements).toEqual(before.elements);
  });

  test('an address that goes from one port to another is there all the time', () => {
    const web = l4Port({ externalIPs: [BALANCER], endpoints: [here] });
    const other = l4Port({ service: 'a/first', clusterIP: '10.96.0.11', externalIPs: [BALANCER], endpoints: [there] });
    const { wanted, book } = kept(web);
    wanted.takeTouched();
    wanted.change(book.change(new Map([[other.name, other]])) ?? { ports: new Map() });
    expect(services(wanted)['-t 203.0.113.5:80']).toBe('rr 0 10.244.1.2:8080=1');
    expect(wanted.addresses.has(BALANCER)).toBe(true);
    expect([...wanted.takeTouched().virtuals]).not.toContain('-t 10.96.0.12:80');
  });

  test('marks are given once, again when they are free, and not while an earlier run may have them', () => {
    const local = { externalLocal: true, nodePort: 30_080, endpoints: [here, there] };
    const port = l4Port(local);
    const { wanted, book } = kept(port);
    const marks = (): string[] => [...wanted.virtuals.keys()];
    const first = marks();
    wanted.change(book.change(new Map([[port.name, { ...port, endpoints: [here] }]])) ?? { ports: new Map() });
    expect(marks()).toEqual(first);
    const later = new Wanted(names, undefined, FAMILIES);
    later.avoidMarks([names.firstMark, names.firstMark + 7]);
    later.change(book.whole());
    expect([...later.virtuals.keys()]).toEqual([`-f ${names.firstMark + 8}`, `-f ${names.firstMark + 9}`]);
  });

  test('a node that becomes another is another everywhere, and families that are not there are passed over', () => {
    const port = l4Port({ externalIPs: [BALANCER], endpoints: [here] });
    const { wanted, book } = kept(port, l4Port({ family: 'IPv6' }));
    expect(inSet(wanted, 'served-6')).toEqual(['fd00:10:96::10,tcp:80']);
    const update = book.changeNode(nodeFacts({ addresses: [BALANCER], podRanges: ['10.200.0.0/16'] }));
    wanted.change(update ?? { ports: new Map() });
    expect([...wanted.addresses.keys()].filter((one) => !one.includes(':'))).toEqual(['10.96.0.10']);
    expect([inSet(wanted, 'pods-4'), inSet(wanted, 'pods-6'), inSet(wanted, 'node-4')]).toEqual([
      ['10.200.0.0/16'],
      [],
      [BALANCER],
    ]);
    const v4 = new Wanted(names, undefined, ['IPv4']);
    v4.change(book.whole());
    expect([...v4.elements.keys()].filter((key) => key.includes('-6 '))).toEqual([]);
    expect(v4.virtuals.size).toBe(2);
  });
});

test('endpoints drain: all of TCP, those of UDP that still serve', () => {
  const udp = { protocol: 'UDP' as const, endpoints: [here, { ...there, ready: false, terminating: true }] };
  const has = { scheduler: 'rr', persistentSeconds: 0, others: '' };
  const old = { ...has, destinations: new Map([here, there].map(({ address }) => [`${address}:8080`, 1])) };
  const gone = { ...old, destinations: new Map([...old.destinations, ['10.244.9.9:8080', 1]]) };
  const wantedUdp = kept(l4Port(udp)).wanted.virtuals.get('-u 10.96.0.10:80');
  const wantedTcp = kept(l4Port({ endpoints: [here] })).wanted.virtuals.get('-t 10.96.0.10:80');
  if (wantedUdp === undefined || wantedTcp === undefined) throw new Error('No service');
  expect([...withDraining(wantedUdp, gone).destinations]).toEqual([
    ['10.244.0.2:8080', 1],
    ['10.244.1.2:8080', 0],
  ]);
  const draining = withDraining(wantedTcp, gone);
  expect([...draining.destinations.values()]).toEqual([1, 0, 0]);
  const table = new Map([['-t 10.96.0.10:80', draining]]);
  expect(drainingOf(table, kept(l4Port({ endpoints: [here] })).wanted.virtuals)).toEqual(
    new Map([['-t 10.96.0.10:80', ['10.244.1.2:8080', '10.244.9.9:8080']]]),
  );
});

test('names fit into what the kernel has for them, whoever the owner is', () => {
  for (const owner of [undefined, '', 'a', 'x'.repeat(300)]) {
    const { prefix, device, firstMark } = namesOf(owner);
    expect(Math.max(...setNames(prefix, FAMILIES).map((name) => name.length))).toBeLessThanOrEqual(31);
    expect(`${prefix}-SERVICES`.length).toBeLessThanOrEqual(28);
    expect(device.length).toBeLessThanOrEqual(15);
    expect(firstMark + 0xffff).toBeLessThan(2 ** 31);
  }
  expect(namesOf('a').firstMark & 0xffff).toBe(0);
});
