// Containers of an engine that a kubelet which was killed has left running, for whoever takes its node down.
// Knows what that kubelet has written down; a kubelet that starts again finds its containers by itself.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { EngineRuntime } from './engine-runtime.ts';
import { EngineUnavailable, openEngine } from './open.ts';

interface Written {
  /** `podman`, `docker` or the path of a socket. */
  readonly engine: string;
  readonly owner: string;
}

function fileOf(dataDir: string): string {
  return join(dataDir, 'engine.json');
}

/** Before the first container is started. Returns how to forget it, when there is none any more. */
export function rememberEngine(dataDir: string, written: Written): () => void {
  writeFileSync(fileOf(dataDir), JSON.stringify(written));
  return () => rmSync(fileOf(dataDir), { force: true });
}

/** Nobody else may use the data directory meanwhile. Resolves with how many containers were ended. */
export async function sweepEngine(dataDir: string, clock: Clock): Promise<number> {
  const file = fileOf(dataDir);
  if (!existsSync(file)) return 0;
  const { engine, owner } = JSON.parse(readFileSync(file, 'utf8')) as Written;
  try {
    const opened = await openEngine(engine, dataDir, clock);
    const count = await new EngineRuntime({ engine: opened, owner, clock, log: silentLogger }).sweep();
    opened.close();
    rmSync(file);
    return count;
  } catch (error) {
    // An engine that does not run has no containers that do; the next who asks may find it again.
    if (error instanceof EngineUnavailable) return 0;
    throw error;
  }
}
