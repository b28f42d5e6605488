// The benchmark of Services at the socket: what connect() costs through the eBPF programs, beside a direct one and nftables.
// Knows the drivers by their contract; packets stay within namespaces of its own.

import { libc } from '../../src/lib/sys/libc.ts';
import { closeSocket, SOL_SOCKET, setSocketOption } from '../../src/lib/sys/socket.ts';
import { encodeSocketAddress } from '../../src/lib/sys/socket-address.ts';
import type { L4Driver } from '../../src/traffic/kernel/contract.ts';
import { createEbpfDriver } from '../../src/traffic/kernel/ebpf/driver/ebpf-driver.ts';
import { bpfObstacle } from '../../src/traffic/kernel/ebpf/testing/obstacle.ts';
import { SocketLab } from '../../src/traffic/kernel/ebpf/testing/socket-lab.ts';
import { createNftablesDriver } from '../../src/traffic/kernel/nftables/driver.ts';
import { RuleBook } from '../../src/traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from '../../src/traffic/snapshot/rules/testing.ts';
import type { Benchmark } from '../lib/benchmark.ts';
import { printJson, printTable, speaker } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';

const UDP_CALLS = 50_000;
const TCP_CALLS = 400;
const POD = '10.244.0.2';
const SERVICE = '10.96.0.10';
const STICKY = '10.96.0.11';
/** SO_LINGER {1, 0}: closing leaves no port waiting. */
const SO_LINGER = 13;
const LINGER_NONE = new Uint8Array(new Int32Array([1, 0]).buffer);

interface Way {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The client's socket is seen by the programs. */
  readonly seen: boolean;
}

interface Result {
  readonly name: string;
  /** Nanoseconds a call, a value a round. */
  readonly rounds: readonly number[];
}

export const ebpf: Benchmark = {
  usage: {
    name: 'ebpf',
    about: 'connect() to a Service by the eBPF driver beside a direct one, with many Services. Needs root and koffi.',
    seconds: 1,
    rounds: 9,
    own: { services: { default: 5000, help: 'Services beside the one that is asked' } },
  },
  run: async (options, args) => {
    const say = speaker(options.json);
    const obstacle = bpfObstacle();
    if (obstacle !== undefined) return say(`Left out, because ${obstacle}`);
    const lab = new SocketLab();
    const drivers: L4Driver[] = [];
    try {
      lab.addPod('a', 2);
      lab.addPod('client', 9);
      await lab.serve(['a'], 8080);
      const direct = { name: 'direct, no program', address: POD, port: 8080, seen: false };
      const ways: Way[] = [
        direct,
        { ...direct, name: 'direct, seen by the programs', seen: true },
        { name: 'Service', address: SERVICE, port: 80, seen: true },
        { name: 'Service with affinity', address: STICKY, port: 80, seen: true },
      ];
      const rules = book(options.number('services'));
      const began = performance.now();
      drivers.push(createEbpfDriver({ ...driverOptions(lab), cgroup: lab.cgroup, beneath: nobody }));
      await drivers[0]?.apply(rules.whole());
      const applied = performance.now() - began;
      const udp = await measure(ways, options.rounds, (way) => udpConnects(lab, way));
      const tcp = await measure(ways, options.rounds, (way) => tcpConnects(lab, way));
      await drivers.pop()?.close();
      // The same connection by packets. The pod's traffic passes the bridge; the node's own meets its rules.
      const packets = createNftablesDriver(driverOptions(lab));
      drivers.push(packets);
      await packets.apply(book(0).whole());
      const byPackets: Way[] = [
        { ...direct, name: 'direct, rules of nftables' },
        { name: 'Service, nftables', address: SERVICE, port: 80, seen: false },
      ];
      lab.routeServices();
      const nft = await measure(byPackets, options.rounds, (way) => tcpConnects(lab, way, 'node'));
      if (options.json) printJson('ebpf', args, { applied, udp, tcp, nft });
      else {
        say(`${rules.model.ports.size} Services in force after ${applied.toFixed(0)} ms`);
        show('connect() of a UDP socket: the call alone', udp);
        show('connect() of a TCP socket to a pod behind a bridge: handshake included', tcp);
        show('The same from the node, by packets', nft);
      }
    } finally {
      for (const driver of drivers) await driver.close();
      await lab.close();
    }
  },
};

