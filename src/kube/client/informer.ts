// Shared informers: one watch a resource and scope, however many parts of the program read it.
// Knows nothing of controllers; it hands out frozen objects and says when they change.
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Client, ResourceRef } from './client.ts';
import { type Change, ObjectCache } from './object-cache.ts';
import { runReflector, type Scope } from './reflector.ts';

/** Called after the cache has changed; `now` is absent when the object is gone, `before` when it is new. */
export type ChangeHandler<T> = (key: string, now: T | undefined, before: T | undefined) => void;

/** A live, read-only copy of a resource. Objects are frozen and shared: clone before changing one. */
export interface Informer<T> {
  /** `key` is `namespace/name`, or `name` for a cluster-wide resource. */
  get(key: string): T | undefined;
  list(namespace?: string): T[];
  addIndex(name: string, keysOf: (object: T) => readonly string[]): void;
  byIndex(name: string, key: string): T[];
  /** Tells of every change from now on, after telling of each object already there as new. Returns the way to stop. */
  onChange(handler: ChangeHandler<T>): () => void;
  /** Resolves once the first list is in; rejects when the informers are stopped before that. */
  synced(): Promise<void>;
}

/** What an informer keeps of each object, where there are too many of them to keep whole. */
export interface Trim<T> {
  /** Tells one from the other. */
  readonly name: string;
  /** Metadata has to stay as far as it says which object it is (namespace, name, uid) and of what version. */
  readonly keep: (object: T) => T;
}

export interface Informers {
  /** The same resource, scope and trim give the same informer; one asked for after `start` starts at once. */
  of<T extends KubeObject>(ref: ResourceRef, scope?: Scope, trim?: Trim<T>): Informer<T>;
  start(): void;
  /** Resolves once every informer asked for so far has its first list. */
  synced(): Promise<void>;
  stop(): Promise<void>;
}

export interface InformerDependencies {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random?: () => number;
}

export function createInformers(client: Client, dependencies: InformerDependencies): Informers {
  const all = new Map<string, SharedInformer<KubeObject>>();
  const stopping = new AbortController();
  let started = false;

  return {
    of<T extends KubeObject>(ref: ResourceRef, scope: Scope = {}, trim?: Trim<T>): Informer<T> {
      const { namespace, fieldSelector, labelSelector } = scope;
      const id = [ref.group, ref.version, ref.resource, namespace, fieldSelector, labelSelector, trim?.name].join('|');
      let informer = all.get(id);
      if (informer === undefined) {
        const keep = trim?.keep as ((object: KubeObject) => KubeObject) | undefined;
        informer = new SharedInformer<KubeObject>(client, { ref, scope, keep }, dependencies, stopping.signal);
        all.set(id, informer);
        if (stopping.signal.aborted) void informer.stopped();
        else if (started) informer.start();
      }
      // The resource decides the type of its objects; the caller names both together.
      return informer as unknown as Informer<T>;
    },
    start() {
      started = true;
      for (const informer of all.values()) informer.start();
    },
    async synced() {
      await Promise.all([...all.values()].map((informer) => informer.synced()));
    },
    async stop() {
      stopping.abort();
      await Promise.all([...all.values()].map((informer) => informer.stopped()));
    },
  };
}

interface Subject<T> {
  readonly ref: ResourceRef;
  readonly scope: Scope;
  readonly keep: ((object: T) => T) | undefined;
}

class SharedInformer<T extends KubeObject> implements Informer<T> {
  readonly #cache = new ObjectCache<T>();
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #firstList = Promise.withResolvers<void>();
  readonly #client: Client;
  readonly #subject: Subject<T>;
  readonly #dependencies: InformerDependencies;
  readonly #signal: AbortSignal;
  #running: Promise<void> | undefined;

  constructor(client: Client, subject: Subject<T>, dependencies: InformerDependencies, signal: AbortSignal) {
    this.#client = client;
    this.#subject = subject;
    this.#dependencies = dependencies;
    this.#signal = signal;
    // Nobody may be waiting when the informers stop; the rejection is for those who are.
    this.#firstList.promise.catch(() => {});
  }

  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  list(namespace?: string): T[] {
    return this.#cache.list(namespace);
  }

  addIndex(name: string, keysOf: (object: T) => readonly string[]): void {
    this.#cache.addIndex(name, keysOf);
  }

  byIndex(name: string, key: string): T[] {
    return this.#cache.byIndex(name, key);
  }

  onChange(handler: ChangeHandler<T>): () => void {
    for (const object of this.#cache.list())
      this.#call(handler, { key: objectKey(object), now: object, before: undefined });
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  synced(): Promise<void> {
    return this.#firstList.promise;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stopped(): Promise<void> {
    this.#firstList.reject(new Error(`Informer of ${this.#subject.ref.resource} was stopped before its first list`));
    await this.#running;
  }

  #run(): Promise<void> {
    return runReflector<T>({
      ...this.#dependencies,
      client: this.#client,
      ...this.#subject,
      signal: this.#signal,
      sink: {
        replace: (objects) => {
          for (const change of this.#cache.replace(objects)) this.#tell(change);
          this.#firstList.resolve();
        },
        upsert: (object) => this.#tell(this.#cache.set(object)),
        remove: (object) => this.#tell(this.#cache.delete(objectKey(object))),
      },
    });
  }

  #tell(change: Change<T> | undefined): void {
    if (change === undefined) return;
    for (const handler of this.#handlers) this.#call(handler, change);
  }

  /** One handler's mistake must not take the others' news, nor the watch. */
  #call(handler: ChangeHandler<T>, { key, now, before }: Change<T>): void {
    try {
      handler(key, now, before);
    } catch (error) {
      const { stack } = error as Error;
      this.#dependencies.log.error(
        { resource: this.#subject.ref.resource, key, error: stack },
        'A change handler failed',
      );
    }
  }
}
