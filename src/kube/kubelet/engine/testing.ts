// Container engines for tests: podman, and docker by a socket that answers or by a daemon of the test's own.
// Knows how to have one and how to leave nothing of it; what to test with it is the test's matter.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#lib/clock.ts';
import { eventually } from '#test/support/eventually.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import type { EngineKind } from './dialect.ts';
import { type OpenEngine, openEngine } from './open.ts';

const BUSYBOX = '/bin/busybox';
const DOCKER_SOCKET = '/var/run/docker.sock';
const APPLETS = ['sh', 'sleep', 'cat', 'echo', 'wc', 'head', 'seq', 'stty', 'test', 'ls', 'tr'];

export interface TestEngine {
  readonly engine: OpenEngine;
  /** Builds an image with a shell and a few programs; it goes when the engine is closed. */
  build(name: string): void;
  close(): Promise<void>;
}

const installed = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

/** Why containers of the engine cannot be tried here; `undefined` when they can. */
export function engineObstacle(kind: EngineKind): string | undefined {
  if (process.getuid?.() !== 0) return 'containers with limits need root';
  if (!existsSync(BUSYBOX)) return 'busybox-static is not installed';
  if (kind === 'podman') return installed('podman') ? undefined : 'podman is not installed';
  if (!installed('docker')) return 'the docker client is not installed';
  if (existsSync(DOCKER_SOCKET) || installed('dockerd')) return undefined;
  return `nobody listens at ${DOCKER_SOCKET}, and dockerd is not installed`;
}

export async function startTestEngine(kind: EngineKind, dataDir: string): Promise<TestEngine> {
  const daemon = kind === 'docker' && !existsSync(DOCKER_SOCKET) ? await startDockerd() : undefined;
  const engine = await openEngine(daemon?.socket ?? kind, dataDir, systemClock);
  const words = kind === 'podman' ? ['podman'] : ['docker', '--host', `unix://${engine.api.socketPath}`];
  const built: string[] = [];
  return {
    engine,
    build: (name) => {
      built.push(name);
      buildImage(words, name);
    },
    close: async () => {
      for (const name of built) run(words, ['rmi', '--force', name]);
      engine.close();
      await daemon?.stop();
    },
  };
}

function run([program = '', ...first]: readonly string[], words: readonly string[]): void {
  const { status, stderr } = spawnSync(program, [...first, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${words.join(' ')} failed: ${stderr}`);
}

function buildImage(engine: readonly string[], name: string): void {
  const dir = tempDir('image');
  const bin = join(dir.path, 'bin');
  mkdirSync(bin);
  copyFileSync(BUSYBOX, join(bin, 'busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(bin, applet));
  writeFileSync(
    join(dir.path, 'Dockerfile'),
    'FROM scratch\nCOPY bin /bin\nENV FROM_IMAGE=yes\nWORKDIR /\nENTRYPOINT ["/bin/sh"]\nCMD ["-c", "echo default"]\n',
  );
  run(engine, ['build', '--quiet', '--tag', name, dir.path]);
  dir.remove();
}

interface Daemon {
  readonly socket: string;
  stop(): Promise<void>;
}

/** A docker of our own that changes nothing of the machine: no bridge, no packet filter, no forwarding. */
async function startDockerd(): Promise<Daemon> {
  // Sockets below have long names already.
  const dir = mkdtempSync(join(tmpdir(), 'evk-dockerd-'));
  const socket = join(dir, 'docker.sock');
  const flags = ['--bridge=none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false'];
  const places = ['--data-root', join(dir, 'root'), '--exec-root', join(dir, 'exec'), '--pidfile', join(dir, 'pid')];
  // Whatever becomes of us, it does not stay.
  const words = [
    '--pdeathsig',
    'TERM',
    'dockerd',
    '--host',
    `unix://${socket}`,
    '--storage-driver=vfs',
    ...flags,
    ...places,
  ];
  const child = spawn('setpriv', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2_000);
  });
  const stop = async (): Promise<void> => {
    await end(child);
    // What it mounts is not for others to see, but must not be in the way of its removal.
    for (const path of mountsBelow(dir)) spawnSync('umount', ['--lazy', path]);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await eventually('dockerd answers', () => {
      if (child.exitCode !== null) throw new Error(`dockerd ended with ${child.exitCode}: ${said}`);
      run(['docker', '--host', `unix://${socket}`], ['version']);
    });
    return { socket, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** The deepest first. */
function mountsBelow(dir: string): string[] {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');
  return points.filter((point) => point.startsWith(`${dir}/`)).reverse();
}
