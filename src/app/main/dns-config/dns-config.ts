// The resolvers that a DNS server asks, as flags and the ConfigMaps of kube-dns and CoreDNS say it, followed as they change.
// Knows objects and events; the server is told that something is another, and asks here what it is.
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { createEventRecorder, type EventRecorder } from '#kube/client/events.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { Logger } from '#lib/log.ts';
import type { StubDomain } from '#traffic/dns/forward/stub-domain.ts';
import type { UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';
import { coreDnsForwarding } from './core-dns.ts';
import { type Forwarding, NOTHING } from './forwarding.ts';
import { kubeDnsForwarding } from './kube-dns.ts';

export interface DnsConfigOptions {
  /** Of flags: they go before what ConfigMaps say. */
  readonly upstreams: readonly UpstreamAddress[] | undefined;
  readonly stubs: readonly StubDomain[];
  /** What the machine itself asks; for when nobody says anything. */
  readonly ownUpstreams: () => readonly UpstreamAddress[];
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Logger;
}

const NAMESPACE = 'kube-system';

/** In the order in which they count where two say something of one zone. */
const SOURCES = [
  { name: 'kube-dns', read: (data: Readonly<Record<string, string>>) => kubeDnsForwarding(data) },
  { name: 'coredns', read: (data: Readonly<Record<string, string>>) => coreDnsForwarding(data.Corefile ?? '') },
] as const;

export class DnsConfig {
  readonly #options: DnsConfigOptions;
  readonly #recorder: EventRecorder;
  readonly #said = new Map<string, Forwarding>();
  #unsubscribe: (() => void)[] = [];
  #stubs: readonly StubDomain[];

  constructor(options: DnsConfigOptions) {
    const { client, clock, log } = options;
    this.#options = options;
    this.#stubs = options.stubs;
    this.#recorder = createEventRecorder(client, { component: 'evenkeel-dns', clock, log });
  }

  upstreams(): readonly UpstreamAddress[] {
    const { upstreams, ownUpstreams } = this.#options;
    if (upstreams !== undefined) return upstreams;
    for (const { name } of SOURCES) {
      const said = this.#said.get(name)?.upstreams;
      if (said !== undefined) return said;
    }
    return ownUpstreams();
  }

  stubs(): readonly StubDomain[] {
    return this.#stubs;
  }

  /** Follows the ConfigMaps from now on; who may not read them has what flags say. */
  start(onChange: () => void): void {
    this.#unsubscribe = SOURCES.map(({ name, read }) => {
      const scope = { namespace: NAMESPACE, fieldSelector: `metadata.name=${name}` };
      const maps: Informer<ConfigMap & KubeObject> = this.#options.informers.of(builtin('ConfigMap'), scope);
      return maps.onChange((_key, now, before) => {
        if (jsonEqual(now?.data, before?.data) && before !== undefined) return;
        this.#take(name, now, now === undefined ? NOTHING : read(now.data ?? {}));
        onChange();
      });
    });
  }

  async stop(): Promise<void> {
    for (const end of this.#unsubscribe) end();
    await this.#recorder.flush();
  }

  #take(name: string, map: (ConfigMap & KubeObject) | undefined, said: Forwarding): void {
    this.#said.set(name, said);
    const byZone = new Map(this.#options.stubs.map((stub) => [stub.zone, stub]));
    for (const source of SOURCES) {
      for (const stub of this.#said.get(source.name)?.stubs ?? []) {
        if (!byZone.has(stub.zone)) byZone.set(stub.zone, stub);
      }
    }
    this.#stubs = [...byZone.values()];
    for (const problem of said.problems) {
      this.#options.log.warn({ configMap: `${NAMESPACE}/${name}` }, problem);
      if (map !== undefined) this.#recorder.event(map, 'Warning', 'InvalidDnsConfig', problem);
    }
  }
}
