// A cluster is kept in a file while it is written to, restored elsewhere and over itself, by the commands people type;
// clients that were connected notice. Kills fall into backups and restores, and lose nothing.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { startTestApiServer, type TestApiServer } from '#test/support/api-server.ts';
import { evenkeel, evenkeelBinary, start } from '#test/support/run.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';

type ConfigMap = KubeObject & { data: Record<string, string> };
const MAPS = builtin('ConfigMap');
const map = (name: string, text: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { text },
});

async function texts(client: Client): Promise<Record<string, string>> {
  const { items } = await client.list<ConfigMap>(MAPS, { namespace: 'default' });
  return Object.fromEntries(
    items
      .filter(({ data }) => data?.text !== undefined)
      .map(({ metadata, data }) => [metadata?.name ?? '', data.text ?? '']),
  );
}

let files: TempDir;
let home: TempDir;
let server: TestApiServer;
beforeAll(async () => {
  files = tempDir('backup-files');
  home = tempDir('backup-home');
  server = await startTestApiServer(home.path);
});
afterAll(async () => {
  await server?.stop();
  files?.remove();
  home?.remove();
});

const at = (name: string): string => join(files.path, name);
const backup = (...args: string[]) => evenkeel(['backup', '--data', home.path, ...args]);
const restore = (...args: string[]) => evenkeel(['restore', '--data', home.path, ...args]);

test('a running cluster is kept as it was at one moment, and is what it was after a restore', {
  timeout: 120_000,
}, async () => {
  const { client } = server;
  for (let index = 0; index < 40; index++) await client.create(MAPS, map(`kept-${index}`, `${index}`));
  // Two objects that are always written one after the other: a backup of one moment never has them the wrong way round.
  let writing = true;
  const writer = (async () => {
    for (let turn = 0; writing; turn++) {
      for (const name of ['first', 'second']) {
        await client.patch(MAPS, name, 'default', 'apply', map(name, `${turn}`), { fieldManager: 'test', force: true });
      }
    }
  })();
  const done = await backup(at('one.backup'));
  writing = false;
  await writer;
  expect(done.stderr).toMatch(/^Saved \d+ objects as of revision \d+ to ".*one\.backup", and checked it\n$/);
  expect(done.code).toBe(0);
  expect(statSync(at('one.backup')).mode & 0o777).toBe(0o600);
  const again = await backup(at('one.backup'));
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('already') });
  expect(again.stderr).toContain('replace it with --force');
  expect(await backup('--force', at('other.backup'))).toMatchObject({ code: 0 });
  const checked = await evenkeel(['restore', '--check', at('one.backup')]);
  expect(checked.stdout).toMatch(/one\.backup" is whole: \d+ objects as of revision \d+, written 2/);

  // What a client has seen later must not come back as something else.
  const before = await texts(client);
  await client.delete(MAPS, 'kept-3', 'default');
  const late = await client.create(MAPS, map('late', 'not in the backup'));
  const seen = late.metadata?.resourceVersion ?? '';
  const old = loadKubeconfig(server.kubeconfig);
  expect(await restore(at('one.backup'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is in use by process'),
  });
  await server.stop();

  const restored = await restore(at('one.backup'));
  expect(restored.stderr).toBe('');
  expect(restored.stdout).toMatch(
    /^Restored \d+ objects of 2.*; its next revision is 1\d{9}\nWhat was there is kept in /,
  );
  server = await startTestApiServer(home.path);
  const now = await texts(server.client);
  expect(Object.keys(now).sort()).toEqual(Object.keys(before).sort());
  expect(now).toMatchObject({ 'kept-3': '3', 'kept-39': '39' });
  expect(Number(now.first) - Number(now.second)).toBeGreaterThanOrEqual(0);
  expect(Number(now.first) - Number(now.second)).toBeLessThanOrEqual(1);
  // The certificates of before are good for it: only the port is another one.
  const known = createClient({ ...old, server: loadKubeconfig(server.kubeconfig).server });
  expect(Object.keys(await texts(known))).toHaveLength(Object.keys(now).length);
  const watching = known.watch(MAPS, { namespace: 'default', resourceVersion: seen })[Symbol.asyncIterator]();
  await expect(watching.next()).rejects.toMatchObject({ code: 410 });
  await known.close();
});

test('a cluster that does not run is kept as well, to standard output, and moves to another directory', {
  timeout: 120_000,
}, async () => {
  await server.client.create(MAPS, map('moved', 'yes'));
  const before = await texts(server.client);
  await server.stop();
  const piped = at('piped.backup');
  const { code, stderr } = await evenkeelBySh('"$0" backup - --data "$1" > "$2"', home.path, piped);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('which nothing has checked') });
  const elsewhere = tempDir('backup-elsewhere');
  try {
    expect(await evenkeelBySh('"$0" restore - --data "$1" < "$2"', elsewhere.path, piped)).toMatchObject({ code: 0 });
    for (const key of ['ca.pem', 'service-accounts.key']) {
      expect(readFileSync(join(elsewhere.path, 'pki', key))).toEqual(readFileSync(join(home.path, 'pki', key)));
    }
    const moved = await startTestApiServer(elsewhere.path);
    expect(await texts(moved.client)).toEqual(before);
    await moved.stop();
  } finally {
    elsewhere.remove();
  }
  server = await startTestApiServer(home.path);
});

