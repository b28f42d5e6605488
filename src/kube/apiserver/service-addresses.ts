// An IPAddress for every cluster IP that a Service has, and none without; and the default ServiceCIDR, should it go.
// Knows the objects; who gets which address is decided in strategies/service. Upstream: repairip, default_servicecidr.
import { allocatedLabels, DEFAULT_SERVICE_CIDR, isAllocated } from '#kube/api/service-ranges.ts';
import { isStatus } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import { ensure, publishRange } from './bootstrap.ts';
import type { ServerContext } from './context.ts';
import { type AnyObject, dig } from './registry/any-object.ts';
import { clusterIpsOf } from './strategies/service/allocations.ts';
import { canonicalAddress } from './strategies/service/ip-pool.ts';
import { deleteObject } from './write/delete.ts';

interface Owner {
  readonly namespace: string;
  readonly name: string;
}

/** Brings what is stored into step, and keeps it there; `stop` waits for what is being written. */
export function followAddresses(server: ServerContext): { stop(): Promise<void> } {
  const follower = new AddressFollower(server);
  return { stop: () => follower.stop() };
}

class AddressFollower {
  readonly #server: ServerContext;
  readonly #resource;
  readonly #owners = new Map<string, Owner>();
  /** Addresses that are being written, and those that have changed meanwhile. */
  readonly #writing = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();
  readonly #stops: (() => void)[];

  constructor(server: ServerContext) {
    this.#server = server;
    const { registry } = server;
    this.#resource = registry.builtin('networking.k8s.io', 'v1', 'ipaddresses');
    const services = registry.builtin('', 'v1', 'services').collection;
    const ranges = registry.builtin('networking.k8s.io', 'v1', 'servicecidrs').collection;
    for (const { object } of services.list()) this.#claim(object);
    const stored = this.#resource.collection.list().map(({ object }) => object.metadata?.name ?? '');
    for (const address of new Set([...this.#owners.keys(), ...stored])) this.#bring(address);
    this.#stops = [
      services.subscribe(({ type, now, before }) => {
        const [had, has] = [addressesOf(before?.object), type === 'put' ? addressesOf(now.object) : []];
        for (const address of had) if (!has.includes(address)) this.#owners.delete(address);
        if (type === 'put') this.#claim(now.object);
        for (const address of new Set([...had, ...has]))
          if (had.includes(address) !== has.includes(address)) this.#bring(address);
      }),
      this.#resource.collection.subscribe(({ now }) => this.#bring(now.object.metadata?.name ?? '')),
      ranges.subscribe(({ type, now }) => {
        if (type === 'delete' && now.object.metadata?.name === DEFAULT_SERVICE_CIDR) this.#republish();
      }),
    ];
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) stop();
    this.#again.clear();
    await Promise.all(this.#writing.values());
  }

  #claim(service: AnyObject): void {
    const { namespace = '', name = '' } = service.metadata ?? {};
    for (const address of addressesOf(service)) this.#owners.set(address, { namespace, name });
  }

  /** One write at a time for an address, and one more when something has changed since it began. */
  #bring(address: string): void {
    if (this.#writing.has(address)) {
      this.#again.add(address);
      return;
    }
    const written = this.#write(address)
      .catch((error: unknown) => {
        if (this.#server.closing.aborted) return;
        this.#server.log.warn({ address, error: String(error) }, 'Cannot keep the IPAddress of a Service');
      })
      .then(() => {
        this.#writing.delete(address);
        if (this.#again.delete(address)) this.#bring(address);
      });
    this.#writing.set(address, written);
  }

  async #write(address: string): Promise<void> {
    const stored = this.#resource.collection.get(undefined, address)?.object;
    const owner = this.#owners.get(address);
    const parentRef = owner === undefined ? undefined : { group: '', resource: 'services', ...owner };
    if (stored !== undefined) {
      if (!isAllocated(stored)) return;
      if (parentRef !== undefined && sameParent(dig(stored, 'spec', 'parentRef'), parentRef)) return;
      await this.#remove(address, stored);
      if (this.#resource.collection.get(undefined, address) !== undefined) return;
    }
    if (parentRef === undefined) return;
    await ensure(this.#server, this.#resource, {
      metadata: { name: address, labels: allocatedLabels(address) },
      spec: { parentRef },
    });
  }

  async #remove(address: string, { metadata }: AnyObject): Promise<void> {
    const target = { server: this.#server, resource: this.#resource, namespace: undefined, name: address };
    try {
      await deleteObject(target, metadata?.uid === undefined ? {} : { preconditions: { uid: metadata.uid } });
    } catch (error) {
      if (!isStatus(error, 404) && !isStatus(error, 409)) throw error;
    }
  }

  #republish(): void {
    publishRange(this.#server).catch((error: unknown) => {
      if (this.#server.closing.aborted) return;
      this.#server.log.warn({ error: String(error) }, 'Cannot make the default ServiceCIDR again');
    });
  }
}

/** As names of IPAddresses: one address has one name, however a Service spells it. */
function addressesOf(service: AnyObject | undefined): string[] {
  return clusterIpsOf(service).flatMap((address) => canonicalAddress(address) ?? []);
}

function sameParent(given: unknown, wanted: Record<string, string>): boolean {
  return Object.entries(wanted).every(([field, value]) => jsonEqual(dig(given, field) ?? '', value));
}
