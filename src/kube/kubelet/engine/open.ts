// Finds the container engine that people asked for, and starts podman's service where it is not running.
// Knows where sockets lie; runs no container.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { EngineKind } from './dialect.ts';
import { EngineApi } from './engine-api.ts';

export interface OpenEngine {
  readonly kind: EngineKind;
  readonly api: EngineApi;
  /** Starts the engine anew on another OCI runtime; left out where the engine is not ours to start. */
  useOciRuntime?(name: string): Promise<void>;
  /** Ends what was started for it. */
  close(): void;
}

/** The engine cannot be used; the message names the remedy. */
export class EngineUnavailable extends Error {}

const SOCKETS: Readonly<Record<EngineKind, readonly string[]>> = {
  podman: ['/run/podman/podman.sock', `/run/user/${process.getuid?.() ?? 0}/podman/podman.sock`],
  docker: ['/var/run/docker.sock'],
};
const WAIT_MS = 5_000;
const STEP_MS = 50;

/** `wanted` is `podman`, `docker`, or the path of a socket. Throws `EngineUnavailable`. */
export async function openEngine(wanted: string, dataDir: string, clock: Clock): Promise<OpenEngine> {
  if (wanted !== 'podman' && wanted !== 'docker') {
    const api = new EngineApi(wanted.replace(/^unix:\/\//, ''));
    const kind = await kindOf(api);
    if (kind === undefined) {
      throw new EngineUnavailable(`No container engine answers at "${wanted}": name its socket, "podman" or "docker"`);
    }
    return { kind, api, close: () => {} };
  }
  for (const path of SOCKETS[wanted]) {
    const api = new EngineApi(path);
    if (existsSync(path) && (await kindOf(api)) !== undefined) return { kind: wanted, api, close: () => {} };
  }
  if (wanted === 'podman') return await startPodman(join(dataDir, 'podman.sock'), clock);
  throw new EngineUnavailable(`docker does not answer at ${SOCKETS.docker.join(', ')}: start it, or use podman`);
}

async function kindOf(api: EngineApi): Promise<EngineKind | undefined> {
  try {
    const { Components = [] } = await api.json<{ Components?: { Name: string }[] }>('GET', '/version');
    return Components.some(({ Name }) => /podman/i.test(Name)) ? 'podman' : 'docker';
  } catch {
    // Nobody there, or somebody else.
    return undefined;
  }
}

/** The service of a podman that nobody runs yet: ours, so it can be given another OCI runtime. */
async function startPodman(path: string, clock: Clock): Promise<OpenEngine> {
  const api = new EngineApi(path);
  let service = await serve(api, [], clock);
  return {
    kind: 'podman',
    api,
    async useOciRuntime(name) {
      await stop(service);
      service = await serve(api, ['--runtime', name], clock);
    },
    close: () => void stop(service),
  };
}

async function serve(api: EngineApi, flags: readonly string[], clock: Clock): Promise<ChildProcess> {
  rmSync(api.socketPath, { force: true });
  const service = spawn('podman', [...flags, 'system', 'service', '--time', '0', `unix://${api.socketPath}`], {
    stdio: 'ignore',
  });
  let reason: string | undefined;
  service.once('error', (error: NodeJS.ErrnoException) => {
    reason = error.code === 'ENOENT' ? 'podman is not installed' : error.message;
  });
  service.once('exit', (code) => {
    reason ??= `its service ended with ${code}`;
  });
  for (let waited = 0; reason === undefined && waited < WAIT_MS; waited += STEP_MS) {
    if (existsSync(api.socketPath) && (await kindOf(api)) !== undefined) return service;
    await new Promise<void>((resolve) => void clock.after(STEP_MS, resolve));
  }
  await stop(service);
  throw new EngineUnavailable(
    `podman cannot be used: ${reason ?? `it does not answer within ${WAIT_MS / 1000} s`}; install it, or leave out --engine`,
  );
}

async function stop(service: ChildProcess): Promise<void> {
  if (service.pid === undefined || service.exitCode !== null || service.signalCode !== null) return;
  const ended = new Promise((resolve) => service.once('exit', resolve));
  service.kill('SIGTERM');
  await ended;
}
