// Opens the control groups of this node, when the machine has some that we may use, and ends what a crash left in them.
// Knows both versions by their drivers only.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { CgroupDriver, Cgroups } from './cgroups.ts';
import { findHierarchies } from './detect.ts';
import { readText, tryWrite } from './files.ts';
import { CgroupTree } from './tree.ts';
import { V1Driver } from './v1.ts';
import { V2Driver } from './v2.ts';

const RECORD = 'cgroups.json';
const V2_WANTED = ['memory', 'cpu', 'pids'];

export interface CgroupOptions {
  /** Tells clusters of one machine apart, and names the record of where the groups are. */
  readonly dataDir: string;
  readonly nodeName: string;
  readonly clock: Clock;
}

/** Where an earlier run had its groups: it may have run in another session, with another group of its own. */
interface CgroupRecord {
  readonly version: 1 | 2;
  readonly dirs: Readonly<Record<string, string>>;
  /** Path of the node's own group. */
  readonly node?: string;
}

function recordOf(place: { v1: Readonly<Record<string, string>> } | { v2: string }): CgroupRecord {
  return 'v1' in place ? { version: 1, dirs: place.v1 } : { version: 2, dirs: { base: place.v2 } };
}

function driverOf({ version, dirs }: CgroupRecord): CgroupDriver {
  if (version === 1) return new V1Driver(dirs);
  const base = dirs.base ?? '';
  return new V2Driver(base, (readText(join(base, 'cgroup.controllers')) ?? '').trim().split(' '));
}

/** Tries with a group of no consequence: root may be without this right, and a container without delegation. */
function usable(driver: CgroupDriver, path: string): boolean {
  for (const { file, value } of driver.delegation('.')) tryWrite(file, value);
  const dirs = driver.dirs(path);
  try {
    for (const dir of dirs) mkdirSync(dir, { recursive: true });
    const settings = driver.settings(path, { cpuShares: 1024, pids: 64, memoryBytes: 1 << 30 }, 'container');
    // Swap accounting is often off; all else must hold.
    const needed = settings.filter(({ file }) => !/swap|memsw/.test(file));
    return needed.length > 0 && needed.every(({ file, value }) => tryWrite(file, value));
  } catch {
    return false;
  } finally {
    for (const dir of dirs) {
      try {
        rmdirSync(dir);
      } catch {
        // Never made.
      }
    }
  }
}

function detect(probe: string): CgroupRecord | undefined {
  const mountinfo = readText('/proc/self/mountinfo');
  const cgroup = readText('/proc/self/cgroup');
  if (mountinfo === undefined || cgroup === undefined) return undefined;
  const { v1, v2 } = findHierarchies(mountinfo, cgroup);
  const candidates: CgroupRecord[] = [];
  if (v1.memory !== undefined || v1.pids !== undefined) candidates.push(recordOf({ v1 }));
  const controllers = v2 === undefined ? '' : (readText(join(v2, 'cgroup.controllers')) ?? '');
  if (v2 !== undefined && V2_WANTED.some((name) => controllers.split(/\s/).includes(name))) {
    candidates.push(recordOf({ v2 }));
  }
  return candidates.find((candidate) => usable(driverOf(candidate), probe));
}

function readRecord(file: string): CgroupRecord | undefined {
  const text = readText(file);
  try {
    return text === undefined ? undefined : (JSON.parse(readFileSync(file, 'utf8')) as CgroupRecord);
  } catch {
    // Cut short by a crash before any group was made.
    return undefined;
  }
}

/** Ends and removes what an earlier run left in its groups; resolves with how many processes that were. */
export async function sweepCgroups(dataDir: string, clock: Clock): Promise<number> {
  const before = readRecord(join(dataDir, RECORD));
  return before?.node === undefined ? 0 : await new CgroupTree(driverOf(before), before.node, clock).sweep();
}

/** `undefined` when there are none that may be used. Whatever an earlier run left in its groups is ended. */
export async function openCgroups(options: CgroupOptions): Promise<Cgroups | undefined> {
  const { dataDir, nodeName, clock } = options;
  const id = `evenkeel-${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`;
  const node = join(id, nodeName);
  await sweepCgroups(dataDir, clock);
  const found = detect(`${id}-probe`);
  if (found === undefined) return undefined;
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, RECORD), JSON.stringify({ ...found, node }));
  return new CgroupTree(driverOf(found), node, clock);
}
