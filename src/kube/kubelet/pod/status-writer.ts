// Brings pod statuses to the API at once: the newest of a pod wins, one write of a pod at a time, retried until it is in.
// Knows nothing of how a status comes about.
import { isDeepStrictEqual } from 'node:util';
import type { Pod, PodCondition, PodStatus } from 'kubernetes-types/core/v1.js';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { isBoundElsewhere } from './bound-elsewhere.ts';

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 5_000;

export interface PodIdentity {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** A merged condition keeps what it is not told to drop: so what is gone is named with `null`. */
function conditionPatch(condition: PodCondition): Record<string, unknown> {
  return { ...condition, reason: condition.reason ?? null, message: condition.message ?? null };
}

/** Merged by address, those of an earlier run would stay beside the new ones: the list as a whole is set. */
function addressPatch<T>(list: readonly T[] | undefined): unknown {
  return list === undefined ? null : [{ $patch: 'replace' }, ...list];
}

export class PodStatusWriter {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #pod: PodIdentity;
  #wanted: PodStatus | undefined;
  #written: PodStatus | undefined;
  #writing: Promise<void> | undefined;
  #gone = false;

  constructor(pod: PodIdentity, deps: { client: Client; clock: Clock; log: Logger }) {
    this.#pod = pod;
    this.#client = deps.client;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /** Asks for `status` to be in the API as soon as possible. */
  write(status: PodStatus): void {
    this.#wanted = status;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  /** The pod as it stands in the API: what others wrote over us while we were silent is put right. */
  observed(pod: Pod): void {
    const ready = (status: PodStatus | undefined): string | undefined =>
      status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    if (this.#written === undefined || this.#writing !== undefined || ready(this.#written) === ready(pod.status))
      return;
    const status = this.#written;
    this.#written = undefined;
    this.write(status);
  }

  /** Resolves when everything asked for so far is in, or the pod is gone. */
  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Nothing more is written: the pod is gone from the API, or the kubelet stops. */
  stop(): void {
    this.#gone = true;
  }

  async #drain(): Promise<void> {
    let retryMs = RETRY_FIRST_MS;
    while (!this.#gone && this.#wanted !== undefined && !isDeepStrictEqual(this.#wanted, this.#written)) {
      const status = this.#wanted;
      try {
        await this.#patch(status);
        this.#written = status;
        retryMs = RETRY_FIRST_MS;
      } catch (error) {
        // Not found or another uid under this name: there is nothing left to tell about.
        const renamed = isStatus(error, 409) && error.message.includes('uid');
        if (isStatus(error, 404) || renamed || isBoundElsewhere(error)) {
          this.#gone = true;
          return;
        }
        this.#log.warn(
          { pod: `${this.#pod.namespace}/${this.#pod.name}`, error: (error as Error).message, retryMs },
          'Cannot write the pod status, will try again',
        );
        const delay = retryMs;
        await new Promise<void>((resolve) => this.#clock.after(delay, resolve));
        retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
      }
    }
  }

  async #patch(status: PodStatus): Promise<void> {
    const { name, namespace, uid } = this.#pod;
    const body = {
      metadata: { uid },
      status: {
        ...status,
        conditions: (status.conditions ?? []).map(conditionPatch),
        podIP: status.podIP ?? null,
        podIPs: addressPatch(status.podIPs),
        hostIPs: addressPatch(status.hostIPs),
      },
    };
    await this.#client.patch<Pod>(builtin('Pod'), name, namespace, 'strategic', body, {
      subresource: 'status',
      fieldManager: 'kubelet',
    });
  }
}
