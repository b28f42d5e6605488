// What every store must do, run by the tests of each one.
// Knows the contract only; how a store is made is handed in.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CompactedError,
  FutureRevisionError,
  NoSpaceError,
  type Store,
  type StoreEvent,
  type StoreRecord,
} from './store.ts';

export interface StoreUnderTest {
  open(options?: { readonly quotaBytes: number }): Store;
  /** Removes what `open` left behind. */
  cleanUp(): void;
}

/** Runs the whole contract; `prepare` is called before each test. */
export function storeContract(name: string, prepare: () => StoreUnderTest): void {
  describe(`${name} store`, () => {
    let subject: StoreUnderTest;
    let store: Store;
    beforeEach(() => {
      subject = prepare();
      store = subject.open();
    });
    afterEach(async () => {
      await store.close();
      subject.cleanUp();
    });

    const keys = (prefix: string, revision?: number) =>
      store.range(prefix, revision === undefined ? {} : { revision }).records.map((record) => record.key);
    const put = async (key: string, value: string) => {
      const outcome = await store.put(key, value, store.get(key)?.revision ?? 0);
      if (!outcome.ok) throw new Error(`Write of ${key} was refused`);
      return outcome.revision;
    };

    it('starts at revision 1, empty', () => {
      expect(store.revision()).toBe(1);
      expect(store.get('/a')).toBeUndefined();
      expect(store.range('/')).toEqual({ records: [], revision: 1, remaining: 0 });
    });

    it('gives every write its own revision and keeps the create revision', async () => {
      expect(await store.put('/a', 'one', 0)).toEqual({ ok: true, revision: 2 });
      expect(await store.put('/a', 'two', 2)).toEqual({ ok: true, revision: 3 });
      expect(store.get('/a')).toEqual({ key: '/a', value: 'two', revision: 3, createRevision: 2 });
    });

    it('refuses a write whose expected revision is not the current one, and says what stands there', async () => {
      await put('/a', 'one');
      const current = store.get('/a');
      expect(await store.put('/a', 'two', 0)).toEqual({ ok: false, current });
      expect(await store.delete('/a', 99)).toEqual({ ok: false, current });
      expect(await store.put('/b', 'one', 7)).toEqual({ ok: false });
      expect(await store.delete('/b', 0)).toEqual({ ok: false });
      expect(store.revision()).toBe(2);
    });

    it('lets exactly one of many racing writers win', async () => {
      const outcomes = await Promise.all(Array.from({ length: 20 }, (_, index) => store.put('/a', `${index}`, 0)));
      expect(outcomes.filter((outcome) => outcome.ok)).toHaveLength(1);
      expect(store.get('/a')?.value).toBe('0');
    });

    it('starts a new life when a deleted key is written again', async () => {
      await put('/a', 'one');
      expect(await store.delete('/a', 2)).toEqual({ ok: true, revision: 3 });
      expect(store.get('/a')).toBeUndefined();
      await put('/a', 'two');
      expect(store.get('/a')).toEqual({ key: '/a', value: 'two', revision: 4, createRevision: 4 });
    });

    it('lists keys by prefix in byte order, in pages', async () => {
      for (const key of ['/p/b', '/p/ä', '/p/a', '/q/a', '/p/𝒳', '/p/\uFFFD', '/p']) await put(key, key);
      expect(keys('/p/')).toEqual(['/p/a', '/p/b', '/p/ä', '/p/\uFFFD', '/p/𝒳']);
      const first = store.range('/p/', { limit: 2 });
      expect(first.records.map((record) => record.key)).toEqual(['/p/a', '/p/b']);
      expect(first.remaining).toBe(3);
      const second = store.range('/p/', { limit: 3, after: '/p/b', revision: first.revision });
      expect(second.records).toHaveLength(3);
      expect(second.remaining).toBe(0);
    });

    it('says of an uncounted page only whether more follows', async () => {
      for (const key of ['/p/a', '/p/b', '/p/c', '/p/d']) await put(key, key);
      expect(store.range('/p/', { limit: 1, uncounted: true }).remaining).toBe(1);
      expect(store.range('/p/', { limit: 3, after: '/p/a', uncounted: true })).toMatchObject({ remaining: 0 });
      expect(store.range('/p/', { limit: 4, uncounted: true }).remaining).toBe(0);
    });

    it('reads the past as it was', async () => {
      const first = await put('/a', 'one');
      const second = await put('/b', 'two');
      await put('/a', 'three');
      await store.delete('/b', second);
      expect(keys('/', first)).toEqual(['/a']);
      expect(keys('/', second)).toEqual(['/a', '/b']);
      expect(store.range('/', { revision: second }).records[0]?.value).toBe('one');
      expect(keys('/')).toEqual(['/a']);
      expect(() => store.range('/', { revision: 99 })).toThrow(FutureRevisionError);
    });

    it('tells watchers what follows a revision, in order, with what was there before', async () => {
      const first = await put('/w/a', 'one');
      await put('/other', 'x');
      const seen: StoreEvent[] = [];
      const watch = store.watch('/w/', first - 1, (events) => seen.push(...events));
      expect(seen.map((event) => event.record.value)).toEqual(['one']);
      await put('/w/a', 'two');
      await put('/other', 'y');
      await store.delete('/w/a', store.get('/w/a')?.revision ?? 0);
      const one: StoreRecord = { key: '/w/a', value: 'one', revision: 2, createRevision: 2 };
      const two: StoreRecord = { key: '/w/a', value: 'two', revision: 4, createRevision: 2 };
      const history: StoreEvent[] = [
        { type: 'put', record: one },
        { type: 'put', record: two, previous: one },
        { type: 'delete', record: { ...two, revision: 6 }, previous: two },
      ];
      expect(seen).toEqual(history);
      const again: StoreEvent[] = [];
      store.watch('/w/', 1, (events) => again.push(...events)).close();
      expect(again).toEqual(history);
      watch.close();
      await put('/w/a', 'three');
      expect(seen).toHaveLength(3);
    });

    it('has told the watchers by the time a write resolves', async () => {
      let told = 0;
      store.watch('/', store.revision(), (events) => {
        told += events.length;
      });
      await put('/a', 'one');
      expect(told).toBe(1);
    });

    it('keeps the order for every watcher when a listener writes', async () => {
      const seen: string[] = [];
      const written: Promise<unknown>[] = [];
      store.watch('/', 1, (events) => {
        for (const { record } of events) {
          if (record.key === '/a') written.push(store.put('/b', 'follows', 0));
        }
      });
      store.watch('/', 1, (events) => seen.push(...events.map((event) => event.record.key)));
      await put('/a', 'one');
      await Promise.all(written);
      expect(seen).toEqual(['/a', '/b']);
    });

    it('forgets history on compaction and keeps current values', async () => {
      const first = await put('/a', 'one');
      const second = await put('/a', 'two');
      await put('/b', 'one');
      const last = (await store.delete('/b', store.get('/b')?.revision ?? 0)) as { revision: number };
      await store.compact(second);
      expect(store.compacted()).toBe(second);
      expect(() => store.range('/', { revision: first })).toThrow(CompactedError);
      expect(() => store.watch('/', first, () => {})).toThrow(CompactedError);
      expect(store.range('/', { revision: second }).records.map((record) => record.value)).toEqual(['two']);
      await store.compact(last.revision);
      expect(keys('/')).toEqual(['/a']);
      await store.compact(first);
      expect(store.compacted()).toBe(last.revision);
      await expect(store.compact(99)).rejects.toThrow(FutureRevisionError);
      expect(await put('/c', 'one')).toBe(last.revision + 1);
    });

    it('forgets nothing that is held', async () => {
      const first = await put('/a', 'one');
      const hold = store.hold();
      expect(hold.revision).toBe(first);
      await put('/a', 'two');
      const last = await put('/b', 'one');
      await store.compact(last);
      expect(store.compacted()).toBe(first);
      expect(store.range('/', { revision: first }).records.map((record) => record.value)).toEqual(['one']);
      hold.release();
      await store.compact(last);
      expect(store.compacted()).toBe(last);
      expect(() => store.range('/', { revision: first })).toThrow(CompactedError);
    });

    it('forgets a long history, and keeps what stands', async () => {
      for (let turn = 0; turn < 30; turn++) {
        await Promise.all(Array.from({ length: 100 }, (_, index) => put(`/k${index}`, `${turn}`)));
      }
      await store.delete('/k7', store.get('/k7')?.revision ?? 0);
      await store.compact(store.revision());
      expect(store.compacted()).toBe(store.revision());
      const { records } = store.range('/');
      expect(records).toHaveLength(99);
      expect(new Set(records.map((record) => record.value))).toEqual(new Set(['29']));
    });

    it('takes deletions only once its quota is used up, and writes again when they have made room', async () => {
      const own = prepare();
      const small = own.open({ quotaBytes: 400_000 });
      try {
        const value = 'x'.repeat(10_000);
        let written = 0;
        const fill = async (): Promise<void> => {
          for (; written < 1000; written++) await small.put(`/k${written}`, value, 0);
        };
        await expect(fill()).rejects.toThrow(/^database space exceeded: .* Delete objects .* or raise the quota/);
        expect(written).toBeGreaterThan(20);
        expect(small.health().alarm).toMatchObject({ alarm: 'quota' });
        await expect(small.put('/k0', 'other', small.get('/k0')?.revision ?? 0)).rejects.toThrow(NoSpaceError);
        expect(small.range('/').records).toHaveLength(written);
        const before = small.revision();
        for (let index = 0; index < written / 2; index++) {
          expect(await small.delete(`/k${index}`, small.get(`/k${index}`)?.revision ?? 0)).toMatchObject({ ok: true });
        }
        expect(small.revision()).toBe(before + Math.ceil(written / 2));
        await small.compact(small.revision());
        expect(small.health().alarm).toBeUndefined();
        expect(await small.put('/again', value, 0)).toMatchObject({ ok: true });
        expect(small.health()).toMatchObject({ quotaBytes: 400_000 });
      } finally {
        await small.close();
        own.cleanUp();
      }
    });

    it('refuses work once it is closed', async () => {
      await store.close();
      await expect(store.put('/a', 'one', 0)).rejects.toThrow('Store is closed');
      expect(() => store.watch('/', 1, () => {})).toThrow('Store is closed');
    });

    it('does what a plain list of snapshots does', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const own = prepare();
          const tried = own.open();
          try {
            await followModel(tried, steps);
          } finally {
            await tried.close();
            own.cleanUp();
          }
        }),
        { numRuns: 40 },
      );
    });
  });
}

