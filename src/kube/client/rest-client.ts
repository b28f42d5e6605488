// The client over HTTP: turns typed verbs on resources into requests of the Kubernetes API.
// Knows nothing of caches or controllers.
import type { KubeList, KubeObject } from '#kube/api/object.ts';
import { apiVersionOf } from '#kube/api/resources.ts';
import { StatusError } from '#kube/api/status.ts';
import { type Clock, systemClock } from '#lib/clock.ts';
import { type Logger, silentLogger } from '#lib/log.ts';
import type { Client, ListOptions, PatchType, ResourceRef, WatchEvent, WatchOptions, WriteOptions } from './client.ts';
import type { ClientConfig } from './kubeconfig.ts';
import { resourcePath, withQuery } from './paths.ts';
import { createTransport, type Transport } from './transport.ts';
import { decodeWatch, untilSilent } from './watch-stream.ts';

export type { ClientConfig } from './kubeconfig.ts';

export interface ClientDependencies {
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** Servers send a bookmark about every minute; one and a half without a byte means that nobody is there any more. */
const WATCH_SILENCE_MS = 90_000;
/** How long after `timeoutSeconds` the server may take to end the watch. */
const WATCH_GRACE_MS = 30_000;

const PATCH_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** A client of one API server. It holds connections; `close` ends them and every watch. */
export function createClient(config: ClientConfig, dependencies: ClientDependencies = {}): Client {
  const { clock = systemClock, log = silentLogger, random = Math.random } = dependencies;
  const transport = createTransport(config, clock);
  if (config.insecureSkipTlsVerify === true) {
    log.warn({ server: config.server }, 'The certificate of the API server is not verified');
  }

  return {
    async get<T extends KubeObject>(ref: ResourceRef, name: string, namespace?: string, options = {}) {
      const path = resourcePath(ref, namespaceFor(ref, namespace, name), name);
      return (await transport.exchange({ ...options, method: 'GET', path })) as T;
    },

    async list<T extends KubeObject>(ref: ResourceRef, options: ListOptions = {}) {
      const { signal, timeoutMs, accept, namespace, ...query } = options;
      const path = withQuery(resourcePath(ref, namespace), query);
      const list = (await transport.exchange({ method: 'GET', path, signal, timeoutMs, accept })) as KubeList<T>;
      return { ...list, items: (list.items ?? []).map((item) => withType(ref, item)) };
    },

    async create<T extends KubeObject>(ref: ResourceRef, object: T, options: WriteOptions = {}) {
      const { namespace, name } = object.metadata ?? {};
      const base =
        options.subresource === undefined
          ? resourcePath(ref, namespaceFor(ref, namespace, name))
          : resourcePath(ref, namespaceFor(ref, namespace, name), needName(ref, name), options.subresource);
      return write<T>(transport, 'POST', base, object, options);
    },

    async update<T extends KubeObject>(ref: ResourceRef, object: T, options: WriteOptions = {}) {
      const { namespace, name } = object.metadata ?? {};
      const path = resourcePath(ref, namespaceFor(ref, namespace, name), needName(ref, name), options.subresource);
      return write<T>(transport, 'PUT', path, object, options);
    },

    async patch<T extends KubeObject>(
      ref: ResourceRef,
      name: string,
      namespace: string | undefined,
      type: PatchType,
      body: unknown,
      options: WriteOptions & { force?: boolean } = {},
    ) {
      const path = resourcePath(ref, namespaceFor(ref, namespace, name), name, options.subresource);
      return write<T>(transport, 'PATCH', path, body, options, PATCH_TYPES[type]);
    },

    async delete(ref, name, namespace, options = {}) {
      const { signal, timeoutMs, accept: _json, ...deleteOptions } = options;
      const path = resourcePath(ref, namespaceFor(ref, namespace, name), name);
      const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...deleteOptions };
      await transport.exchange({ method: 'DELETE', path, body, signal, timeoutMs });
    },

    watch<T extends KubeObject>(ref: ResourceRef, options: WatchOptions) {
      return watch<T>(transport, ref, options, clock, random);
    },

    raw(method, path, body, options = {}) {
      return transport.exchange({ ...options, method, path, ...(body === undefined ? {} : { body }) });
    },

    close: () => transport.close(),
  };
}

async function write<T>(
  transport: Transport,
  method: string,
  path: string,
  body: unknown,
  options: WriteOptions & { force?: boolean },
  contentType = 'application/json',
): Promise<T> {
  const query = {
    fieldManager: options.fieldManager,
    fieldValidation: options.fieldValidation ?? 'Strict',
    dryRun: options.dryRun === true ? 'All' : undefined,
    force: options.force,
  };
  const { signal, timeoutMs } = options;
  return (await transport.exchange({
    method,
    path: withQuery(path, query),
    body,
    contentType,
    signal,
    timeoutMs,
  })) as T;
}

async function* watch<T extends KubeObject>(
  transport: Transport,
  ref: ResourceRef,
  options: WatchOptions,
  clock: Clock,
  random: () => number,
): AsyncGenerator<WatchEvent<T>> {
  const { signal, namespace, timeoutMs: _ignored, accept: _json, ...query } = options;
  // As client-go: spread over 5 to 10 minutes, so that the watches of many clients do not all end together.
  const timeoutSeconds = options.timeoutSeconds ?? Math.floor(300 + 300 * random());
  const path = withQuery(resourcePath(ref, namespace), { ...query, watch: true, timeoutSeconds });
  const aborted = (): boolean => signal?.aborted === true;
  if (aborted()) return;
  const limits = {
    // Without bookmarks silence is normal, and only the total limit and TCP keep-alive are left.
    silenceMs: options.allowWatchBookmarks === true ? WATCH_SILENCE_MS : 0,
    totalMs: timeoutSeconds * 1000 + WATCH_GRACE_MS,
  };
  try {
    const stream = await transport.open({ method: 'GET', path, signal });
    try {
      for await (const event of decodeWatch<T>(untilSilent(stream.body, limits, clock, stream.close), ref.resource)) {
        if (aborted()) return;
        yield event.type === 'BOOKMARK' ? event : { type: event.type, object: withType(ref, event.object) };
      }
    } finally {
      stream.close();
    }
  } catch (error) {
    if (aborted()) return;
    if (error instanceof StatusError) throw error;
    throw new Error(`Watch of ${ref.resource} at ${transport.server} broke: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Items of a list come without apiVersion and kind; whoever reads them should not have to know that. */
function withType<T extends KubeObject>(ref: ResourceRef, object: T): T {
  if (object.kind !== undefined && object.apiVersion !== undefined) return object;
  return { apiVersion: apiVersionOf(ref), kind: ref.kind, ...object };
}

function namespaceFor(ref: ResourceRef, namespace: string | undefined, name: string | undefined): string | undefined {
  if (ref.namespaced && (namespace === undefined || namespace === '')) {
    throw new TypeError(`${ref.kind} "${name ?? ''}" needs a namespace: set metadata.namespace or pass it`);
  }
  return namespace;
}

function needName(ref: ResourceRef, name: string | undefined): string {
  if (name === undefined || name === '') throw new TypeError(`${ref.kind} needs metadata.name for this call`);
  return name;
}
