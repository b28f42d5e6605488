// Opens the control groups of this node, when the machine has some that we may use, and ends what a crash left in them.
// Knows both versions by their drivers only, and whose groups are whose by their claims.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '#lib/clock.ts';
import type { CgroupDriver, Cgroups } from './cgroups.ts';
import { type Claim, claimAbandoned, claimGroups } from './claims.ts';
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

/** What others of this machine are to know, should the owner die and never come again. */
interface ClaimRecord extends CgroupRecord {
  readonly node: string;
  readonly dataDir: string;
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

/** `onTry` is told of each place before anything is made there. */
function detect(probe: string, onTry: (candidate: CgroupRecord) => void): CgroupRecord | undefined {
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
  return candidates.find((candidate) => {
    onTry(candidate);
    return usable(driverOf(candidate), probe);
  });
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
  if (before?.node === undefined) return 0;
  const claim = await claimGroups(before.node, clock);
  const tree = treeOf(before, before.node, clock, onClose(claim));
  const ended = await tree.sweep();
  tree.close();
  return ended;
}

/**
 * Removes groups of whoever has died on this machine, has left them empty, and may never come again. Processes that run
 * on are their own data directory's to end, by its next start or by `down`; where that is gone, they are ended here.
 */
export async function sweepAbandoned(clock: Clock): Promise<void> {
  await Promise.all((await claimAbandoned()).map((claim) => sweepClaim(claim, clock)));
}

async function sweepClaim(claim: Claim, clock: Clock): Promise<void> {
  const record = parseClaim(claim.text());
  // It died before it made any.
  if (record === undefined) return claim.release();
  const tree = treeOf(record, record.node, clock, onClose(claim));
  if (!existsSync(join(record.dataDir, RECORD))) await tree.sweep();
  treeOf(record, probeOf(record.node), clock).removeEmpty();
  tree.close();
}

/** The group by which it is found out what may be done. */
function probeOf(node: string): string {
  return `${dirname(node)}-probe`;
}

function parseClaim(text: string): ClaimRecord | undefined {
  try {
    return JSON.parse(text) as ClaimRecord;
  } catch {
    return undefined;
  }
}

type OnClose = (isGone: boolean) => void;

function treeOf(record: CgroupRecord, node: string, clock: Clock, onClose?: OnClose): CgroupTree {
  return new CgroupTree(driverOf(record), node, clock, onClose);
}

/** The claim lasts as long as there is something to be removed. */
function onClose(claim: Claim | undefined): OnClose {
  return (isGone) => (isGone ? claim?.release() : claim?.leave());
}

/**
 * `undefined` when there are none that may be used. Whatever an earlier run left in its groups is ended; what others who
 * have died left is removed soon after. Throws when another process that runs has the groups of this node.
 */
export async function openCgroups(options: CgroupOptions): Promise<Cgroups | undefined> {
  const { dataDir, nodeName, clock } = options;
  const id = `evenkeel-${createHash('sha256').update(dataDir).digest('hex').slice(0, 8)}`;
  const node = join(id, nodeName);
  await sweepCgroups(dataDir, clock);
  const claim = await claimGroups(node, clock);
  const found = detect(probeOf(node), (candidate) =>
    claim?.describe(JSON.stringify({ ...candidate, node, dataDir } satisfies ClaimRecord)),
  );
  if (found === undefined) {
    claim?.release();
    return undefined;
  }
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, RECORD), JSON.stringify({ ...found, node }));
  // Nobody waits for it: a group that somebody else removes at the same time is gone as well.
  sweepAbandoned(clock).catch(() => {});
  return treeOf(found, node, clock, onClose(claim));
}
