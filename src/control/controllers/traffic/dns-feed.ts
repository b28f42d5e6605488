// The names of the cluster for its DNS server: only what a change can touch is translated again.
// Knows no server; it publishes on its own, and at once when the traffic controller does, so that both tell the same.
import type { Namespace, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { Logger } from '#lib/log.ts';
import type { DnsClients, DnsPart, DnsSink } from '#traffic/model/dns/ir-dns.ts';
import { namespaceNames, podClients, podNames } from '#traffic/model/dns/pod-dns.ts';
import { serviceNames } from '#traffic/model/dns/service-dns.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';

export interface DnsFeedOptions {
  readonly informers: Informers;
  readonly sink: DnsSink;
  /** e.g. `cluster.local`. */
  readonly domain: string;
  /** Whether pods have names by their addresses; without, and for a sink that needs no clients, nobody watches them. */
  readonly podNames: boolean;
  readonly clock: Clock;
  readonly log: Logger;
}

/** News is gathered this long, in milliseconds; as for traffic. */
const GATHER_MS = 2;

const BY_SERVICE = 'dns/service';
const byService = (slice: EndpointSlice): readonly string[] => [serviceKeyOf(slice)];

export class DnsFeed {
  readonly #options: DnsFeedOptions;
  readonly #services: Informer<Service & KubeObject>;
  readonly #slices: Informer<EndpointSlice & KubeObject>;
  readonly #pods: Informer<Pod & KubeObject> | undefined;
  readonly #namespaces: Informer<Namespace & KubeObject>;
  readonly #dirty = new Map<string, () => DnsPart | undefined>();
  readonly #dirtyPods = new Set<string>();
  readonly #unsubscribe: (() => void)[];
  #pending: Cancel | undefined;
  #ready = false;

  constructor(options: DnsFeedOptions) {
    const { informers, domain, sink } = options;
    this.#options = options;
    this.#services = informers.of(builtin('Service'));
    this.#slices = informers.of(builtin('EndpointSlice'));
    const wanted = options.podNames || sink.publishClients !== undefined;
    this.#pods = wanted ? informers.of(builtin('Pod')) : undefined;
    this.#namespaces = informers.of(builtin('Namespace'));
    this.#slices.addIndex(BY_SERVICE, byService);
    this.#unsubscribe = [
      this.#services.onChange((key) => this.#touchService(key)),
      this.#slices.onChange((_key, now, before) => {
        for (const slice of [now, before]) if (slice !== undefined) this.#touchService(serviceKeyOf(slice));
      }),
      this.#namespaces.onChange((key, now, before) => {
        if (now !== undefined && before !== undefined) return;
        this.#touch(`namespace/${key}`, () => {
          const namespace = this.#namespaces.get(key);
          return namespace && namespaceNames(namespace, domain);
        });
      }),
    ];
    const podsEnd = this.#pods?.onChange((key, now, before) => {
      if (!jsonEqual(addressesOf(now), addressesOf(before))) this.#touchPod(key);
    });
    if (podsEnd !== undefined) this.#unsubscribe.push(podsEnd);
  }

  /** Resolves when every name there is has been published. Rejects when the informers stop before their first list. */
  async start(): Promise<void> {
    const all = [this.#services, this.#slices, this.#pods, this.#namespaces];
    await Promise.all(all.map((informer) => informer?.synced()));
    this.#ready = true;
    // Also that there are none: until then the server knows that it does not know.
    if (this.#dirty.size === 0) this.#options.sink.publish(new Map());
    this.flush();
  }

  /** Publishes what has changed, if anything has. */
  flush(): void {
    if (!this.#ready) return;
    this.#pending?.();
    this.#pending = undefined;
    if (this.#dirty.size === 0) return;
    const update = new Map<string, DnsPart | undefined>();
    for (const [part, translate] of this.#dirty) update.set(part, this.#safely(part, translate));
    this.#dirty.clear();
    this.#options.sink.publish(update);
    this.#publishClients();
  }

  #publishClients(): void {
    const { sink, domain } = this.#options;
    const clients = new Map<string, DnsClients | undefined>();
    for (const key of this.#dirtyPods) {
      const pod = this.#pods?.get(key);
      clients.set(`pod/${key}`, pod && podClients(pod, domain));
    }
    this.#dirtyPods.clear();
    if (clients.size > 0) sink.publishClients?.(clients);
  }

  stop(): void {
    this.#pending?.();
    for (const end of this.#unsubscribe) end();
  }

  #touchService(key: string): void {
    if (key === '') return;
    this.#touch(`service/${key}`, () => {
      const service = this.#services.get(key);
      return service && serviceNames(service, this.#slices.byIndex(BY_SERVICE, key), this.#options.domain);
    });
  }

  #touchPod(key: string): void {
    this.#dirtyPods.add(key);
    this.#touch(`pod/${key}`, () => {
      const pod = this.#pods?.get(key);
      return pod && this.#options.podNames ? podNames(pod, this.#options.domain) : undefined;
    });
  }

  #touch(part: string, translate: () => DnsPart | undefined): void {
    this.#dirty.set(part, translate);
    if (this.#ready) this.#pending ??= this.#options.clock.after(GATHER_MS, () => this.flush());
  }

  /** An object of unforeseen shape has no names, and costs no other its own. */
  #safely(part: string, translate: () => DnsPart | undefined): DnsPart | undefined {
    try {
      return translate();
    } catch (error) {
      this.#options.log.warn({ part, error: String(error) }, 'This object cannot be given names');
      return undefined;
    }
  }
}

/** Of a pod what its names come from; its resolv.conf cannot change. */
function addressesOf(pod: Pod | undefined): unknown {
  return (
    pod && [pod.status?.podIPs, pod.status?.podIP, pod.status?.phase === 'Succeeded', pod.status?.phase === 'Failed']
  );
}
