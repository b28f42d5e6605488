// Our own CNI plugin: a bridge on the node, a veth pair for each pod, addresses out of the node's ranges.
// Answers to the specification like any other plugin; knows neither pods of Kubernetes nor ports of the node.
import { basename } from 'node:path';
import { CniCode, CniError } from '../cni/cni-error.ts';
import type { CniCall, CniPlugin } from '../cni/plugin.ts';
import type { Commands } from '../commands.ts';
import type { Names } from '../netns/names.ts';
import type { NodeSettings } from '../netns/node-settings.ts';
import { bridgeScript, everywhere, podScript, removeBridgeScript, removePodScript } from './bridge-scripts.ts';
import type { Ipam, Lease } from './ipam.ts';
import { bridgeMac, podMac } from './mac.ts';
import { uplinkMtu } from './uplink.ts';
import { BUILTIN_VERSIONS, runtimeConfig, validAttachments } from './words.ts';

export interface BridgePluginOptions {
  readonly names: Names;
  readonly ipam: Ipam;
  readonly commands: Commands;
  readonly settings: NodeSettings;
  /** Bytes; that of the interface to the outside when left out. */
  readonly mtu?: number;
}

export class BridgePlugin implements CniPlugin {
  readonly #options: BridgePluginOptions;
  /** The bridge, once it has been asked for in this run. */
  #ready: Promise<{ mtu: number }> | undefined;

  constructor(options: BridgePluginOptions) {
    this.#options = options;
  }

  async invoke(call: CniCall): Promise<unknown> {
    switch (call.command) {
      case 'VERSION':
        return { cniVersion: BUILTIN_VERSIONS.at(-1), supportedVersions: BUILTIN_VERSIONS };
      case 'ADD':
        return await this.#add(call);
      case 'DEL':
        return await this.#del(call.containerId ?? '');
      case 'CHECK':
        return await this.#check(call);
      case 'GC':
        return await this.#collect(validAttachments(call));
      case 'STATUS':
        return void (await this.#bridge());
    }
  }

  async close(): Promise<void> {
    this.#ready = undefined;
    const { commands, names, ipam, settings } = this.#options;
    await commands.script(removeBridgeScript(names.bridge, ipam.pools));
    await settings.restore();
  }

  async #add(call: CniCall): Promise<unknown> {
    const { containerId = '', netns = '', ifName = '' } = call;
    const { names, ipam, commands } = this.#options;
    const { mtu } = await this.#bridge();
    const wanted = runtimeConfig(call);
    const leases = this.#lease(containerId, wanted.ips);
    const link = names.link(containerId);
    const mac = wanted.mac ?? podMac(leases);
    const facts = {
      bridge: names.bridge,
      bridgeMac: bridgeMac(ipam.pools),
      mtu,
      link,
      netns: basename(netns),
      ifName,
      mac,
      leases,
    };
    try {
      await commands.script(podScript(facts));
    } catch (error) {
      // Somebody may have taken the bridge away: the next try looks.
      this.#ready = undefined;
      throw new CniError(CniCode.ioFailure, `cannot connect the pod: ${(error as Error).message}`);
    }
    return {
      cniVersion: call.config.cniVersion,
      interfaces: [{ name: names.bridge, mac: facts.bridgeMac }, { name: link }, { name: ifName, mac, sandbox: netns }],
      ips: leases.map(({ address, family, gateway }) => ({
        address: `${address}/${family === 4 ? 32 : 128}`,
        gateway,
        interface: 2,
      })),
      routes: leases.map(({ family, gateway }) => ({ dst: everywhere(family), gw: gateway })),
    };
  }

  #lease(containerId: string, ips: readonly string[]): readonly Lease[] {
    try {
      return this.#options.ipam.acquire(containerId, ips);
    } catch (error) {
      throw new CniError(CniCode.tryAgainLater, (error as Error).message);
    }
  }

  async #del(containerId: string): Promise<void> {
    const { names, ipam, commands } = this.#options;
    await commands.script(removePodScript(names.bridge, names.link(containerId), ipam.of(containerId)));
    // Last: nobody may get the address while a route still leads to the pod that had it.
    ipam.release(containerId);
  }

  async #check({ containerId = '', netns = '', ifName = '', config }: CniCall): Promise<void> {
    const { names, ipam, commands } = this.#options;
    await this.#bridge();
    const leases = ipam.of(containerId).map((lease) => lease.address);
    const { ips = [] } = (config.prevResult ?? {}) as { ips?: readonly { address: string }[] };
    const expected = ips.map(({ address }) => address.split('/')[0] ?? '');
    const fail = (what: string): never => {
      throw new CniError(CniCode.unknownContainer, what);
    };
    if (expected.length === 0 || expected.join() !== leases.join())
      fail(`addresses ${expected.join(', ')} are not held`);
    const link = JSON.parse(await commands.must(['ip', '-j', 'link', 'show', 'dev', names.link(containerId)]));
    if (link[0]?.master !== names.bridge) fail(`${names.link(containerId)} is no port of ${names.bridge}`);
    const shown = await commands.must(['ip', '-n', basename(netns), '-j', 'addr', 'show', 'dev', ifName]);
    const [{ addr_info = [] } = {}] = JSON.parse(shown) as { addr_info?: { local: string }[] }[];
    for (const address of expected) {
      if (!addr_info.some(({ local }) => local === address)) fail(`${ifName} has lost ${address}`);
    }
  }

  /** What belongs to containers other than these is of a run that ended without DEL. */
  async #collect(valid: ReadonlySet<string>): Promise<void> {
    const { names, ipam, commands } = this.#options;
    for (const owner of ipam.owners()) {
      if (!valid.has(owner)) await this.#del(owner);
    }
    const kept = new Set([...valid].map((containerId) => names.link(containerId)));
    const links = JSON.parse(await commands.must(['ip', '-j', 'link'])) as { ifname: string }[];
    for (const { ifname } of links) {
      if (ifname.startsWith(names.linkPrefix) && !kept.has(ifname)) {
        await commands.script(removePodScript(names.bridge, ifname, []));
      }
    }
  }

  #bridge(): Promise<{ mtu: number }> {
    this.#ready ??= this.#makeBridge().catch((error: Error) => {
      this.#ready = undefined;
      throw new CniError(CniCode.notAvailable, `cannot make the bridge of the node: ${error.message}`);
    });
    return this.#ready;
  }

  async #makeBridge(): Promise<{ mtu: number }> {
    const { names, ipam, commands, settings } = this.#options;
    if (ipam.pools.length === 0) throw new Error('the node has no range of pod addresses (spec.podCIDRs)');
    const mtu = this.#options.mtu ?? (await uplinkMtu(commands));
    await settings.apply({
      'ipv4/ip_forward': '1',
      // A pod that asks its gateway for a neighbour shall not be told a shorter way.
      'ipv4/conf/all/send_redirects': '0',
      ...(ipam.pools.some((pool) => pool.family === 6) ? { 'ipv6/conf/all/forwarding': '1' } : {}),
    });
    await commands.script(bridgeScript({ bridge: names.bridge, mac: bridgeMac(ipam.pools), mtu, pools: ipam.pools }));
    return { mtu };
  }
}
