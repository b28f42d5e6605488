// Gateways: from what they ask for to addresses, sockets and statuses, in step with what the engine serves.
// Knows no engine; the traffic controller, whose part this is, publishes what comes out.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { AnyRoute, Gateway } from '#kube/api/gateway/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { GatewayView } from '#traffic/model/gateway/listener-view.ts';
import type { GatewayAddresses, GatewayObjects } from '#traffic/model/gateway/objects.ts';
import type { Telling } from '#traffic/model/gateway/tellings.ts';
import type { GatewayTranslator } from '#traffic/model/gateway/translator.ts';
import type { TrafficSink } from '#traffic/model/ir.ts';
import type { SecretSource } from '../secret-source.ts';
import { AddressClaims, type AddressHost } from './address-claims.ts';
import { GatewayInformers, type GatewayKind } from './gateway-informers.ts';
import { addressesFrom, GATEWAY_LABEL, isOwnedBy, serviceNameOf } from './gateway-service.ts';
import { ServiceWriter } from './service-writer.ts';
import { socketFaults } from './socket-faults.ts';
import { StatusWriter } from './status-writer.ts';

export interface GatewaysOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly services: Informer<Service & KubeObject>;
  readonly secrets: Pick<SecretSource, 'get'>;
  readonly sink: TrafficSink;
  readonly host: AddressHost;
  /** Something that the translation reads is not what it was: an object, or the `Addresses` of a Gateway. */
  readonly onNews: (kind: string, key: string) => void;
  readonly translator: GatewayTranslator;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Gateways {
  readonly #options: GatewaysOptions;
  readonly #informers: GatewayInformers;
  readonly #statuses: StatusWriter;
  readonly #writer: ServiceWriter;
  readonly #claims: AddressClaims;
  readonly #unsubscribe: () => void;
  #telling: Promise<void> | undefined;
  #untold = new Map<string, Telling | undefined>();
  #news = false;
  #stopped = false;
  /** As last looked through. */
  #seen: readonly GatewayView[] | undefined;
  #toldFaults = '[]';
  /** Whose addresses a Service holds, or would. */
  readonly #holders = new Map<string, string>();

  constructor(options: GatewaysOptions) {
    const { client, services, informers, host, clock, log } = options;
    this.#options = options;
    this.#statuses = new StatusWriter({
      client,
      find: (kind, key) => this.#informers.get(kind as GatewayKind, key),
      clock,
      log,
    });
    this.#writer = new ServiceWriter({ client, find: (key) => services.get(key), clock, log });
    this.#claims = new AddressClaims(host, log, (addresses) => this.#onClaims(addresses));
    this.#informers = new GatewayInformers(informers, options.secrets, (kind, key, told) => {
      if (kind === 'ConfigMap' && !options.translator.needs('ConfigMap', key)) return;
      this.#statuses.check(kind, key);
      if (!told) options.onNews(kind, key);
    });
    this.#unsubscribe = services.onChange((key) => {
      this.#writer.check(key);
      const holder = this.#holders.get(key);
      if (holder !== undefined) options.onNews('Addresses', holder);
    });
  }

  async synced(): Promise<void> {
    await this.#informers.synced();
  }

  start(): void {
    this.#writer.start();
    this.#statuses.start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe();
    this.#informers.stop();
    await this.#telling;
    await this.#writer.stop();
    await this.#statuses.stop();
    await this.#claims.settled();
  }

  get(kind: GatewayKind, key: string): KubeObject | undefined {
    return this.#informers.get(kind, key);
  }

  route(kind: 'HTTPRoute' | 'GRPCRoute', key: string): AnyRoute | undefined {
    return this.#informers.get(kind, key) as AnyRoute | undefined;
  }

  /** What the translation reads now. */
  objects(): GatewayObjects {
    return this.#informers.objects((key) => this.#addresses(key));
  }

  /** All that has been translated has been published: addresses are asked for, and statuses follow. */
  published(tellings: ReadonlyMap<string, Telling | undefined>): void {
    const { gateways } = this.#options.translator;
    // Routes and endpoints come and go without anything new for the Gateways themselves.
    if (gateways !== this.#seen) {
      this.#seen = gateways;
      this.#writer.want(gateways);
      this.#removeStrays(new Set(gateways.map(({ key }) => key)));
      this.#claims.want(new Set(gateways.flatMap((view) => this.#given(view.gateway).addresses)));
    }
    for (const [id, telling] of tellings) this.#untold.set(id, telling);
    this.#news = true;
    this.#telling ??= this.#tell().finally(() => {
      this.#telling = undefined;
    });
  }

  /** A status says of a Gateway that it is served only once every worker serves it. */
  async #tell(): Promise<void> {
    const { sink, translator } = this.#options;
    while (this.#news && !this.#stopped) {
      this.#news = false;
      const tellings = this.#untold;
      this.#untold = new Map();
      await sink.applied?.();
      const faults = socketFaults(translator.tables.listeners, sink.listenErrors?.() ?? new Map());
      const told = JSON.stringify([...faults]);
      if (told !== this.#toldFaults) {
        for (const [id, telling] of translator.gatewayTellings()) if (!tellings.has(id)) tellings.set(id, telling);
      }
      this.#toldFaults = told;
      for (const [id, telling] of tellings) this.#statuses.want(id, telling?.(faults));
    }
  }

  #onClaims(addresses: ReadonlySet<string>): void {
    for (const { key, gateway } of this.#options.translator.gateways) {
      if (this.#given(gateway).addresses.some((one) => addresses.has(one))) this.#options.onNews('Addresses', key);
    }
  }

  /** Given out by the pools, whether or not it is here yet. */
  #given(gateway: Gateway): GatewayAddresses {
    const key = `${gateway.metadata?.namespace ?? ''}/${serviceNameOf(gateway)}`;
    return addressesFrom(gateway, this.#options.services.get(key));
  }

  #addresses(key: string): GatewayAddresses {
    const gateway = this.#informers.get('Gateway', key) as Gateway | undefined;
    if (gateway === undefined) return { addresses: [] };
    this.#holders.set(`${gateway.metadata?.namespace ?? ''}/${serviceNameOf(gateway)}`, key);
    const { addresses, inside = [], fault } = this.#given(gateway);
    const failures = addresses.flatMap((address) => this.#claims.failure(address) ?? []);
    const told =
      failures.length === 0
        ? fault
        : { reason: 'AddressNotUsable', message: `Its address cannot be had on this machine: ${failures.join('; ')}` };
    return {
      addresses: addresses.filter((address) => this.#claims.has(address)),
      ...(this.#options.host.hasServiceAddresses === true ? { inside } : {}),
      ...(told === undefined ? {} : { fault: told }),
    };
  }

  /** Services of Gateways that are there, and are ours no more; those of Gateways that have gone go with them. */
  #removeStrays(ours: ReadonlySet<string>): void {
    for (const service of this.#options.services.list()) {
      if (service.metadata?.labels?.[GATEWAY_LABEL] === undefined) continue;
      const owner = service.metadata.ownerReferences?.find(
        ({ kind, controller }) => kind === 'Gateway' && controller === true,
      );
      const key = `${service.metadata.namespace ?? ''}/${owner?.name ?? ''}`;
      const gateway = this.#informers.get('Gateway', key) as Gateway | undefined;
      const renamed = gateway !== undefined && serviceNameOf(gateway) !== service.metadata.name;
      if (gateway !== undefined && isOwnedBy(service, gateway) && (renamed || !ours.has(key))) {
        this.#writer.remove(objectKey(service));
      }
    }
  }
}
