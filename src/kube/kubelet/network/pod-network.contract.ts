// What every pod network must do, run by the tests of each one: with real packets wherever it has namespaces.
// Knows the contract only; how a network is made is handed in.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import type { HostPort, NetworkAttachment, NetworkRequest, PodNetwork } from './pod-network.ts';
import { type Inventory, NodeLab, nodeAddress, outsideAddress } from './testing/node-lab.ts';

export interface PodNetworkUnderTest {
  /** Another run of the same kubelet: same state, same names. */
  open(): PodNetwork;
  /** Removes what is the test's own, after the network was closed. */
  cleanUp(): void;
}

export interface PodNetworkTraits {
  /** Absent when pods share the machine's loopback device and nothing can be tried from elsewhere. */
  readonly namespaces: boolean;
  readonly families: readonly (4 | 6)[];
  /** Families in which a port of the node leads to a pod. */
  readonly hostPorts: readonly (4 | 6)[];
  /** The very first packet arrives; else IPv6 may take the second or two in which the kernel looks for duplicates. */
  readonly atOnce: boolean;
}

export function request(name: string, more: Partial<NetworkRequest> = {}): NetworkRequest {
  return { podUid: `uid-of-${name}`, podName: name, namespace: 'shop', hostPorts: [], ...more };
}

const PORT = 8080;

