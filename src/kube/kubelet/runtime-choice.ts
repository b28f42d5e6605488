// Several runtimes as one: an image that is mapped runs as a process, any other in the container engine, if there is one.
// Knows runtimes by their contract only.
import { type Image, ImageError, type ImageRequest, type ImageService } from './image/image-service.ts';
import type { ContainerSpec, LogTail, RunningContainer, Runtime } from './runtime.ts';

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

  /** `stub` comes last: what it gives runs as a process. */
  constructor(processes: Runtime, engine: Runtime, stub: (images: ImageService) => ImageService) {
    this.name = processes.name;
    this.#processes = processes;
    this.#engine = engine;
    this.images = stub(new FirstThatHas([processes.images, engine.images]));
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    const [own, other] = spec.image.engine ? [this.#engine, this.#processes] : [this.#processes, this.#engine];
    return await own.start({ ...spec, ...(await this.#fromOther(spec, other)) });
  }

  /** What the container shares with those that the other runtime has. */
  async #fromOther({ sees, sandbox, image, podUid }: ContainerSpec, other: Runtime): Promise<Partial<ContainerSpec>> {
    const seesProcess = sees === undefined ? undefined : await other.processOf?.(sees);
    if (seesProcess !== undefined) return { seesProcess };
    // One holds what all share, and that is the one that needs no image for it.
    if (sandbox.isolation?.pid !== 'pod' || image.engine !== true) return {};
    const podPidNamespace = await other.podPidNamespace?.(podUid);
    return podPidNamespace === undefined ? {} : { podPidNamespace };
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
    await this.#processes.releasePod?.(podUid);
    await this.#engine.releasePod?.(podUid);
  }

  follow(logPath: string, onLine: (line: string) => void): LogTail | undefined {
    return this.#processes.follow(logPath, onLine) ?? this.#engine.follow(logPath, onLine);
  }
}
