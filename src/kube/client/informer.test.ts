// The informer against a server that breaks in every way: in the end it must know the truth.
// Time is moved by hand; the network is real.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pod } from 'kubernetes-types/core/v1.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { builtin } from '#kube/api/resources.ts';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { Client } from './client.ts';
import { createInformers, type Informer, type Informers } from './informer.ts';
import { createClient } from './rest-client.ts';
import { UnreliableApi } from './testing/unreliable-api.ts';

const pods = builtin('Pod');

let api: UnreliableApi;
let clock: FakeClock;
let client: Client;
let informers: Informers;
let informer: Informer<Pod>;

beforeEach(async () => {
  api = new UnreliableApi();
  await api.start();
  clock = new FakeClock();
  client = createClient({ server: api.url }, { clock, random: () => 0 });
  informers = createInformers(client, { clock, log: silentLogger, random: () => 0 });
  informer = informers.of<Pod>(pods);
});

afterEach(async () => {
  await informers.stop();
  await client.close();
  await api.stop();
});

/** Lets the network run, and time with it, until `holds`. The test's own time limit is the limit. */
async function until(holds: () => boolean, stepMs = 0): Promise<void> {
  while (!holds()) {
    await nextTurn();
    if (stepMs > 0) clock.advance(stepMs);
  }
}

const known = (): string[] =>
  informer
    .list()
    .map((pod) => pod.metadata?.name ?? '')
    .sort();
const converged = (): boolean => JSON.stringify(known()) === JSON.stringify(api.names());

async function started(): Promise<void> {
  informers.start();
  await informer.synced();
  await until(() => api.openWatches === 1);
}

describe('an informer on a healthy server', () => {
  test('knows what was there, what comes and what goes', async () => {
    api.put('a');
    api.put('b');
    await started();
    expect(known()).toEqual(['a', 'b']);
    api.put('c');
    api.remove('a');
    await until(converged);
    expect(known()).toEqual(['b', 'c']);
    expect(api.requests).toEqual(['list', 'watch 3']);
  });

  test('fills in apiVersion and kind, which list items do not carry', async () => {
    api.put('a');
    await started();
    expect(informer.get('default/a')).toMatchObject({ apiVersion: 'v1', kind: 'Pod' });
  });

  test('hands out objects that cannot be changed', async () => {
    api.put('a', { app: 'web' });
    await started();
    const labels = informer.get('default/a')?.metadata?.labels ?? {};
    expect(() => {
      labels.app = 'other';
    }).toThrow(TypeError);
  });

  test('tells handlers of the object before and after, and late handlers of what is there', async () => {
    api.put('a', { v: '1' });
    await started();
    const seen: string[] = [];
    informer.onChange((key, now, before) => {
      seen.push(`${key} ${before?.metadata?.labels?.v ?? '-'} -> ${now?.metadata?.labels?.v ?? '-'}`);
    });
    api.put('a', { v: '2' });
    api.remove('a');
    await until(() => seen.length === 3);
    expect(seen).toEqual(['default/a - -> 1', 'default/a 1 -> 2', 'default/a 2 -> -']);
  });

  test('keeps indexes true through changes', async () => {
    informer.addIndex('app', (pod) => [pod.metadata?.labels?.app ?? '']);
    api.put('a', { app: 'web' });
    await started();
    api.put('b', { app: 'web' });
    api.put('a', { app: 'db' });
    await until(() => informer.byIndex('app', 'db').length === 1 && informer.get('default/b') !== undefined);
    expect(informer.byIndex('app', 'web').map((pod) => pod.metadata?.name)).toEqual(['b']);
  });

  test('is shared: the same resource and scope is one watch', async () => {
    expect(informers.of<Pod>(pods)).toBe(informer);
    expect(informers.of<Pod>(pods, { namespace: 'default' })).not.toBe(informer);
  });

  test('one that is asked for after the start is started', async () => {
    api.put('a');
    await started();
    const late = informers.of<Pod>(pods, { namespace: 'default' });
    await late.synced();
    expect(late.list()).toHaveLength(1);
  });
});

describe('informers that are stopped', () => {
  test('say so to whoever asks for another one', async () => {
    await started();
    await informers.stop();
    const late = informers.of<Pod>(pods, { namespace: 'late' });
    await expect(late.synced()).rejects.toThrow('was stopped before its first list');
  });
});

describe('an informer on a bad network', () => {
  test('resumes from the last version when the server ends the watch, without listing again', async () => {
    api.put('a');
    await started();
    api.put('b');
    await until(converged);
    api.endWatches();
    api.put('c');
    await until(converged, 100);
    expect(api.requests).toEqual(['list', 'watch 2', 'watch 3']);
  });

  test('survives a connection that is cut in the middle of an event', async () => {
    await started();
    api.put('a');
    await until(converged);
    api.cutMidEvent();
    api.put('b');
    await until(converged, 100);
    expect(api.requests.filter((request) => request === 'list')).toHaveLength(1);
  });

  test.each(['this is not JSON\n', '{"type":"ADDED"}\n', '[]\n', 'null\n', '{"type":"PARTY","object":{}}\n'])(
    'survives garbage on the watch: %j',
    async (garbage) => {
      await started();
      api.inject(garbage);
      await until(() => api.openWatches === 0);
      api.put('a');
      await until(converged, 100);
    },
  );

  test('lists again when its version was compacted away, and tells what it had missed', async () => {
    api.put('a');
    api.put('b');
    await started();
    const gone: string[] = [];
    informer.onChange((key, now) => {
      if (now === undefined) gone.push(key);
    });
    await api.stop();
    api.remove('a');
    api.put('c');
    api.compact();
    await api.start();
    await until(converged, 100);
    expect(gone).toEqual(['default/a']);
    expect(api.requests.filter((request) => request === 'list')).toHaveLength(2);
  });

  test('comes back after the server was away, and waits longer each time until then', async () => {
    api.put('a');
    await started();
    await api.stop();
    api.put('b');
    const began = clock.now();
    for (let i = 0; i < 2_000; i++) {
      await nextTurn();
      clock.advance(10);
    }
    await api.start();
    await until(converged, 100);
    expect(clock.now() - began).toBeLessThan(60_000);
    expect(known()).toEqual(['a', 'b']);
  });

  test('gives up a half-open connection, which delivers neither data nor an end', async () => {
    api.put('a');
    await started();
    api.goSilent(true);
    api.put('b');
    api.goSilent(false);
    clock.advance(89_000);
    await nextTurn();
    expect(known()).toEqual(['a']);
    clock.advance(2_000);
    await until(converged, 100);
    expect(api.requests).toEqual(['list', 'watch 2', 'watch 2']);
  });

  test('gives up a server that takes requests and never answers', async () => {
    api.goSilent(true);
    api.put('a');
    informers.start();
    await nextTurn();
    api.goSilent(false);
    await until(() => known().length === 1, 1_000);
  });

  test('keeps what it knows while the server refuses everything', async () => {
    api.put('a');
    await started();
    api.refuse(500);
    api.endWatches();
    await until(() => api.openWatches === 0);
    for (let i = 0; i < 50; i++) {
      await nextTurn();
      clock.advance(1_000);
    }
    expect(known()).toEqual(['a']);
    api.refuse();
    api.put('b');
    await until(converged, 1_000);
  });

  test('that is stopped before its first list says so to whoever waits', async () => {
    api.goSilent(true);
    informers.start();
    const waiting = expect(informer.synced()).rejects.toThrow('Informer of pods was stopped before its first list');
    await informers.stop();
    await waiting;
  });
});