test('a backup that is cut short or changed is refused, and nothing changes', { timeout: 120_000 }, async () => {
  await server.stop();
  const whole = readFileSync(at('piped.backup'));
  const bad = at('bad.backup');
  const flipped = Buffer.from(whole);
  flipped[Math.floor(whole.length / 2)] = (flipped[Math.floor(whole.length / 2)] ?? 0) ^ 0x10;
  const entries = async (): Promise<string[]> => (await readdir(home.path)).sort();
  const before = await entries();
  const store = readFileSync(join(home.path, 'store.db'));
  for (const bytes of [whole.subarray(0, whole.length - 100), flipped, Buffer.from('hello')]) {
    writeFileSync(bad, bytes);
    const { code, stderr } = await restore(bad);
    expect(stderr).toMatch(/^Error: Backup ".*bad\.backup" cannot be used: it \w+/);
    expect(code).toBe(1);
  }
  expect(await restore(at('none.backup'))).toMatchObject({ code: 1, stderr: expect.stringContaining('none.backup') });
  expect(await entries()).toEqual(before);
  expect(readFileSync(join(home.path, 'store.db'))).toEqual(store);
});

test('a damaged store is told of with the command that saves what can be read, which does', {
  timeout: 120_000,
}, async () => {
  const bytes = readFileSync(join(home.path, 'store.db'));
  // A page in the middle, and the first, by which SQLite knows its files.
  bytes.fill(0x5a, 0, 2_000);
  bytes.fill(0x5a, 8 * 4096, 9 * 4096);
  writeFileSync(join(home.path, 'store.db'), bytes);
  const refused = await evenkeel(['apiserver', '--data', home.path, '--api-port', '0']);
  expect(refused.stderr).toMatch(/^Error: Cannot open store ".*store\.db": it is damaged/m);
  expect(refused.stderr).toContain(`evenkeel restore --salvage --data ${home.path}`);
  expect(refused.code).toBe(1);
  const saved = await backup('--salvage', at('saved.backup'));
  expect(saved.code).toBe(0);
  const { code, stdout, stderr } = await restore('--salvage');
  expect(stderr).toMatch(/^Kept \d+ objects that can be read in ".*salvaged-.*\.backup"/);
  expect(stdout).toContain('What was there is kept in');
  expect(code).toBe(0);
  const [, aside = ''] = /kept in "(.*)"/.exec(stdout) ?? [];
  expect(readFileSync(join(aside, 'store.db'))).toEqual(bytes);
  server = await startTestApiServer(home.path);
  const now = await texts(server.client);
  const was = textsIn(at('piped.backup'));
  expect(Object.keys(now).length).toBeGreaterThan(10);
  for (const [name, text] of Object.entries(now)) expect(text).toBe(was.get(name));
});

test('kills in the middle of backups and restores leave the one or the other, whole', {
  timeout: 120_000,
}, async () => {
  await server.client.patch(MAPS, 'kept-0', 'default', 'merge', { data: { text: 'new' } });
  await server.stop();
  expect(await backup('--force', at('new.backup'))).toMatchObject({ code: 0 });
  const sizes = new Set<string>();
  for (let round = 0; round < 5; round++) {
    const name = round % 2 === 0 ? 'other.backup' : 'new.backup';
    // The first rounds fall into the start of the program, the last ones may come too late: all are fine.
    await killedAfter(['restore', '--data', home.path, at(name)], 150 + 100 * round);
    await killedAfter(['backup', '--data', home.path, '--force', at('kept.backup')], 150 + 100 * round);
    const checked = await evenkeel(['backup', '--data', home.path, '--force', at('after.backup')]);
    expect(checked).toMatchObject({ code: 0 });
    const found = textsIn(at('after.backup')).get('kept-0') ?? '';
    expect(['0', 'new']).toContain(found);
    sizes.add(found);
    for (const file of (await readdir(files.path)).filter((one) => one === 'kept.backup')) {
      expect(await evenkeel(['restore', '--check', at(file)])).toMatchObject({ code: 0 });
    }
    for (const entry of await readdir(home.path)) {
      if (entry.startsWith('before-restore-')) await rm(join(home.path, entry), { recursive: true });
    }
  }
  server = await startTestApiServer(home.path);
  expect([...sizes]).toContain((await texts(server.client))['kept-0']);
});

/** What a backup says of the ConfigMaps, by name. */
function textsIn(path: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of gunzipSync(readFileSync(path)).toString().trimEnd().split('\n')) {
    const { key, value } = JSON.parse(line) as { key?: string; value?: string };
    if (key?.startsWith('/registry/configmaps/default/') !== true) continue;
    const { data } = JSON.parse(value ?? '{}') as ConfigMap;
    if (data?.text !== undefined) found.set(key.split('/').at(-1) ?? '', data.text);
  }
  return found;
}

function evenkeelBySh(script: string, ...args: string[]): Promise<{ code: number | null; stderr: string }> {
  return start('sh', ['-c', script, evenkeelBinary, ...args]).finished;
}

async function killedAfter(args: readonly string[], ms: number): Promise<void> {
  const running = start(evenkeelBinary, args);
  const timer = setTimeout(() => running.child.kill('SIGKILL'), ms);
  await running.finished;
  clearTimeout(timer);
}
