// A collection between two writes that were committed together.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '#kube/store/sqlite/index.ts';
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
