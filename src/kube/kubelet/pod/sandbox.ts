// What a pod's containers share before any of them starts: the address and the volumes.
// Knows no containers; what stands in the way becomes an event, and the caller tries again.
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodFacts } from '../env/field-ref.ts';
import { VolumeError } from '../volumes/pod-volumes.ts';
import type { PodWorkerDependencies } from './worker-types.ts';

export class PodSandbox {
  readonly #uid: string;
  readonly #deps: PodWorkerDependencies;
  #podIp: string | undefined;
  #volumes: ReadonlyMap<string, string> | undefined;
  /** Something the volumes are made of may have changed. */
  #stale = true;

  constructor(uid: string, deps: PodWorkerDependencies) {
    this.#uid = uid;
    this.#deps = deps;
  }

  /** The pod's address, also after its release: it stays in the status. */
  get podIp(): string | undefined {
    return this.#podIp;
  }

  /** Directories by volume name; empty before `prepare` and after `release`. */
  get volumes(): ReadonlyMap<string, string> {
    return this.#volumes ?? new Map();
  }

  get ready(): boolean {
    return this.#volumes !== undefined;
  }

  get facts(): PodFacts {
    const { hostIp, allocatable } = this.#deps;
    return { podIp: this.#podIp ?? '', hostIp, allocatable };
  }

  /** The next `prepare` looks at the volumes again. */
  invalidate(): void {
    this.#stale = true;
  }

  /** Takes an address and makes or refreshes the volumes. `false` when something is missing that may yet come. */
  async prepare(pod: Pod): Promise<boolean> {
    if (this.#podIp === undefined && !this.#acquire(pod)) return false;
    if (!this.#stale) return true;
    this.#stale = false;
    try {
      this.#volumes = await this.#deps.volumes(pod).mount(this.facts);
      return true;
    } catch (error) {
      this.#stale = true;
      if (!(error instanceof VolumeError)) throw error;
      this.#deps.events(pod, undefined, 'Warning', 'FailedMount', error.message);
      return false;
    }
  }

  release(pod: Pod): void {
    this.#volumes = undefined;
    this.#deps.addresses.release(this.#uid);
    this.#deps.volumes(pod).unmount();
  }

  #acquire(pod: Pod): boolean {
    try {
      const onHost = pod.spec?.hostNetwork === true;
      this.#podIp = onHost ? this.#deps.hostIp : this.#deps.addresses.acquire(this.#uid);
      return true;
    } catch (error) {
      const message = `Failed to create pod sandbox: ${(error as Error).message}`;
      this.#deps.events(pod, undefined, 'Warning', 'FailedCreatePodSandBox', message);
      return false;
    }
  }
}
