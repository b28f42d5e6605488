// What the containers of one pod share in docker: a container that only sleeps, which the others join.
// Knows namespaces and the engine's API; what runs in a pod is the runtime's matter.
import { once } from 'node:events';
import { getSystemErrorMessage } from 'node:util';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { type ContainerSpec, ContainerStartError } from '../runtime.ts';
import { apiPrefix, describeSandbox } from './dialect.ts';
import { type EngineApi, EngineError } from './engine-api.ts';
import { attachTo } from './engine-attach.ts';
import { ownLimits } from './own-limits.ts';
import { ensureSandboxImage, SANDBOX_PROGRAM } from './sandbox-image.ts';

export interface EngineSandboxesOptions {
  readonly api: EngineApi;
  readonly owner: string;
  /** Called with the pod's uid when its sandbox has ended by itself. */
  readonly lost: (podUid: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Inspected {
  readonly State: { readonly ExitCode: number; readonly Running: boolean };
}

const PATIENCE_MS = 10_000;
const RETRY_MS = 1_000;

export class EngineSandboxes {
  readonly #options: EngineSandboxesOptions;
  readonly #prefix: string;
  readonly #sandboxes = new Map<string, Promise<string>>();
  #image: Promise<string> | undefined;
  #made = 0;

  constructor(options: EngineSandboxesOptions) {
    this.#options = options;
    this.#prefix = `${apiPrefix('docker')}/containers`;
  }

  /**
   * Id of the container that those of the pod join, the same as long as it lives: docker joins networks of containers
   * only, so this one has gone into that of the file `netns` first. Throws `ContainerStartError`.
   */
  of(spec: ContainerSpec, netns: string): Promise<string> {
    const known = this.#sandboxes.get(spec.podUid);
    if (known !== undefined) return known;
    const made = this.#make(spec, netns);
    this.#sandboxes.set(spec.podUid, made);
    made.catch(() => {
      if (this.#sandboxes.get(spec.podUid) === made) this.#sandboxes.delete(spec.podUid);
    });
    return made;
  }

  /** Whether it has ended by itself, which is told here instead of by `lost` if nobody knows yet. */
  async hasEnded(podUid: string): Promise<boolean> {
    const made = this.#sandboxes.get(podUid);
    const id = await made?.catch(() => undefined);
    if (id === undefined || (await this.#runs(id)) || this.#sandboxes.get(podUid) !== made) return false;
    this.#sandboxes.delete(podUid);
    await this.#remove(id);
    return true;
  }

  /** Ends it, when nothing of the pod runs any more; harmless when there is none. */
  async release(podUid: string): Promise<void> {
    const made = this.#sandboxes.get(podUid);
    if (made === undefined) return;
    this.#sandboxes.delete(podUid);
    const id = await made.catch(() => undefined);
    if (id !== undefined) await this.#remove(id);
  }

  /** Their containers are found and removed by somebody else. */
  forgetAll(): void {
    this.#sandboxes.clear();
  }

  async #make(spec: ContainerSpec, netns: string): Promise<string> {
    const { api, owner } = this.#options;
    let id: string | undefined;
    try {
      this.#image ??= ensureSandboxImage(api);
      const image = await this.#image;
      const name = `k8s_POD_${spec.podName}_${spec.namespace}_${spec.podUid}_${this.#made++}`;
      const { path, body } = describeSandbox(spec, {
        ...ownLimits(),
        owner,
        name,
        image,
        program: SANDBOX_PROGRAM,
        netns,
      });
      ({ Id: id } = await api.json<{ Id: string }>('POST', path, body));
      await this.#enter(id);
      void this.#watch(spec.podUid, id);
      return id;
    } catch (error) {
      // Whatever it was, the image may have been removed under us.
      this.#image = undefined;
      if (id !== undefined) await this.#remove(id);
      throw new ContainerStartError(`failed to start the pod's sandbox in docker: ${(error as Error).message}`);
    }
  }

  /** Starts it, and waits until it is where the pod is: whoever joined it before would be elsewhere for good. */
  async #enter(id: string): Promise<void> {
    const { api, clock } = this.#options;
    const attached = await attachTo(api, `${this.#prefix}/${id}`, {});
    try {
      await api.json('POST', `${this.#prefix}/${id}/start`);
      const late = Promise.withResolvers<'late'>();
      const cancel = clock.after(PATIENCE_MS, () => late.resolve('late'));
      const said = once(attached.stdout, 'data').then(() => 'inside' as const);
      const outcome = await Promise.race([said, attached.ended.then(() => 'ended' as const), late.promise]);
      cancel();
      if (outcome === 'late') throw new Error('it does not say that it is in the network of the pod');
      if (outcome === 'inside') return;
    } finally {
      attached.close();
    }
    const { State } = await api.json<Inspected>('GET', `${this.#prefix}/${id}/json`);
    throw new Error(whyEnded(State.ExitCode));
  }

  async #watch(podUid: string, id: string): Promise<void> {
    const { log, lost } = this.#options;
    // One that was released is ended by us.
    const ours = async (): Promise<boolean> => (await this.#sandboxes.get(podUid)?.catch(() => undefined)) === id;
    while (await ours()) {
      if (!(await this.#ended(id))) continue;
      if (!(await ours())) return;
      this.#sandboxes.delete(podUid);
      log.warn({ pod: podUid, container: id }, 'The sandbox of a pod has ended');
      await this.#remove(id);
      lost(podUid);
    }
  }

  /** `false` when the engine has gone instead, which does not say what has become of the container. */
  async #ended(id: string): Promise<boolean> {
    const { api, clock } = this.#options;
    try {
      await api.json('POST', `${this.#prefix}/${id}/wait`);
      return true;
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) return true;
      await new Promise<void>((resolve) => void clock.after(RETRY_MS, resolve));
      return false;
    }
  }

  async #runs(id: string): Promise<boolean> {
    try {
      return (await this.#options.api.json<Inspected>('GET', `${this.#prefix}/${id}/json`)).State.Running;
    } catch (error) {
      // An engine that does not answer has not said that it ended.
      return !(error instanceof EngineError && error.status === 404);
    }
  }

  async #remove(id: string): Promise<void> {
    try {
      await this.#options.api.json('DELETE', `${this.#prefix}/${id}?force=true&v=true`);
    } catch (error) {
      if (error instanceof EngineError && (error.status === 404 || error.status === 409)) return;
      this.#options.log.warn({ container: id, error: (error as Error).message }, 'Cannot remove a sandbox');
    }
  }
}

function whyEnded(exitCode: number): string {
  const reason = getSystemErrorMessage(-exitCode) ?? `exit code ${exitCode}`;
  return exitCode === 1
    ? `docker does not let it into the pod's network (${reason}): run docker as root, without userns-remap`
    : `it cannot enter the pod's network: ${reason}`;
}