type Step =
  | { do: 'put' | 'delete'; key: string; stale: boolean }
  | { do: 'compact'; back: number }
  | { do: 'compare'; back: number };

const key = fc.constantFrom('/a', '/a/b', '/b', '/c/d');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), key, stale: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key, stale: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const), back: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('compare' as const), back: fc.nat(10) }) },
);

/** The model: the whole content at every revision, and the compacted revision. */
async function followModel(store: Store, steps: readonly Step[]): Promise<void> {
  const snapshots: ReadonlyMap<string, string>[] = [new Map(), new Map()];
  let compacted = 0;
  let watched = new Map<string, string>();
  store.watch('/', 1, (events) => {
    watched = new Map(watched);
    for (const event of events) {
      if (event.type === 'put') watched.set(event.record.key, event.record.value);
      else watched.delete(event.record.key);
    }
  });
  for (const [index, current] of steps.entries()) {
    const revision = snapshots.length - 1;
    const now = new Map(snapshots[revision]);
    if (current.do === 'compact') {
      const target = Math.max(1, revision - current.back);
      await store.compact(target);
      compacted = Math.max(compacted, target);
    } else if (current.do === 'compare') {
      const target = Math.max(1, revision - current.back);
      if (target < compacted) expect(() => store.range('/', { revision: target })).toThrow(CompactedError);
      else expect(contentOf(store, target)).toEqual(sorted(snapshots[target] ?? new Map()));
    } else {
      const known = store.get(current.key)?.revision ?? 0;
      const expected = current.stale ? known + 1 : known;
      const exists = now.has(current.key);
      const outcome =
        current.do === 'put'
          ? await store.put(current.key, `v${index}`, expected)
          : await store.delete(current.key, expected);
      const accepted = !current.stale && (current.do === 'put' || exists);
      expect(outcome.ok).toBe(accepted);
      if (!accepted) continue;
      if (current.do === 'put') now.set(current.key, `v${index}`);
      else now.delete(current.key);
      snapshots.push(now);
      expect(store.revision()).toBe(snapshots.length - 1);
    }
    expect(contentOf(store)).toEqual(sorted(snapshots.at(-1) ?? new Map()));
    expect(sorted(watched)).toEqual(sorted(snapshots.at(-1) ?? new Map()));
  }
}

function contentOf(store: Store, revision?: number): [string, string][] {
  const { records } = store.range('/', revision === undefined ? {} : { revision });
  return records.map((record) => [record.key, record.value]);
}

function sorted(content: ReadonlyMap<string, string>): [string, string][] {
  return [...content].sort(([a], [b]) => (a < b ? -1 : 1));
}
