// What runs containers on this node: processes of this machine, and a container engine beside them where one is named.
// Knows how runtimes are put together; none from the inside.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Cgroups } from './cgroup/cgroups.ts';
import { echoImages } from './echo/image.ts';
import { EngineRuntime } from './engine/engine-runtime.ts';
import { rememberEngine } from './engine/left.ts';
import { openEngine } from './engine/open.ts';
import type { ImageService } from './image/image-service.ts';
import { MappedImages } from './image/mapped-images.ts';
import { StubImages } from './image/stub-images.ts';
import type { ImageMap } from './images.ts';
import { hookFile } from './loopback/environment.ts';
import { ProcessRuntime } from './process/process-runtime.ts';
import type { Runtime } from './runtime.ts';
import { RuntimeChoice } from './runtime-choice.ts';

export interface RuntimeOptions {
  readonly dataDir: string;
  readonly images: () => ImageMap;
  readonly stubImages: boolean;
  /** `podman`, `docker` or the path of a socket, for images that are not mapped. */
  readonly engine: string | undefined;
  /** Directories that no container may see. */
  readonly hidden: readonly string[];
  readonly cgroups: Cgroups | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface OpenRuntime {
  readonly runtime: Runtime;
  close(): void;
}

/** Throws `EngineUnavailable` when the engine that is named cannot be used. */
export async function openRuntime(options: RuntimeOptions): Promise<OpenRuntime> {
  const { dataDir, hidden, cgroups, clock, log } = options;
  const mapped = new MappedImages(() => ({ ...echoImages, ...options.images() }));
  const stub = (images: ImageService): ImageService => (options.stubImages ? new StubImages(images) : images);
  const processes = (images: ImageService): ProcessRuntime =>
    new ProcessRuntime({ dataDir, images, keep: [process.execPath, hookFile], hidden, cgroups, clock, log });
  if (options.engine === undefined) return { runtime: processes(stub(mapped)), close: () => {} };
  const opened = await openEngine(options.engine, dataDir, clock);
  const owner = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  const empty = join(dataDir, 'empty');
  mkdirSync(empty, { recursive: true });
  const dirs = [...new Set([dataDir, ...hidden].filter(existsSync).map((dir) => realpathSync(dir)))];
  const engine = new EngineRuntime({ engine: opened, owner, hidden: { dirs, empty }, clock, log });
  const forget = rememberEngine(dataDir, { engine: options.engine, owner });
  const close = (): void => {
    opened.close();
    forget();
  };
  return { runtime: new RuntimeChoice(processes(mapped), engine, stub), close };
}
