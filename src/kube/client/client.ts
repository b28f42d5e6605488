// The Kubernetes client as the rest of the program sees it: typed verbs on resources.
// An interface only, so that controllers and the kubelet never learn how requests travel.
import type { KubeList, KubeObject } from '#kube/api/object.ts';
import type { ResourceDefinition } from '#kube/api/resources.ts';

/** What a request needs to know of a resource. */
export type ResourceRef = Pick<ResourceDefinition, 'group' | 'version' | 'resource' | 'kind' | 'namespaced'>;

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Ends the call with an error after this many milliseconds; default 30,000. Watches ignore it. */
  readonly timeoutMs?: number;
  /** Media type asked for, e.g. to get a Table; default `application/json`. */
  readonly accept?: string;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** How unknown or duplicate fields are met; default `Strict` for our own writers. */
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** e.g. `status`, `scale`, `binding`, `eviction`. */
  readonly subresource?: string;
}

export interface ListOptions extends CallOptions {
  /** All namespaces when left out. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface WatchOptions extends Omit<ListOptions, 'limit' | 'continue'> {
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  readonly preconditions?: { uid?: string; resourceVersion?: string };
}

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: T }
  | { type: 'BOOKMARK'; resourceVersion: string };

/** Every method rejects with `StatusError` when the server refuses, and with an `Error` naming the server when it cannot be reached. */
export interface Client {
  get<T extends KubeObject>(ref: ResourceRef, name: string, namespace?: string, options?: CallOptions): Promise<T>;
  list<T extends KubeObject>(ref: ResourceRef, options?: ListOptions): Promise<KubeList<T>>;
  /** Namespace and name are taken from the object. */
  create<T extends KubeObject>(ref: ResourceRef, object: T, options?: WriteOptions): Promise<T>;
  update<T extends KubeObject>(ref: ResourceRef, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubeObject>(
    ref: ResourceRef,
    name: string,
    namespace: string | undefined,
    type: PatchType,
    body: unknown,
    options?: WriteOptions & { force?: boolean },
  ): Promise<T>;
  delete(ref: ResourceRef, name: string, namespace?: string, options?: DeleteOptions): Promise<void>;
  /**
   * Yields events until the server ends the watch (returns), the signal aborts (returns), or it fails (throws;
   * `StatusError` 410 when the resourceVersion is too old). A connection that goes silent is found and ended.
   */
  watch<T extends KubeObject>(ref: ResourceRef, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Any other request; resolves with the parsed JSON body, or with the text when it is not JSON. */
  raw(method: string, path: string, body?: unknown, options?: CallOptions): Promise<unknown>;
  close(): Promise<void>;
}
