// The scale of whatever an autoscaler points at: reads and writes it by the subresource, whatever the kind is.
// Knows no kind. (Upstream: scaleForResourceMappings and the retries of reconcileAutoscaler.)
import type { Scale } from 'kubernetes-types/autoscaling/v1.js';
import type { Client, ResourceRef } from '#kube/client/client.ts';
import { resourcePath } from '#kube/client/paths.ts';
import type { TargetRef } from './facts.ts';
import type { Kinds } from './kinds.ts';

/** As client-go's DefaultRetry. */
const ATTEMPTS = 5;

export interface FoundScale {
  readonly ref: ResourceRef;
  readonly scale: Scale;
}

export class Scales {
  readonly #client: Client;
  readonly #kinds: Kinds;

  constructor(client: Client, kinds: Kinds) {
    this.#client = client;
    this.#kinds = kinds;
  }

  /** Rejects with why the first version that knows the kind does not give it. */
  async get({ apiVersion = '', kind, name }: TargetRef, namespace: string): Promise<FoundScale> {
    const refs = await this.#kinds.of(apiVersion, kind);
    let first: unknown;
    for (const ref of refs) {
      try {
        return { ref, scale: await this.#read(ref, name, namespace) };
      } catch (error) {
        first ??= error;
      }
    }
    throw first;
  }

  /** Somebody else may write in between; what is wanted stays the same. */
  async set({ ref, scale }: FoundScale, replicas: number): Promise<void> {
    const { name = '', namespace = '' } = scale.metadata ?? {};
    let latest = scale;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#client.update(ref, { ...latest, spec: { ...latest.spec, replicas } }, { subresource: 'scale' });
        return;
      } catch (error) {
        if ((error as { code?: number }).code !== 409 || attempt === ATTEMPTS) throw error;
        latest = await this.#read(ref, name, namespace);
      }
    }
  }

  async #read(ref: ResourceRef, name: string, namespace: string): Promise<Scale> {
    return (await this.#client.raw('GET', resourcePath(ref, namespace, name, 'scale'))) as Scale;
  }
}