/** Runs the whole contract; `prepare` is called before each test with a node of its own. */
export function podNetworkContract(
  name: string,
  traits: PodNetworkTraits,
  prepare: (lab: NodeLab, owner: string) => PodNetworkUnderTest,
): void {
  describe(`${name} pod network`, () => {
    let lab: NodeLab;
    let owner: string;
    let subject: PodNetworkUnderTest;
    let network: PodNetwork;
    beforeEach(() => {
      lab = new NodeLab();
      owner = `${lab.id}-a`;
      subject = prepare(lab, owner);
      network = subject.open();
    });
    afterEach(async () => {
      lab.stopServers();
      await network.close();
      subject.cleanUp();
      await lab.close();
    });

    const ask = async (netns: string | undefined, address: string, port: number): Promise<string> =>
      traits.atOnce
        ? await lab.ask(netns, address, port)
        : await eventually(`${address} answers`, () => lab.ask(netns, address, port));
    const addressOf = ({ podIps }: NetworkAttachment, family: 4 | 6): string =>
      podIps.find((ip) => ip.includes(':') === (family === 6)) ?? '';
    const serving = async (name: string, more: Partial<NetworkRequest> = {}): Promise<NetworkAttachment> => {
      const pod = await network.setUp(request(name, more));
      await lab.serve(name, pod.netns, PORT, pod.netns === undefined ? pod.podIps[0] : '');
      return pod;
    };

    it('gives every pod an address of its own in each family, and the same again when asked again', async () => {
      const names = Array.from({ length: 8 }, (_, at) => `pod-${at}`);
      const pods = await Promise.all(names.map((one) => network.setUp(request(one))));
      for (const pod of pods) expect(pod.podIps.map((ip) => (ip.includes(':') ? 6 : 4))).toEqual(traits.families);
      expect(new Set(pods.flatMap((pod) => pod.podIps)).size).toBe(8 * traits.families.length);
      expect(await network.setUp(request('pod-3'))).toEqual(pods[3]);
      expect(network.problem()).toBeUndefined();
    });

    it('takes a network away once, twice, and where there is none', async () => {
      await network.setUp(request('web'));
      await network.tearDown('uid-of-web');
      await network.tearDown('uid-of-web');
      await network.tearDown('uid-of-nobody');
    });

    it('gives a pod that comes back under its uid a network again', async () => {
      await network.setUp(request('web'));
      await network.tearDown('uid-of-web');
      const again = await serving('web');
      expect(await ask(again.netns, again.podIps[0] ?? '', PORT)).toMatch(/^web /);
    });

    it.each(traits.families)('carries IPv%d between pods and from a pod to itself', async (family) => {
      const [web, cart] = [await serving('web'), await network.setUp(request('cart'))];
      const [webIp, cartIp] = [addressOf(web, family), addressOf(cart, family)];
      // Who shares one device is known by its first address, unless the caller chooses.
      const from = (ip: string): string => (traits.namespaces ? `web ${ip}` : 'web 127.0.0.1');
      expect(await ask(cart.netns, webIp, PORT)).toBe(from(cartIp));
      expect(await ask(web.netns, webIp, PORT)).toBe(from(webIp));
    });

    if (!traits.namespaces) return;

    it.each(traits.families)('carries IPv%d between pods and the node', async (family) => {
      const web = await serving('web');
      await lab.serve('node', lab.node, 9090);
      expect(await ask(lab.node, addressOf(web, family), PORT)).toMatch(/^web /);
      expect(await ask(web.netns, nodeAddress[family], 9090)).toBe(`node ${addressOf(web, family)}`);
    });

    it('gives pods a loopback device that is up, and lets anybody in them open low ports', async () => {
      const web = await network.setUp(request('web'));
      await lab.serve('low', web.netns, 80);
      expect(await ask(web.netns, '127.0.0.1', 80)).toBe('low 127.0.0.1');
      expect(lab.sh('cat /proc/sys/net/ipv4/ip_unprivileged_port_start', web.netns)).toBe('0\n');
    });

    it.each(traits.hostPorts)('leads an IPv%d port of the node to its pod, from wherever', async (family) => {
      const ports: HostPort[] = [
        { hostPort: 7000, containerPort: PORT, protocol: 'TCP' },
        { hostPort: 7001, containerPort: PORT, protocol: 'UDP' },
      ];
      const web = await serving('web', { hostPorts: ports });
      const cart = await network.setUp(request('cart'));
      const node = nodeAddress[family];
      expect(await ask(lab.outside, node, 7000)).toBe(`web ${outsideAddress[family]}`);
      expect(await lab.askUdp(lab.outside, node, 7001)).toBe(`web ${outsideAddress[family]}`);
      for (const place of [lab.node, cart.netns, web.netns]) expect(await ask(place, node, 7000)).toMatch(/^web /);
      if (family === 4) expect(await ask(lab.node, '127.0.0.1', 7000)).toMatch(/^web /);
      await network.tearDown('uid-of-web');
      await expect(lab.ask(lab.outside, node, 7000)).rejects.toThrow('No answer');
    });

    it.each(traits.hostPorts.slice(0, 1))('answers on the asked IPv%d address of the node alone', async (family) => {
      const hostPorts: HostPort[] = [
        { hostPort: 7000, containerPort: PORT, protocol: 'TCP', hostIp: nodeAddress[family] },
      ];
      await serving('web', { hostPorts });
      expect(await ask(lab.outside, nodeAddress[family], 7000)).toMatch(/^web /);
      await expect(lab.ask(lab.node, '127.0.0.1', 7000)).rejects.toThrow('No answer');
    });

    it('leaves nothing behind but what pods share, and nothing at all when it is closed', async () => {
      const untouched = lab.inventory(owner);
      const hostPorts: HostPort[] = [{ hostPort: 7000, containerPort: PORT, protocol: 'TCP' }];
      await network.setUp(request('first', { hostPorts }));
      await network.tearDown('uid-of-first');
      const empty = lab.inventory(owner);
      expect(empty.namespaces).toEqual([]);
      await Promise.all(['a', 'b', 'c'].map((one) => network.setUp(request(one))));
      await network.setUp(request('d', { hostPorts }));
      for (const one of ['a', 'b', 'c', 'd']) await network.tearDown(`uid-of-${one}`);
      expect(lab.inventory(owner)).toEqual(empty);
      await network.setUp(request('e', { hostPorts }));
      await network.close();
      expect(afterClose(lab.inventory(owner))).toEqual(afterClose(untouched));
    });

    it('finds the networks of live pods again after a restart, and removes those of all others', async () => {
      const live = await serving('live');
      const gone = await network.setUp(request('gone'));
      network = subject.open();
      await network.sweep(new Set(['uid-of-live']));
      expect(lab.inventory(owner).namespaces).toHaveLength(1);
      const next = await network.setUp(request('next'));
      expect(await network.setUp(request('live'))).toEqual(live);
      expect(next.podIps).not.toEqual(live.podIps);
      expect(await ask(next.netns, live.podIps[0] ?? '', PORT)).toBe(`live ${next.podIps[0]}`);
      expect(gone.podIps).not.toEqual(live.podIps);
    });

    it('makes a network anew whose namespace somebody removed', async () => {
      const before = await network.setUp(request('web'));
      lab.sh(`ip netns delete ${before.netns?.split('/').at(-1)}`);
      network = subject.open();
      await network.sweep(new Set(['uid-of-web']));
      const web = await serving('web');
      expect(await ask(lab.node, web.podIps[0] ?? '', PORT)).toMatch(/^web /);
    });

    it('does not touch what belongs to another owner', async () => {
      const other = prepare(lab, `${owner}-b`);
      const neighbour = other.open();
      const web = await neighbour.setUp(request('web'));
      await lab.serve('web', web.netns, PORT);
      await network.setUp(request('web'));
      await network.sweep(new Set());
      await network.close();
      expect(await ask(web.netns, web.podIps[0] ?? '', PORT)).toMatch(/^web /);
      await neighbour.close();
      other.cleanUp();
    });

    if (!traits.atOnce) return;

    it.each(traits.families)('loses not even the first packet of IPv%d', async (family) => {
      const web = await serving('web');
      for (const place of [lab.node, lab.outside, (await network.setUp(request('cart'))).netns]) {
        expect(await lab.askUdp(place, addressOf(web, family), PORT)).toMatch(/^web /);
      }
    });
  });
}

/** Real plugins keep their bridge and their empty chains; what led to a pod must be gone. */
function afterClose({ links, namespaces, neighbours, elements }: Inventory): unknown {
  return { links: links.filter((link) => !link.startsWith('cni-')), namespaces, neighbours, elements };
}