const nobody: L4Driver = {
  name: 'userspace',
  apply: async () => {},
  cut: async () => {},
  verify: async () => ({ restored: 0, removed: 0 }),
  close: async () => {},
};

function driverOptions(lab: SocketLab) {
  const warn = (message: string): void => console.error(message);
  return { netns: lab.fileOf('node'), owner: `bench-${process.pid}`, warn };
}

function book(others: number): RuleBook {
  const made = new RuleBook(nodeFacts());
  const endpoints = [l4Endpoint(POD)];
  const ports = [
    l4Port({ clusterIP: SERVICE, endpoints }),
    l4Port({ clusterIP: SERVICE, protocol: 'UDP', endpoints }),
    l4Port({ service: 'shop/sticky', clusterIP: STICKY, affinitySeconds: 600, endpoints }),
    l4Port({ service: 'shop/sticky', protocol: 'UDP', clusterIP: STICKY, affinitySeconds: 600, endpoints }),
  ];
  for (let at = 0; at < others; at++) {
    ports.push(l4Port({ service: `other/s${at}`, clusterIP: `10.97.${at >> 8}.${at & 255}`, endpoints }));
  }
  made.change(new Map(ports.map((port) => [port.name, port])));
  return made;
}

/** Every way once in every round, so that what else the machine does meets all of them. */
async function measure(ways: readonly Way[], rounds: number, run: (way: Way) => Promise<number>): Promise<Result[]> {
  const found = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (const way of ways) await run(way);
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) found.get(way.name)?.push(await run(way));
  }
  return [...found].map(([name, values]) => ({ name, rounds: values }));
}

/** One socket, connected again and again: no packet, no handshake. */
async function udpConnects(lab: SocketLab, { address, port, seen }: Way): Promise<number> {
  const fd = lab.socket('client', 'inet', 'datagram', seen);
  const bytes = encodeSocketAddress({ family: 'inet', address, port });
  const { connect } = libc();
  const began = performance.now();
  for (let call = 0; call < UDP_CALLS; call++) {
    if (connect(fd, bytes, bytes.length) !== 0) throw new Error(`connect to ${address} failed`);
  }
  const nanoseconds = ((performance.now() - began) * 1e6) / UDP_CALLS;
  closeSocket(fd);
  return nanoseconds;
}

/** connect() of new sockets, which on one machine returns after the handshake is done. */
async function tcpConnects(lab: SocketLab, { address, port, seen }: Way, place = 'client'): Promise<number> {
  const bytes = encodeSocketAddress({ family: 'inet', address, port });
  const { connect } = libc();
  const fds = lab.sockets(place, TCP_CALLS, seen);
  // The middle of single calls: whoever takes the processor away meanwhile takes milliseconds.
  const nanoseconds = median(
    fds.map((fd) => {
      const began = process.hrtime.bigint();
      connect(fd, bytes, bytes.length);
      return Number(process.hrtime.bigint() - began);
    }),
  );
  for (const fd of fds) {
    setSocketOption(fd, SOL_SOCKET, SO_LINGER, LINGER_NONE);
    closeSocket(fd);
  }
  // The server takes what waits.
  await new Promise((resolve) => setImmediate(resolve));
  return nanoseconds;
}

function show(title: string, results: readonly Result[]): void {
  const base = results[0]?.rounds ?? [];
  const cost = ({ rounds }: Result): number => median(rounds.map((value, at) => value - (base[at] ?? 0)));
  printTable(
    title,
    [
      { title: 'way', cell: ({ name }: Result) => name },
      { title: 'µs', cell: ({ rounds }) => (median(rounds) / 1000).toFixed(2) },
      { title: 'added µs', cell: (one) => (cost(one) / 1000).toFixed(2) },
    ],
    results,
  );
}
