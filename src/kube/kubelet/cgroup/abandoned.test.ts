// Groups whose owner was killed and never comes again: any other start on the machine removes them, and nobody else's.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { processStartTime } from '../process/proc.ts';
import { CLAIMS_DIR } from './claims.ts';
import { openCgroups } from './open.ts';

/** In a guest kernel (test/support/uml) everything takes its time. */
const GUEST = process.env.EVENKEEL_GUEST === '1';
const base = mkdtempSync(join(tmpdir(), 'evenkeel-abandoned-'));
const owners: ChildProcess[] = [];
const dirOf = (name: string): string => {
  const dir = join(base, name);
  mkdirSync(dir, { recursive: true });
  return dir;
};

/** Any start: of a cluster that has nothing to do with the others. */
async function startAnother(): Promise<void> {
  const groups = await openCgroups({ dataDir: dirOf('another'), nodeName: 'n1', clock: systemClock });
  groups?.close();
}

/** A node of its own data directory; resolves with its first word once it has a group. */
async function owner(name: string, ...args: string[]): Promise<{ process: ChildProcess; word: string }> {
  const program = fileURLToPath(new URL('./testing/owner.ts', import.meta.url));
  const child = spawn(process.execPath, [program, dirOf(name), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  owners.push(child);
  const [word] = (await once(child.stdout, 'data')) as [Buffer];
  return { process: child, word: String(word).trim() };
}

async function kill9(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

/** Directories of the node's groups, of every controller. */
function groupsOf(name: string): string[] {
  const record = JSON.parse(readFileSync(join(base, name, 'cgroups.json'), 'utf8')) as {
    dirs: Record<string, string>;
    node: string;
  };
  return Object.values(record.dirs)
    .flatMap((dir) => [join(dir, record.node, '..'), join(dir, `${record.node.split('/')[0]}-probe`)])
    .filter(existsSync);
}

function claimsOf(name: string): string[] {
  return readdirSync(CLAIMS_DIR).filter((file) => readIfThere(join(CLAIMS_DIR, file)).includes(join(base, name)));
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

const probe = await openCgroups({ dataDir: dirOf('probe'), nodeName: 'n1', clock: systemClock });
probe?.close();
const obstacle = probe === undefined ? 'no control groups may be used here' : undefined;

describe.runIf(kernelAllows(obstacle, 'control groups that nobody needs any more'))('groups of the dead', () => {
  afterEach(async () => {
    await Promise.all(owners.splice(0).map((child) => (child.exitCode ?? child.signalCode) === null && kill9(child)));
  });
  afterAll(async () => {
    await startAnother();
    await eventually('this test leaves nothing', () => expect(claimsOf('')).toEqual([]));
    rmSync(base, { recursive: true, force: true });
  });

  test('are removed by any other start, and those of the living are not', async () => {
    const [dead, alive] = await Promise.all([owner('dead'), owner('alive')]);
    const before = groupsOf('alive');
    expect(before.length).toBeGreaterThan(0);
    await startAnother();
    expect(groupsOf('dead').length).toBeGreaterThan(0);
    await kill9(dead.process);
    await startAnother();
    await eventually('they are gone', () => expect([groupsOf('dead'), claimsOf('dead')]).toEqual([[], []]));
    expect(groupsOf('alive')).toEqual(before);
    expect(claimsOf('alive')).toHaveLength(1);
    await kill9(alive.process);
  });

  test('are removed whenever it was that their owner was killed', async () => {
    for (const afterMs of GUEST ? [3] : [0, 3, 15]) {
      const { process: busy } = await owner('busy', '3000');
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await kill9(busy);
      expect(groupsOf('busy').length).toBeGreaterThan(0);
      await startAnother();
      await eventually('they are gone', () => expect([groupsOf('busy'), claimsOf('busy')]).toEqual([[], []]));
    }
  });

  test('are known until they are gone, where somebody outlives the end of their owner', async () => {
    const groups = await openCgroups({ dataDir: dirOf('slow'), nodeName: 'n1', clock: systemClock });
    const group = groups?.container('p0', 'c', { cpuShares: 2 }, { cpuShares: 2 });
    const slow = spawn('sleep', ['300'], { stdio: 'ignore' });
    owners.push(slow);
    for (const file of group?.join ?? []) writeFileSync(file, `${slow.pid}`);
    groups?.close();
    expect(claimsOf('slow')).toHaveLength(1);
    await kill9(slow);
    await startAnother();
    await eventually('they are gone', () => expect([groupsOf('slow'), claimsOf('slow')]).toEqual([[], []]));
  });

  test('stay while a program runs in them that its own data directory is to end', async () => {
    const { process: node, word } = await owner('orphan', '2', 'sleep 300');
    await kill9(node);
    const groups = groupsOf('orphan').length;
    await startAnother();
    // Of the two pods the one without a process goes.
    const pods = (): string[] => groupsOf('orphan').flatMap((dir) => readdirSync(join(dir, 'n1')).filter(isPod));
    await eventually('what is empty is gone', () => expect([...new Set(pods())]).toEqual(['podp0']));
    expect(processStartTime(Number(word))).toBeDefined();
    expect(groupsOf('orphan')).toHaveLength(groups);

    const record = join(base, 'orphan', 'cgroups.json');
    const text = readFileSync(record, 'utf8');
    rmSync(join(base, 'orphan'), { recursive: true });
    await startAnother();
    await eventually('nobody would come for it', () => expect(processStartTime(Number(word))).toBeUndefined());
    const { node: path, dirs } = JSON.parse(text) as { node: string; dirs: Record<string, string> };
    await eventually('its groups are gone', () =>
      expect(Object.values(dirs).filter((dir) => existsSync(join(dir, path)))).toEqual([]),
    );
  });
});

function isPod(name: string): boolean {
  return name.startsWith('pod');
}
