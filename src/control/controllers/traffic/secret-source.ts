// Where Secrets are read from: a copy of all of them, or only those that something refers to, a watch for each.
// Knows names and no meaning; whether a reference may be followed is decided before a Secret is asked for.
import type { Secret } from 'kubernetes-types/core/v1.js';
import { type KubeObject, splitKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import type { Informers } from '#kube/client/informer.ts';
import { runReflector } from '#kube/client/reflector.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { UNREADABLE } from '#traffic/model/secret.ts';

/** Where a `namespace/name` is asked for, it is read and kept up to date from then on. */
export interface SecretSource {
  get(key: string): Secret | undefined;
  /** Tells of every change of a Secret, and of one that is read for the first time. Returns the way to stop. */
  onChange(handler: (key: string) => void): () => void;
  synced(): Promise<void>;
  /** Resolves once all that was asked for has been looked up; undefined when it has. */
  reading(): Promise<void> | undefined;
  /** Those that nobody needs any more are forgotten. */
  retain(isNeeded: (key: string) => boolean): void;
  stop(): void;
}

/** All Secrets of the cluster, by one watch: for who may read them anyway. */
export function allSecrets(informers: Informers): SecretSource {
  const informer = informers.of<Secret & KubeObject>(builtin('Secret'));
  return {
    get: (key) => informer.get(key),
    onChange: (handler) => informer.onChange((key) => handler(key)),
    synced: () => informer.synced(),
    reading: () => undefined,
    retain: () => {},
    stop: () => {},
  };
}

interface Read {
  value: Secret | undefined;
  readonly end: AbortController;
}

export interface ReferencedSecretsOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ReferencedSecrets implements SecretSource {
  readonly #options: ReferencedSecretsOptions;
  readonly #reads = new Map<string, Read>();
  readonly #handlers = new Set<(key: string) => void>();
  readonly #first = new Set<Promise<void>>();

  constructor(options: ReferencedSecretsOptions) {
    this.#options = options;
  }

  get(key: string): Secret | undefined {
    const known = this.#reads.get(key);
    if (known !== undefined) return known.value;
    const read: Read = { value: undefined, end: new AbortController() };
    this.#reads.set(key, read);
    const first = this.#look(key, read);
    this.#first.add(first);
    void first.finally(() => this.#first.delete(first));
    return undefined;
  }

  onChange(handler: (key: string) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  async synced(): Promise<void> {}

  reading(): Promise<void> | undefined {
    return this.#first.size === 0 ? undefined : Promise.all(this.#first).then(() => undefined);
  }

  retain(isNeeded: (key: string) => boolean): void {
    for (const [key, { end }] of this.#reads) {
      if (isNeeded(key)) continue;
      end.abort();
      this.#reads.delete(key);
    }
  }

  stop(): void {
    this.retain(() => false);
    this.#handlers.clear();
  }

  /** A first answer, whichever it is; then what is heard of it. */
  async #look(key: string, read: Read): Promise<void> {
    const { client, clock, log } = this.#options;
    const { signal } = read.end;
    const { namespace, name } = splitKey(key);
    const ref = builtin('Secret');
    try {
      this.#put(key, read, await client.get<Secret & KubeObject>(ref, name, namespace, { signal }));
    } catch (error) {
      if (signal.aborted) return;
      if (isStatus(error, 403)) {
        log.warn({ secret: key, error: (error as Error).message }, 'A Secret that is referred to may not be read');
        this.#put(key, read, UNREADABLE);
      } else if (!isStatus(error, 404)) {
        log.warn({ secret: key, error: (error as Error).message }, 'A Secret that is referred to cannot be read yet');
      }
    }
    void runReflector<Secret & KubeObject>({
      client,
      ref,
      scope: { ...(namespace === undefined ? {} : { namespace }), fieldSelector: `metadata.name=${name}` },
      sink: {
        replace: ([object]) => this.#put(key, read, object),
        upsert: (object) => this.#put(key, read, object),
        remove: () => this.#put(key, read, undefined),
      },
      clock,
      log,
      signal,
    });
  }

  #put(key: string, read: Read, value: Secret | undefined): void {
    if (read.end.signal.aborted) return;
    if (versionOf(read.value) === versionOf(value)) return;
    read.value = value;
    for (const handler of this.#handlers) handler(key);
  }
}

function versionOf(secret: Secret | undefined): string | undefined {
  return secret === UNREADABLE ? 'unreadable' : secret?.metadata?.resourceVersion;
}
