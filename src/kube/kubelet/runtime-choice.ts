// Several runtimes as one: an image that is mapped runs as a process, any other in the container engine, if there is one.
// Knows runtimes by their contract only.
import { type Image, ImageError, type ImageRequest, type ImageService } from './image/image-service.ts';
import {
  type ContainerSpec,
  ContainerStartError,
  type LogTail,
  type RunningContainer,
  type Runtime,
} from './runtime.ts';

/** Asks the first runtime for an image, then the others. */
class FirstThatHas implements ImageService {
  readonly #services: readonly ImageService[];

  constructor(services: readonly ImageService[]) {
    this.#services = services;
  }

  async ensure(request: ImageRequest): Promise<Image> {
    let failure: unknown;
    for (const service of this.#services) {
      try {
        return await service.ensure(request);
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        // The last one was to fetch it: what it says is what people need to know.
        failure = error;
      }
    }
    throw failure;
  }
}

export class RuntimeChoice implements Runtime {
  readonly name: string;
  readonly images: ImageService;
  readonly #processes: Runtime;
  readonly #engine: Runtime;
  /** Who runs the containers of a pod that are to see each other. */
  readonly #seeing = new Map<string, Runtime>();

  /** `stub` comes last: what it gives runs as a process. */
  constructor(processes: Runtime, engine: Runtime, stub: (images: ImageService) => ImageService) {
    this.name = processes.name;
    this.#processes = processes;
    this.#engine = engine;
    this.images = stub(new FirstThatHas([processes.images, engine.images]));
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    const [own, other] = spec.image.engine ? [this.#engine, this.#processes] : [this.#processes, this.#engine];
    const seesProcess = spec.sees === undefined ? undefined : await other.processOf?.(spec.sees);
    const shared = spec.image.engine === true ? await this.#shared(spec) : {};
    if (spec.sandbox.isolation?.pid === 'pod') this.#checkAlike(spec, own);
    return await own.start({ ...spec, ...shared, ...(seesProcess === undefined ? {} : { seesProcess }) });
  }

  /** What all containers of the pod share is held by the runtime that needs no image for it. */
  async #shared(spec: ContainerSpec): Promise<Partial<ContainerSpec>> {
    const { isolation } = spec.sandbox;
    const joinsFiles = this.#engine.joinsFiles === true;
    const podIpc = isolation?.ipc === 'pod' ? await this.#processes.podIpc?.(spec) : undefined;
    const podPidNamespace =
      isolation?.pid === 'pod' && joinsFiles ? await this.#processes.podPidNamespace?.(spec.podUid) : undefined;
    return {
      ...(podIpc === undefined ? {} : { podIpc: joinsFiles ? podIpc : { shm: podIpc.shm } }),
      ...(podPidNamespace === undefined ? {} : { podPidNamespace }),
    };
  }

  /** Throws `ContainerStartError` where the pod's containers could not see each other as they are to. */
  #checkAlike({ podUid }: ContainerSpec, own: Runtime): void {
    if (this.#engine.joinsFiles === true) return;
    const first = this.#seeing.get(podUid) ?? own;
    this.#seeing.set(podUid, first);
    if (first === own) return;
    throw new ContainerStartError(
      `${this.#engine.name} shows a container only the processes of containers that ${this.#engine.name} runs: for shareProcessNamespace take images of ${this.#engine.name} for all containers of the pod, or podman`,
    );
  }

  async sweep(): Promise<number> {
    // Both begin at once: a process at its end does not wait.
    const counts = await Promise.all([this.#processes.sweep(), this.#engine.sweep()]);
    return counts[0] + counts[1];
  }

  async isolationObstacle(): Promise<string | undefined> {
    return await this.#processes.isolationObstacle?.();
  }

  async releasePod(podUid: string): Promise<void> {
    this.#seeing.delete(podUid);
    await this.#processes.releasePod?.(podUid);
    await this.#engine.releasePod?.(podUid);
  }

  async sandboxEnded(podUid: string): Promise<boolean> {
    return (await this.#engine.sandboxEnded?.(podUid)) === true;
  }

  onSandboxLost(listener: (podUid: string) => void): void {
    this.#processes.onSandboxLost?.(listener);
    this.#engine.onSandboxLost?.(listener);
  }

  follow(logPath: string, onLine: (line: string) => void): LogTail | undefined {
    return this.#processes.follow(logPath, onLine) ?? this.#engine.follow(logPath, onLine);
  }
}
