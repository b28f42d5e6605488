// The mesh on a node: waits for the first route that is attached to a Service, and has no engine until then.
// Knows the API by informers; what is made of routes stands in carrier.ts.

import { concerns } from '#control/controllers/traffic/mesh/mesh-informers.ts';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { KubeObject } from '#kube/api/object.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import type { Detours } from '#traffic/model/l4/detour.ts';
import { messageOf } from '../../failure.ts';
import type { Carrier } from './carrier.ts';
import type { NodePlace } from './fronts.ts';

export interface NodeMeshOptions {
  readonly informers: Informers;
  /** Name of the Node. */
  readonly node: string;
  readonly zone: () => string;
  readonly place: () => NodePlace;
  /** Resolves when the kernel leads clients there, and to nowhere else. */
  readonly detour: (detours: Detours) => Promise<void>;
  readonly workers: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const AGAIN_MS = 5_000;

export class NodeMesh {
  readonly #options: NodeMeshOptions;
  readonly #unsubscribe: (() => void)[] = [];
  #carrier: Promise<Carrier> | undefined;
  #closed = false;
  #place: NodePlace | undefined;
  /** As of the last time that somebody asked. */
  #metrics = '';

  constructor(options: NodeMeshOptions) {
    this.#options = options;
  }

  start(): void {
    for (const kind of ['HTTPRoute', 'GRPCRoute'] as const) {
      this.#unsubscribe.push(
        meshInformer(this.#options.informers, kind).onChange((_key, now) => {
          if (concerns(now)) this.#begin();
        }),
      );
    }
  }

  /** Looks whether the node has other addresses, or others' clients. */
  look(): void {
    const place = this.#options.place();
    if (jsonEqual(place, this.#place)) return;
    this.#place = place;
    void this.#carrier?.then((carrier) => carrier.touch()).catch(() => {});
  }

  /** As of the last time that somebody asked, for who cannot wait. */
  lastMetrics(format: MetricFormat): string {
    void this.metricsText(format).catch(() => {});
    return this.#metrics;
  }

  /** Of requests that were routed; empty as long as there are none. */
  async metricsText(format: MetricFormat): Promise<string> {
    const carrier = await this.#carrier?.catch(() => undefined);
    this.#metrics = carrier === undefined ? '' : await carrier.metricsText(format);
    return this.#metrics;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const end of this.#unsubscribe) end();
    const carrier = await this.#carrier?.catch(() => undefined);
    await carrier?.close();
  }

  #begin(): void {
    if (this.#carrier !== undefined || this.#closed) return;
    const { log, clock } = this.#options;
    log.info({}, 'Requests to Services are routed from now on: there is a route for one');
    this.#carrier = import('./carrier.ts').then(({ startCarrier }) =>
      startCarrier(this.#options, (kind) => meshInformer(this.#options.informers, kind)),
    );
    this.#carrier.catch((error: unknown) => {
      log.error({ error: messageOf(error) }, 'Requests to Services cannot be routed; trying again');
      clock.after(AGAIN_MS, () => {
        this.#carrier = undefined;
        this.#begin();
      });
    });
  }
}

/** Of routes of Gateways alone nothing is kept but which they are. */
export function meshInformer(informers: Informers, kind: string): Informer<KubeObject> {
  if (!kind.endsWith('Route')) return informers.of(gatewayResource(kind));
  return informers.of<KubeObject>(gatewayResource(kind), {}, { name: 'mesh', keep: withoutOthers });
}

function withoutOthers(route: KubeObject): KubeObject {
  if (concerns(route)) return route;
  const { apiVersion, kind, metadata } = route;
  const { name, namespace, uid, resourceVersion } = metadata ?? {};
  return { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } } as KubeObject;
}
