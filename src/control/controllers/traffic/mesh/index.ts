// The mesh: what routes of Services ask for, in step with what the engine serves, and what they are told.
// Knows no engine and no kernel; who publishes what comes out is told that there is news.
import type { Service } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informer, Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { TrafficSink } from '#traffic/model/ir.ts';
import { MESH_CONTROLLER } from '#traffic/model/mesh/names.ts';
import type { MeshObjects } from '#traffic/model/mesh/objects.ts';
import type { MeshPart } from '#traffic/model/mesh/translate-mesh.ts';
import { StatusWriter } from '../gateways/status-writer.ts';
import { MeshInformers, type MeshKind } from './mesh-informers.ts';

export interface MeshOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly services: Informer<Service & KubeObject>;
  readonly sink: Pick<TrafficSink, 'applied'>;
  /** Something that the translation reads is not what it was. */
  readonly onNews: () => void;
  /** A pod of this namespace has come or gone. */
  readonly onClients: (namespace: string) => void;
  /** What was translated last. */
  readonly part: () => MeshPart;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Mesh {
  readonly #options: MeshOptions;
  readonly #informers: MeshInformers;
  readonly #statuses: StatusWriter;
  #told: MeshPart | undefined;
  /** Ids of the objects that were told something. */
  #ids: ReadonlySet<string> = new Set();

  constructor(options: MeshOptions) {
    const { client, informers, services, clock, log } = options;
    this.#options = options;
    this.#statuses = new StatusWriter({
      client,
      find: (kind, key) => this.#informers.get(kind as MeshKind, key),
      controllerName: MESH_CONTROLLER,
      clock,
      log,
    });
    this.#informers = new MeshInformers({
      informers,
      services,
      news: {
        changed: (kind, key, told) => {
          this.#statuses.check(kind, key);
          if (!told) options.onNews();
        },
        configMap: (key) => {
          if (options.part().configMaps.has(key)) options.onNews();
        },
        pod: options.onClients,
      },
    });
  }

  async synced(): Promise<void> {
    await this.#informers.synced();
  }

  start(): void {
    this.#statuses.start();
  }

  async stop(): Promise<void> {
    this.#informers.stop();
    await this.#statuses.stop();
  }

  objects(): MeshObjects {
    return this.#informers.objects();
  }

  podAddresses(namespace: string): readonly string[] {
    return this.#informers.podAddresses(namespace);
  }

  /** All that has been translated has been published: a status says so once every worker serves it. */
  published(): void {
    const { part, sink, log } = this.#options;
    const now = part();
    if (now === this.#told) return;
    this.#told = now;
    void (sink.applied?.() ?? Promise.resolve()).then(
      () => {
        if (this.#told === now) this.#tell(now);
      },
      (error: unknown) => log.error({ error: String(error) }, 'Cannot say what became of routes of Services'),
    );
  }

  #tell({ statuses }: MeshPart): void {
    const before = this.#ids;
    this.#ids = new Set(statuses.map(({ kind, key }) => `${kind} ${key}`));
    for (const id of before.difference(this.#ids)) this.#statuses.want(id, undefined);
    for (const status of statuses) this.#statuses.want(`${status.kind} ${status.key}`, status);
  }
}
