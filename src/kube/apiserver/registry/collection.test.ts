// A collection between two writes that were committed together.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '#kube/store/sqlite/index.ts';
import { CompactedError } from '#kube/store/store.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { Collection } from './collection.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'evenkeel-collection-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('a follower that lists at the first of several changes hides none of the others', async () => {
  const store = openSqliteStore(join(dir, 'store'), { clock: systemClock });
  const collection = new Collection(store, '/registry/things/', silentLogger);
  const names = (): unknown[] => collection.list().map(({ object }) => object.metadata?.name);
  const seen: number[] = [];
  collection.subscribe(() => seen.push(names().length));
  const all = Array.from({ length: 20 }, (_, at) => `thing-${String(at).padStart(2, '0')}`);
  await Promise.all(all.map((name) => collection.put(collection.keyOf(undefined, name), { metadata: { name } }, 0)));
  expect(names()).toEqual(all);
  expect(seen).toEqual(all.map((_, at) => at + 1));
  collection.close();
  await store.close();
});

test('pages are those of their revision, whether anything has changed meanwhile or not', async () => {
  const store = openSqliteStore(join(dir, 'store'), { clock: systemClock });
  const collection = new Collection(store, '/registry/things/', silentLogger);
  const keys = ['a/one', 'a/two', 'a/x', 'ab/one', 'b/one'].map((name) => collection.prefix + name);
  for (const key of keys) await collection.put(key, { metadata: { name: key } }, 0);
  const revision = collection.revision();
  const pages = (namespace?: string): unknown[] => {
    const found: unknown[] = [];
    for (let after: string | undefined; ; ) {
      const page = collection.page(namespace, { revision, limit: 2, ...(after === undefined ? {} : { after }) });
      found.push([page.items.map(({ key }) => key.slice(collection.prefix.length)), page.remaining]);
      if (page.remaining === 0) return found;
      after = page.items.at(-1)?.key;
    }
  };
  const ofAll = [
    [['a/one', 'a/two'], 3],
    [['a/x', 'ab/one'], 1],
    [['b/one'], 0],
  ];
  const ofOne = [
    [['a/one', 'a/two'], 1],
    [['a/x'], 0],
  ];
  expect([pages(), pages('a')]).toEqual([ofAll, ofOne]);
  expect(collection.list('a').map(({ key }) => key)).toEqual(keys.slice(0, 3));
  await collection.delete(keys[0] as string, 2);
  await collection.put(`${collection.prefix}a/zoo`, { metadata: { name: 'zoo' } }, 0);
  expect([pages(), pages('a')]).toEqual([ofAll, ofOne]);
  expect(collection.page('a', {}).items.map(({ key }) => key)).toEqual([
    ...keys.slice(1, 3),
    `${collection.prefix}a/zoo`,
  ]);
  await store.compact(collection.revision());
  expect(() => pages()).toThrow(CompactedError);
  collection.close();
  await store.close();
});

test('a list keeps its order through what comes, changes and goes, and one taken before stays as it was', async () => {
  const store = openSqliteStore(join(dir, 'store'), { clock: systemClock });
  const collection = new Collection(store, '/registry/things/', silentLogger);
  const revisions = new Map<string, number>();
  const put = async (name: string): Promise<void> => {
    const outcome = await collection.put(collection.prefix + name, { metadata: { name } }, revisions.get(name) ?? 0);
    if (!outcome.ok) throw new Error(`${name} was not written`);
    revisions.set(name, outcome.revision);
  };
  const remove = async (name: string): Promise<void> => {
    await collection.delete(collection.prefix + name, revisions.get(name) ?? 0);
    revisions.delete(name);
  };
  const listed = (): unknown[] =>
    collection.list().map(({ key, revision }) => [key.slice(collection.prefix.length), revision]);
  const expected = (): unknown[] => [...revisions].sort(([a], [b]) => (a < b ? -1 : 1));
  for (let index = 0; index < 40; index++) await put(`n${(index * 7) % 40}`);
  const first = collection.list();
  const before = first.map(({ revision }) => revision);
  // Few changes between lists, then more than are worth mending.
  for (const changes of [1, 2, 5, 150]) {
    for (let index = 0; index < changes; index++) {
      const name = `n${(index * 13) % 60}`;
      if (index % 3 === 2 && revisions.has(name)) await remove(name);
      else await put(name);
    }
    expect(listed()).toEqual(expected());
  }
  expect(first.map(({ revision }) => revision)).toEqual(before);
  collection.close();
  await store.close();
});
