// What containers have mounted on the node, by volumes whose mounts spread both ways: known, and taken away in time.
// Knows mounts and where it remembers them; starts no container.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Cancel, Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { mountNumber, mountNumberObstacle } from '#lib/sys/mount-number.ts';
import type { ContainerSpec } from '../runtime.ts';
import { isBelow, type MountLine, mountLines } from './mountinfo.ts';
import { processStartTime } from './proc.ts';

/** How often containers are looked at; one that is killed with the kubelet may have mounted something since. */
const LOOK_MS = 250;

/** Told from others at the same point: who share it are the same in every namespace, and its file system is. */
interface Made {
  readonly point: string;
  readonly device: string;
  readonly peers: string;
}

/** One container; as it is on disk. */
interface Watched {
  readonly podUid: string;
  /** A process in the container's namespace and root, and when it began. */
  readonly pid: number;
  readonly started: string;
  readonly volumes: readonly { readonly source: string; readonly mountPath: string }[];
  readonly made: readonly Made[];
}

/** A mount of the node with its copy in a container, by their numbers. */
interface Pair {
  readonly made: Made;
  readonly node: bigint;
  readonly container: bigint;
}

export class PropagatedMounts {
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** By id of the container, also of those that have ended while their pod has not. */
  readonly #watched = new Map<string, Watched>();
  /** Containers that may run and mount already, and are not watched yet. */
  #starting = 0;
  #cancel: Cancel | undefined;

  /** `dataDir` remembers what there is for whoever comes after a crash. */
  constructor(dataDir: string, clock: Clock, log: Logger) {
    this.#dir = join(dataDir, 'mounts');
    this.#clock = clock;
    this.#log = log;
  }

  /** A container is about to be started; call what is returned when it is watched, or was not started. */
  starting({ mounts }: ContainerSpec): () => void {
    const counts = mounts.some(({ propagation }) => propagation === 'Bidirectional') ? 1 : 0;
    this.#starting += counts;
    return () => {
      this.#starting -= counts;
    };
  }

  /** Without effect for a container none of whose volumes is Bidirectional. `pid`: in its namespace and root. */
  watch(id: string, { podUid, podName, namespace, mounts }: ContainerSpec, pid: number): void {
    const volumes = mounts
      .filter(({ propagation }) => propagation === 'Bidirectional')
      .map(({ source, mountPath }) => ({ source: realpathSync(source), mountPath }));
    if (volumes.length === 0) return;
    const obstacle = mountNumberObstacle();
    if (obstacle !== undefined) {
      this.#log.warn(
        { pod: podName, namespace, reason: obstacle },
        'What containers mount in Bidirectional volumes stays on the node after their end: it cannot be told from what the node mounts there',
      );
      return;
    }
    this.#keep(id, { podUid, pid, started: processStartTime(pid) ?? '', volumes, made: [] });
    this.#cancel ??= this.#clock.every(LOOK_MS, () => this.#look());
  }

  /** The container's processes are about to end: the last that can be seen of it. */
  end(id: string): void {
    if (this.#watched.has(id)) this.#look();
  }

  /** The pod has no containers any more: unmounts what they left mounted. */
  release(podUid: string): void {
    this.#forget([...this.#watched].filter(([, one]) => one.podUid === podUid).map(([id]) => id));
  }

  /** A last look at every container, of this run and of an earlier one, before whatever still runs of them is ended. */
  recall(): void {
    const files = existsSync(this.#dir) ? readdirSync(this.#dir) : [];
    for (const file of files.filter((name) => name.endsWith('.json'))) {
      const id = file.slice(0, -'.json'.length);
      const before = this.#watched.has(id) ? undefined : readWatched(join(this.#dir, file));
      if (before !== undefined) this.#watched.set(id, before);
    }
    if (this.#watched.size > 0) this.#look();
  }

  /** Once nothing runs any more: unmounts what any of them left mounted. */
  sweep(): void {
    this.#forget([...this.#watched.keys()]);
  }

  /**
   * A mount that spreads is made first where it was asked for: there its number is the lowest. While somebody may mount
   * who is not watched, his would pass for another's, so nothing is said; what ends meanwhile is left mounted.
   */
  #look(): void {
    if (this.#starting > 0) return;
    const node = mountLines(readFileSync('/proc/self/mountinfo', 'utf8'));
    const firsts = new Map<string, { id: string; pair: Pair }>();
    for (const [id, watched] of this.#watched) {
      if (processStartTime(watched.pid) !== watched.started) continue;
      for (const pair of watched.volumes.flatMap((volume) => pairsOf(volume, watched.pid, node))) {
        const key = keyOf(pair.made);
        const first = firsts.get(key);
        if (first === undefined || pair.container < first.pair.container) firsts.set(key, { id, pair });
      }
    }
    const known = new Set([...this.#watched.values()].flatMap(({ made }) => made.map(keyOf)));
    for (const [key, { id, pair }] of firsts) {
      const one = this.#watched.get(id);
      if (one === undefined || pair.container > pair.node || known.has(key)) continue;
      this.#keep(id, { ...one, made: [...one.made, pair.made] });
    }
  }

  #keep(id: string, watched: Watched): void {
    this.#watched.set(id, watched);
    mkdirSync(this.#dir, { recursive: true });
    const file = this.#file(id);
    writeFileSync(`${file}.new`, JSON.stringify(watched));
    renameSync(`${file}.new`, file);
  }

  #forget(ids: readonly string[]): void {
    unmount(ids.flatMap((id) => this.#watched.get(id)?.made ?? []));
    for (const id of ids) {
      this.#watched.delete(id);
      rmSync(this.#file(id), { force: true });
    }
    if (this.#watched.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #file(id: string): string {
    return join(this.#dir, `${id}.json`);
  }
}

function keyOf({ point, device, peers }: Made): string {
  return `${peers} ${device} ${point}`;
}

/** Mounts below the volume that are the same on both sides. */
function pairsOf({ source, mountPath }: Watched['volumes'][number], pid: number, node: readonly MountLine[]): Pair[] {
  const below = node.filter(({ point }) => isBelow(point, source));
  const container = below.length === 0 ? [] : mountLines(readIfThere(`/proc/${pid}/mountinfo`));
  return below.flatMap(({ point, device, peers }) => {
    const there = `${mountPath}${point.slice(source.length)}`;
    const copy = container.findLast((one) => one.point === there);
    if (peers === undefined || copy?.peers !== peers || copy.device !== device) return [];
    const numbers = { node: mountNumber(point), container: mountNumber(`/proc/${pid}/root${there}`) };
    if (numbers.node === undefined || numbers.container === undefined) return [];
    return [{ made: { point, device, peers }, node: numbers.node, container: numbers.container }];
  });
}

/** The last made first, as others may lie on it. */
function unmount(made: readonly Made[]): void {
  if (made.length === 0) return;
  for (const one of [...made].reverse()) {
    const lines = mountLines(readFileSync('/proc/self/mountinfo', 'utf8')).filter(({ point }) => point === one.point);
    // What lies on top is what goes: another that somebody has mounted since is not ours to take.
    const top = lines.at(-1);
    if (top?.peers !== one.peers || top.device !== one.device) continue;
    try {
      // Lazily: a process of the node may have its directory there.
      execFileSync('umount', ['-n', '-l', one.point], { stdio: 'ignore' });
    } catch {
      // Somebody else was faster.
    }
  }
}

function readWatched(file: string): Watched | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Watched;
  } catch {
    // Nothing is ever half written, so somebody else was at it.
    return undefined;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The container has ended meanwhile.
    return '';
  }
}
