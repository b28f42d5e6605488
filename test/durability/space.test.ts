// A server whose disk is full, and one that has reached its quota: they refuse writes with what helps, and serve on.
// The disk is a real one, of a few megabytes, in a mount namespace of its own.
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { StatusError } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { startTestApiServer, type TestApiServer } from '#test/support/api-server.ts';
import { eventually } from '#test/support/eventually.ts';
import { kernelAllows } from '#test/support/kernel.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';

const MAPS = builtin('ConfigMap');
const map = (name: string, size: number): KubeObject & { data: Record<string, string> } => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { text: 'x'.repeat(size) },
});

/** Creates objects until one is refused; the refusal and how many were taken. */
async function fill(client: Client, prefix: string, size: number): Promise<{ taken: number; refusal: StatusError }> {
  for (let taken = 0; taken < 2_000; taken++) {
    try {
      await client.create(MAPS, map(`${prefix}-${taken}`, size));
    } catch (error) {
      if (error instanceof StatusError) return { taken, refusal: error };
      throw error;
    }
  }
  throw new Error('Everything was taken');
}

async function names(client: Client): Promise<string[]> {
  const { items } = await client.list(MAPS, { namespace: 'default' });
  return items.map(({ metadata }) => metadata?.name ?? '').filter((name) => /-\d+$/.test(name));
}

const ready = (client: Client): Promise<unknown> => client.raw('GET', '/readyz');
const alarms = async (client: Client): Promise<string[]> =>
  String(await client.raw('GET', '/metrics'))
    .split('\n')
    .filter((line) => line.startsWith('evenkeel_apiserver_storage_alarm'));

let data: TempDir;
let server: TestApiServer;
afterAll(async () => {
  await server?.stop();
  data?.remove();
});

const obstacle = process.getuid?.() === 0 ? undefined : 'a disk of its own needs root';
describe.runIf(kernelAllows(obstacle, 'a full disk'))('a full disk', () => {
  let inside = '';
  beforeAll(async () => {
    data = tempDir('full');
    const mounting = 'mount -t tmpfs -o size=6m tmpfs "$0" && exec "$@"';
    server = await startTestApiServer(data.path, {
      within: ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mounting, data.path],
      seenAt: (pid) => `/proc/${pid}/root${data.path}`,
    });
    inside = `/proc/${server.running.child.pid}/root${data.path}`;
  });

  test('refuses writes, serves reads, and takes writes again by itself when there is room', async () => {
    const { client } = server;
    const ballast = `${inside}/of-somebody-else`;
    writeFileSync(ballast, Buffer.alloc(2 * 1024 * 1024));
    const { taken, refusal } = await fill(client, 'full', 100_000);
    expect(refusal).toMatchObject({ code: 507, reason: 'InsufficientStorage' });
    expect(refusal.message).toMatch(/^database space exceeded: the disk of ".*store\.db" is full\. Make room on it/);
    expect(taken).toBeGreaterThan(3);
    // All that was acknowledged is there, and nothing of what was refused.
    expect(await names(client)).toHaveLength(taken);
    await expect(ready(client)).rejects.toThrow('store failed: writes are refused (disk)');
    expect(await client.raw('GET', '/livez')).toBe('ok');
    expect(await alarms(client)).toContain('evenkeel_apiserver_storage_alarm{alarm="disk"} 1');
    rmSync(ballast);
    // Nobody writes: the server has to look by itself.
    await eventually('it is ready again', async () => expect(await ready(client)).toBe('ok'));
    expect(await alarms(client)).toContain('evenkeel_apiserver_storage_alarm{alarm="disk"} 0');
    await client.create(MAPS, map('last-1', 100_000));
    expect(await names(client)).toHaveLength(taken + 1);
  });
});

test('a store at its quota takes deletions only, and writes again once they have made room', async () => {
  const own = tempDir('quota');
  const small = await startTestApiServer(own.path, { args: ['--store-quota', '2MiB'] });
  try {
    const { client } = small;
    const { taken, refusal } = await fill(client, 'quota', 100_000);
    expect(refusal).toMatchObject({ code: 507, reason: 'InsufficientStorage' });
    expect(refusal.message).toMatch(
      /^database space exceeded: the store holds 2\.\d\d MiB of its quota of 2\.00 MiB\. Delete objects .* --store-quota$/,
    );
    await expect(ready(client)).rejects.toThrow('store failed: writes are refused (quota)');
    expect(await names(client)).toHaveLength(taken);
    for (let index = 0; index < taken / 2; index++) await client.delete(MAPS, `quota-${index}`, 'default');
    await eventually('it takes writes again', () => client.create(MAPS, map('again-1', 1_000)));
    expect(await ready(client)).toBe('ok');
    expect(await alarms(client)).toContain('evenkeel_apiserver_storage_alarm{alarm="quota"} 0');
  } finally {
    await small.stop();
    own.remove();
  }
});
