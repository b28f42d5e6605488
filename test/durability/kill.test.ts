// The server is killed in the middle of writes, again and again: what it has said is stored is there afterwards, whole.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigMap } from 'kubernetes-types/core/v1.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { loadKubeconfig } from '#kube/client/kubeconfig.ts';
import { createClient } from '#kube/client/rest-client.ts';
import { evenkeelBinary, type Running, start } from '#test/support/run.ts';
import { type TempDir, tempDir } from '#test/support/temp-dir.ts';

/** As many as the machine has time for; the full proof is 200. */
const ROUNDS = Number(process.env.EVENKEEL_KILL_ROUNDS ?? 60);
const WRITERS = 4;
/** Longest time between the first write that a round's server acknowledges and the kill, milliseconds. */
const LONGEST_MS = 60;

type Stored = ConfigMap & KubeObject;

let data: TempDir;
beforeAll(() => {
  data = tempDir('durability');
});
afterAll(() => data.remove());

/** Resolves once the server says that it listens. */
function startServer(): { running: Running; listening: Promise<void> } {
  const running = start(evenkeelBinary, ['apiserver', '--data', data.path, '--api-port', '0']);
  const listening = new Promise<void>((resolve, reject) => {
    running.child.stdout?.on('data', () => {
      if (running.output().stdout.includes('KUBECONFIG')) resolve();
    });
    void running.finished.then(({ code, stderr }) => reject(new Error(`The server ended with ${code}: ${stderr}`)));
  });
  return { running, listening };
}

/** Content whose parts depend on each other: half an object would show. */
function content(value: number): Record<string, string> {
  return { value: `${value}`, twice: `${2 * value}`, padding: `${value}`.repeat(200) };
}

test(`no acknowledged write is lost in ${ROUNDS} kills, and no object is seen in part`, async () => {
  const maps = builtin('ConfigMap');
  /** By name: the last value that the server acknowledged, and the one that was on its way when it died. */
  const acknowledged = new Map<string, number>();
  const attempted = new Map<string, number>();
  let counter = 0;
  let writes = 0;
  let kills = 0;

  async function write(client: Client, name: string): Promise<void> {
    const value = ++counter;
    attempted.set(name, value);
    const object: Stored = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default' },
      data: content(value),
    };
    await client.patch(maps, name, 'default', 'apply', object, { fieldManager: 'test', force: true, timeoutMs: 5_000 });
    acknowledged.set(name, value);
    writes++;
  }

  async function verify(client: Client): Promise<void> {
    const { items } = await client.list<Stored>(maps, { namespace: 'default', labelSelector: '' });
    const found = new Map(
      items.filter(({ metadata }) => metadata?.name?.startsWith('w-')).map((item) => [item.metadata?.name ?? '', item]),
    );
    for (const [name, value] of acknowledged) {
      const stored = Number(found.get(name)?.data?.value ?? Number.NaN);
      // A write that was not acknowledged may have been stored all the same.
      if (stored !== value && stored !== attempted.get(name)) {
        throw new Error(`${name} was acknowledged with ${value}, and now holds ${stored}`);
      }
    }
    for (const [name, { data: stored = {} }] of found) {
      const value = Number(stored.value);
      expect({ name, ...stored }).toEqual({ name, ...content(value) });
      acknowledged.set(name, value);
    }
  }

  while (kills < ROUNDS) {
    const { running, listening } = startServer();
    await listening;
    const client = createClient(loadKubeconfig(join(data.path, 'kubeconfig')));
    await verify(client);
    let dead = false;
    const written = Promise.withResolvers<void>();
    const writers = Array.from({ length: WRITERS }, async (_, index) => {
      for (let turn = 0; !dead; turn++) {
        try {
          await write(client, `w-${index}-${turn % 8}`);
          written.resolve();
        } catch (error) {
          if (!dead) throw error;
        }
      }
    });
    // The first write of a server compiles much of its code: how long that takes is the machine's matter.
    await Promise.race([written.promise, Promise.all(writers)]);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_MS));
    dead = true;
    running.child.kill('SIGKILL');
    const [{ signal }] = await Promise.all([running.finished.catch(() => ({ signal: 'SIGKILL' })), ...writers]);
    expect(signal).toBe('SIGKILL');
    await client.close();
    kills++;
  }

  const { running, listening } = startServer();
  await listening;
  const client = createClient(loadKubeconfig(join(data.path, 'kubeconfig')));
  await verify(client);
  await client.close();
  running.child.kill('SIGTERM');
  expect((await running.finished).code).toBe(0);
  expect(writes).toBeGreaterThan(ROUNDS);
  expect(readFileSync(join(data.path, 'kubeconfig'), 'utf8')).toContain('evenkeel');
}, 600_000);
