// The programs in the kernel, asked by real sockets of pods and of the node.
// The rules come from the compiler of the rule model; beneath is nobody, so what is left beneath is not served at all.
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { l4Endpoint, l4Port, nodeFacts } from '#traffic/snapshot/rules/testing.ts';
import type { L4Driver } from '../../contract.ts';
import { attachedPrograms } from '../bpf/link.ts';
import { unpin } from '../bpf/pin.ts';
import { CALLS } from '../programs/programs.ts';
import { bpfObstacle } from '../testing/obstacle.ts';
import { SocketLab } from '../testing/socket-lab.ts';
import { createEbpfDriver } from './ebpf-driver.ts';

const nobody: L4Driver = {
  name: 'userspace',
  apply: async () => {},
  cut: async () => {},
  verify: async () => ({ restored: 0, removed: 0 }),
  close: async () => {},
};

const SMALL = { fronts: 4096, sets: 1024, slots: 1 << 16, clients: 1024, flows: 1024, reverse: 4096 };
const a = l4Endpoint('10.244.0.2', { node: 'n1' });
const b = l4Endpoint('10.244.0.3', { node: 'n2' });
const a6 = l4Endpoint('fd00:244::2', { node: 'n1' });
const IP = '10.96.0.10';

describe.runIf(kernelAllows(bpfObstacle(), 'Services served by eBPF'))('eBPF', () => {
  let lab: SocketLab;
  let folder: string;
  let driver: L4Driver;
  let book: RuleBook;
  const warnings: string[] = [];

  beforeAll(async () => {
    lab = new SocketLab();
    lab.addPod('a', 2);
    lab.addPod('b', 3);
    lab.addPod('client', 9);
    await lab.serve(['a', 'b'], 8080);
  });
  afterAll(() => lab.close());

  const start = (): L4Driver =>
    createEbpfDriver({
      cgroup: lab.cgroup,
      netns: lab.fileOf('node'),
      owner: 'test',
      bpfFolder: folder,
      capacities: SMALL,
      beneath: nobody,
      warn: (message) => warnings.push(message),
    });

  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'evbpf-')), 'bpf');
    driver = start();
    book = new RuleBook(nodeFacts({ addresses: ['10.244.0.1', '192.0.2.1'], nodePortAddresses: ['192.0.2.1'] }));
  });
  afterEach(async () => {
    await driver.close();
    expect(warnings.splice(0)).toEqual([]);
    rmdirSync(dirname(folder));
    for (const call of CALLS) expect(attachedPrograms(lab.cgroup, call), call).toEqual([]);
  });

  async function serve(...ports: Partial<L4ServicePort>[]): Promise<void> {
    const all = ports.map((port) => l4Port(port));
    const gone = [...book.model.ports.keys()].map((name) => [name, undefined] as const);
    const update = book.change(
      new Map<string, L4ServicePort | undefined>([...gone, ...all.map((one) => [one.name, one] as const)]),
    );
    await driver.apply(update ?? book.whole());
  }

  /** Names of the servers that answer, each once. */
  async function answers(place: string, address: string, port = 80, count = 16): Promise<string[]> {
    const found = new Set<string>();
    for (let at = 0; at < count; at++) found.add((await lab.connect(place, address, port)).text);
    return [...found].sort();
  }

  it('takes TCP connections to the endpoints, and calls the peer by the name that was asked for', async () => {
    await serve({ endpoints: [a, b] });
    expect(await answers('client', IP)).toEqual(['a', 'b']);
    expect(await answers('node', IP)).toEqual(['a', 'b']);
    expect((await lab.connect('client', IP, 80)).peer).toBe(`${IP} 80`);
    // Sockets of others are not touched: nobody has that address.
    const direct = await lab.connect('client', '10.244.0.2', 8080);
    expect(direct).toEqual({ text: 'a', peer: '10.244.0.2 8080' });
  });

  it('serves IPv6, and IPv4 asked for by sockets of IPv6', async () => {
    await serve(
      { endpoints: [a] },
      { family: 'IPv6', clusterIP: 'fd00:96::10', endpoints: [a6] },
      { family: 'IPv6', protocol: 'UDP', clusterIP: 'fd00:96::10', endpoints: [a6] },
      { protocol: 'UDP', endpoints: [a] },
    );
    expect(await lab.connect('client', 'fd00:96::10', 80, { family: 'inet6' })).toEqual({
      text: 'a',
      peer: 'fd00:96::10 80',
    });
    expect(await lab.connect('client', `::ffff:${IP}`, 80, { family: 'inet6' })).toEqual({
      text: 'a',
      peer: `::ffff:${IP} 80`,
    });
    const six = lab.datagrams('client', 'inet6');
    expect(await six.ask('fd00:96::10', 80)).toEqual({ text: 'a', peer: 'fd00:96::10 80' });
    expect(await six.ask(`::ffff:${IP}`, 80)).toEqual({ text: 'a', peer: `::ffff:${IP} 80` });
  });

  it('takes datagrams to an endpoint, a socket to the same while it serves', async () => {
    const udp = { protocol: 'UDP' as const };
    await serve({ ...udp, endpoints: [a, b] });
    const client = lab.datagrams('client');
    const first = await client.ask(IP, 80);
    expect(first.peer).toBe(`${IP} 80`);
    for (let at = 0; at < 12; at++) expect(await client.ask(IP, 80)).toEqual(first);
    const others = new Set<string>();
    for (let at = 0; at < 16; at++) others.add((await lab.datagrams('client').ask(IP, 80)).text);
    expect(others.size).toBe(2);
    // On its way out it serves on, and keeps what it has.
    const leaving = (one: L4Endpoint): L4Endpoint => ({ ...one, ready: false, terminating: true });
    const [keeps, stays] = first.text === 'a' ? [a, b] : [b, a];
    await serve({ ...udp, endpoints: [leaving(keeps), stays] });
    expect(await client.ask(IP, 80)).toEqual(first);
    await serve({ ...udp, endpoints: [stays] });
    expect((await client.ask(IP, 80)).text).not.toBe(first.text);
  });

  it('takes connected datagram sockets to an endpoint', async () => {
    await serve({ protocol: 'UDP', endpoints: [a, b] });
    const answer = await lab.datagrams('client').askConnected(IP, 80);
    expect(answer).toMatchObject({ peer: `${IP} 80`, connectedTo: `${IP} 80` });
  });

  it('refuses at once where there is no endpoint', async () => {
    await serve({ endpoints: [] }, { protocol: 'UDP', endpoints: [] });
    await expect(lab.connect('client', IP, 80)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(lab.connect('client', `::ffff:${IP}`, 80, { family: 'inet6' })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await expect(lab.datagrams('client').ask(IP, 80)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await serve({ endpoints: [b] });
    expect(await answers('client', IP)).toEqual(['b']);
  });

  it('keeps a client with its endpoint where a Service asks for that', async () => {
    await serve({ affinitySeconds: 60, endpoints: [a, b] });
    const mine = await answers('client', IP);
    expect(mine).toHaveLength(1);
    // The endpoint goes, the client gets another; it does not come back.
    const [keeps, goes] = mine[0] === 'a' ? [b, a] : [a, b];
    await serve({ affinitySeconds: 60, endpoints: [keeps] });
    const other = await answers('client', IP);
    expect(other).not.toEqual(mine);
    await serve({ affinitySeconds: 60, endpoints: [goes, keeps] });
    expect(await answers('client', IP)).toEqual(other);
    await serve({ endpoints: [a, b] });
    expect(await answers('client', IP)).toEqual(['a', 'b']);
  });

  it('follows weights', async () => {
    await serve({
      endpoints: [
        { ...a, weight: 1 },
        { ...b, weight: 999 },
      ],
    });
    expect(await answers('client', IP, 80, 12)).toEqual(['b']);
  });

  it('serves node ports and balancer addresses to the node, and leaves pods to packets where it matters who is one', async () => {
    const spec = { nodePort: 30_080, loadBalancerIPs: ['203.0.113.5'], externalLocal: true, endpoints: [b] };
    await serve(spec);
    expect(await answers('node', '192.0.2.1', 30_080, 4)).toEqual(['b']);
    expect(await answers('node', '203.0.113.5', 80, 4)).toEqual(['b']);
    await expect(lab.connect('client', '203.0.113.5', 80)).rejects.toThrow();
  });

  it('leaves alone who is bound to an address that should be another', async () => {
    await serve({ endpoints: [a] });
    const left = { code: 'EHOSTUNREACH' };
    // The node's own address is replaced by that of the way to the endpoint; who is not bound gets it anyway.
    await expect(lab.connect('node', IP, 80, { from: '10.244.0.1' })).rejects.toMatchObject(left);
    expect((await lab.connect('node', IP, 80)).text).toBe('a');
    expect((await lab.connect('client', IP, 80, { from: '10.244.0.9' })).text).toBe('a');
    // A pod that reaches itself.
    await expect(lab.connect('a', IP, 80, { from: '10.244.0.2' })).rejects.toMatchObject(left);
    expect((await lab.connect('a', IP, 80)).text).toBe('a');
    // What it does not know at all.
    await expect(lab.connect('client', IP, 81)).rejects.toMatchObject(left);
    await serve({ internalLocal: true, endpoints: [b] });
    await expect(lab.connect('client', IP, 80)).rejects.toMatchObject(left);
    await serve({ pick: 'source_hash', endpoints: [a, b] });
    await expect(lab.connect('client', IP, 80)).rejects.toMatchObject(left);
  });

  it('knows local endpoints from others', async () => {
    await serve({ internalLocal: true, endpoints: [a, b] });
    expect(await answers('client', IP)).toEqual(['a']);
  });

  it('follows endpoints as they come and go, and never asks one that is gone', async () => {
    const random = [a, b];
    for (let turn = 0; turn < 8; turn++) {
      const endpoints = random.filter((_, index) => turn % 2 === 0 || index === (turn >> 1) % 2);
      await serve({ endpoints });
      expect(await answers('client', IP)).toEqual(endpoints.map((one) => (one === a ? 'a' : 'b')));
    }
  });

  it('goes on without its process, and hands over without a gap', async () => {
    await serve({ affinitySeconds: 600, endpoints: [a, b] });
    const [mine] = await answers('client', IP);
    await driver.close(true);
    expect(await answers('client', IP)).toEqual([mine]);
    driver = start();
    expect(await answers('client', IP)).toEqual([mine]);
    await driver.apply(book.whole());
    expect(await answers('client', IP)).toEqual([mine]);
    for (const call of CALLS) expect(attachedPrograms(lab.cgroup, call), call).toHaveLength(1);
  });

  it('puts right what others change', async () => {
    await serve({ endpoints: [a] });
    expect(await driver.verify()).toEqual({ restored: 0, removed: 0 });
    for (const call of ['connect4', 'connect6']) unpin(join(folder, 'evenkeel-test', call));
    expect(await driver.verify()).toEqual({ restored: 2, removed: 0 });
    expect(await answers('client', IP)).toEqual(['a']);
    for (const call of CALLS) expect(attachedPrograms(lab.cgroup, call), call).toHaveLength(1);
  });

  it('says which table is full, and serves on once there is room', async () => {
    const many = Array.from({ length: SMALL.sets + 1 }, (_, at) => ({
      service: `shop/s${at}`,
      clusterIP: `10.97.${at >> 8}.${at & 255}`,
      endpoints: [a],
    }));
    await expect(serve(...many)).rejects.toThrow(/map "sets" \(capacity 1024\) failed/);
    await serve({ endpoints: [a] });
    expect(await answers('client', IP)).toEqual(['a']);
  });
});
