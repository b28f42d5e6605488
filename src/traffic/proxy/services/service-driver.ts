// The user-space Service driver: keeps one listener per Service address, as the snapshot names them.
// Knows nothing of what a listener does with its clients.

import type { Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type AddressRange, contains, parseAddress, parseRange } from '#lib/address-range.ts';
import type { Listener, ServicePort } from '#traffic/model/ir.ts';
import { AffinityTable } from '#traffic/snapshot/rules/affinity-table.ts';
import type { FlowContext } from '../layer4/context.ts';
import { TcpListener } from '../tcp/tcp-listener.ts';
import { UdpListener } from '../udp/udp-listener.ts';
import type { ListenReport } from '../workers/gateway-listeners.ts';
import { type Binding, bindingsOf, listenFailure } from './bindings.ts';
import { ServiceRoute } from './service-route.ts';

interface Bound {
  readonly binding: Binding;
  readonly listener: TcpListener | UdpListener;
  readonly route: ServiceRoute;
}

/** A front has no socket of its own here. */
const WITHOUT_SOCKET = { address: '', port: 0, protocol: 'http' } as const;

export interface ServiceDriverOptions {
  /** Addresses, besides 127.0.0.1, that node ports are served on. */
  readonly nodeAddresses: readonly string[];
  /** Whether ClusterIPs are served. */
  readonly clusterAddresses: boolean;
  /** CIDRs of load-balancer addresses that are served although no interface has them. */
  readonly balancerCidrs: readonly string[];
  /** Takes connections to a cluster IP that has a front. */
  readonly fronts: {
    /** Whether it looks into what this client sends. */
    routes(front: Listener, socket: Socket): boolean;
    accept(front: Listener, socket: Socket): void;
  };
  /** Whether this worker serves a Service; each Service has one worker, because affinity is its memory. */
  owns(service: string): boolean;
}

export class ServiceDriver {
  readonly #context: FlowContext;
  readonly #options: ServiceDriverOptions;
  readonly #report: ListenReport;
  readonly #ranges: readonly AddressRange[];
  readonly #bound = new Map<string, Bound>();
  readonly #affinity = new Map<string, AffinityTable>();
  /** TCP listeners that accept no more but still have flows. */
  readonly #closing = new Set<TcpListener | UdpListener>();

  constructor(context: FlowContext, options: ServiceDriverOptions, report: ListenReport) {
    this.#context = context;
    this.#options = options;
    this.#report = report;
    this.#ranges = options.balancerCidrs.flatMap((cidr) => parseRange(cidr) ?? []);
  }

  get connections(): number {
    let count = 0;
    for (const { listener } of this.#bound.values()) count += listener.connections;
    for (const listener of this.#closing) count += listener.connections;
    return count;
  }

  /** Resolves once every new address is bound, or reported as failed; a failed one is tried again with each change. */
  async reconcile(services: ReadonlyMap<string, ServicePort>): Promise<void> {
    const wanted = new Map<string, Binding>();
    const isLocal = localAddressCheck(this.#ranges);
    for (const service of services.values()) {
      if (!this.#options.owns(service.name)) continue;
      const { clusterAddresses, nodeAddresses } = this.#options;
      const served = clusterAddresses ? service : { ...service, clusterIPs: [] };
      for (const binding of bindingsOf(served, ['127.0.0.1', ...nodeAddresses], isLocal)) {
        wanted.set(binding.key, binding);
      }
    }
    for (const [key, { listener, route }] of this.#bound) {
      const binding = wanted.get(key);
      if (binding === undefined) this.#unbind(key, listener);
      else route.service = binding.service;
    }
    for (const name of this.#affinity.keys()) if (!services.has(name)) this.#affinity.delete(name);
    const opening: Promise<void>[] = [];
    for (const binding of wanted.values()) if (!this.#bound.has(binding.key)) opening.push(this.#bind(binding));
    await Promise.all(opening);
    for (const { listener } of this.#bound.values()) listener.onSnapshot();
  }

  /** Accepts nobody any more. */
  drain(): void {
    for (const [key, { listener }] of this.#bound) this.#unbind(key, listener);
  }

  close(): void {
    for (const { listener } of this.#bound.values()) listener.destroy();
    for (const listener of this.#closing) listener.destroy();
    this.#bound.clear();
    this.#closing.clear();
  }

  #unbind(key: string, listener: TcpListener | UdpListener): void {
    this.#bound.delete(key);
    listener.close();
    for (const closing of this.#closing) if (closing.connections === 0) this.#closing.delete(closing);
    if (listener.connections > 0) this.#closing.add(listener);
  }

  async #bind(binding: Binding): Promise<void> {
    const route = new ServiceRoute(binding.service, this.#affinityOf(binding.service.name));
    const listener =
      binding.service.protocol === 'UDP'
        ? new UdpListener(this.#context, route)
        : new TcpListener(this.#context, route, (socket) => binding.inside && this.#toFront(route, socket));
    this.#bound.set(binding.key, { binding, listener, route });
    try {
      const port = await listener.listen(binding.address, binding.port);
      this.#report.listening(binding.name, binding.address, port);
    } catch (error) {
      this.#bound.delete(binding.key);
      listener.destroy();
      const { code = '', message } = error as NodeJS.ErrnoException;
      this.#report.failed(binding.service.name, code, listenFailure(binding, code, message));
    }
  }

  /** Requests are routed, where the Service has a front by now. */
  #toFront({ service: { front } }: ServiceRoute, socket: Socket): boolean {
    if (front === undefined) return false;
    const listener: Listener = { ...WITHOUT_SOCKET, name: front.name, front };
    if (!this.#options.fronts.routes(listener, socket)) return false;
    this.#options.fronts.accept(listener, socket);
    return true;
  }

  #affinityOf(service: string): AffinityTable {
    let table = this.#affinity.get(service);
    if (table === undefined) {
      table = new AffinityTable();
      this.#affinity.set(service, table);
    }
    return table;
  }
}

/** Every address of an interface, all of 127.0.0.0/8, and those of the ranges, which the kernel takes for local. */
function localAddressCheck(ranges: readonly AddressRange[]): (address: string) => boolean {
  const known = new Set<string>();
  for (const list of Object.values(networkInterfaces())) for (const entry of list ?? []) known.add(entry.address);
  const isRanged = (text: string): boolean => {
    const address = ranges.length === 0 ? undefined : parseAddress(text);
    return address !== undefined && ranges.some((range) => contains(range, address));
  };
  return (address) => address.startsWith('127.') || known.has(address) || isRanged(address);
}
