// Watches over HTTP: resuming, selectors, bookmarks, expiry, ends.
// Knows the server by its URL only.
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  at,
  configMap,
  type Json,
  pod,
  startTestApi,
  type TestApi,
  type TestWatch,
  type WatchedEvent,
} from '../testing/api.ts';

const CONFIG = '/api/v1/namespaces/default/configmaps';
const brief = ({ type, object }: WatchedEvent): string => `${type} ${at(object, 'metadata', 'name')}`;

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const version = async (): Promise<string> => String(at(await api.ok('GET', CONFIG), 'metadata', 'resourceVersion'));
const merge = (path: string, body: unknown) => api.ok('PATCH', path, { body, type: 'application/merge-patch+json' });

describe('watch', () => {
  it('shows what happens after a revision, each event with its own', async () => {
    const from = await version();
    const created = await api.ok('POST', CONFIG, { body: configMap('one') });
    const watch = await api.watch(`${CONFIG}?watch=true&resourceVersion=${from}`);
    expect(await watch.next()).toEqual({ type: 'ADDED', object: created });
    const changed = await merge(`${CONFIG}/one`, { data: { a: '1' } });
    expect(await watch.next()).toEqual({ type: 'MODIFIED', object: changed });
    await api.ok('DELETE', `${CONFIG}/one`);
    const deleted = await watch.next();
    expect(brief(deleted)).toBe('DELETED one');
    expect(Number(at(deleted.object, 'metadata', 'resourceVersion'))).toBeGreaterThan(
      Number(at(changed, 'metadata', 'resourceVersion')),
    );
    watch.close();
  });

  it('is had by its old paths as well, of all, of a namespace and of one', async () => {
    await api.ok('POST', CONFIG, { body: configMap('ancient') });
    await api.ok('POST', CONFIG, { body: configMap('ancient-other') });
    const old = '/api/v1/watch/namespaces/default/configmaps';
    for (const path of [`${old}/ancient`, `${old}?fieldSelector=metadata.name%3Dancient`, '/api/v1/watch/configmaps']) {
      const watch = await api.watch(path);
      const { type, object } = await watch.next();
      expect([type, object.kind]).toEqual(['ADDED', 'ConfigMap']);
      if (path.includes('ancient')) {
        expect(at(object, 'metadata', 'name')).toBe('ancient');
        await api.ok('DELETE', `${CONFIG}/ancient-other`).catch(() => undefined);
        await merge(`${CONFIG}/ancient`, { data: { path } });
        expect(brief(await watch.next())).toBe('MODIFIED ancient');
      }
      watch.close();
    }
    const roles = await api.watch('/apis/rbac.authorization.k8s.io/v1/watch/clusterroles/view');
    expect(brief(await roles.next())).toBe('ADDED view');
    roles.close();
    for (const path of ['/api/v1/watch', '/api/v1/watch/nothing', '/api/v1/watch/namespaces/default/pods/a/log']) {
      expect((await api.call('GET', path)).code).toBe(404);
    }
  });

  it('is not what a GET of one object is, whatever its parameters', async () => {
    await api.ok('POST', CONFIG, { body: configMap('single') });
    expect(await api.ok('GET', `${CONFIG}/single?watch=true`)).toMatchObject({ metadata: { name: 'single' } });
  });

  it('resumes without a gap and without an event twice', async () => {
    const from = await version();
    const first = await api.watch(`${CONFIG}?watch=1&resourceVersion=${from}`);
    await api.ok('POST', CONFIG, { body: configMap('r1') });
    const seen = await first.next();
    first.close();
    await api.ok('POST', CONFIG, { body: configMap('r2') });
    const second = await api.watch(
      `${CONFIG}?watch=1&resourceVersion=${at(seen.object, 'metadata', 'resourceVersion')}`,
    );
    expect(brief(await second.next())).toBe('ADDED r2');
    await api.ok('POST', CONFIG, { body: configMap('r3') });
    expect(brief(await second.next())).toBe('ADDED r3');
    second.close();
  });

  it('starts with what is there when no revision, or 0, is given', async () => {
    const namespaces = '/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Ddefault';
    for (const query of ['', '&resourceVersion=0']) {
      const watch = await api.watch(namespaces + query);
      expect(brief(await watch.next())).toBe('ADDED default');
      watch.close();
    }
  });

  it('turns entering and leaving a selection into additions and deletions', async () => {
    const from = await version();
    const watch = await api.watch(`${CONFIG}?watch=true&labelSelector=chosen%3Dyes&resourceVersion=${from}`);
    await api.ok('POST', CONFIG, { body: configMap('moving') });
    await merge(`${CONFIG}/moving`, { metadata: { labels: { chosen: 'yes' } } });
    expect(brief(await watch.next())).toBe('ADDED moving');
    await merge(`${CONFIG}/moving`, { data: { a: '1' } });
    expect(brief(await watch.next())).toBe('MODIFIED moving');
    const out = await merge(`${CONFIG}/moving`, { metadata: { labels: { chosen: 'no' } } });
    const left = await watch.next();
    expect(brief(left)).toBe('DELETED moving');
    expect(at(left.object, 'metadata', 'labels', 'chosen')).toBe('yes');
    expect(at(left.object, 'metadata', 'resourceVersion')).toBe(at(out, 'metadata', 'resourceVersion'));
    watch.close();
  });

  it('sees a pod arrive on the watched node', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    await api.ok('POST', pods, { body: pod('p') });
    const watch = await api.watch(
      `/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn1&resourceVersion=${await version()}`,
    );
    await api.ok('POST', `${pods}/p/binding`, {
      body: { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'p' }, target: { kind: 'Node', name: 'n1' } },
    });
    expect(brief(await watch.next())).toBe('ADDED p');
    watch.close();
  });

  it('ends at its timeout, with a bookmark when those are wanted', async () => {
    const from = await version();
    const watch = await api.watch(
      `${CONFIG}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=${from}`,
    );
    const events = await watch.ended();
    expect(events).toEqual([
      { type: 'BOOKMARK', object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { resourceVersion: from } } },
    ]);
  });

  it('marks the end of the initial events when it sends them', async () => {
    const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const watch = await api.watch(`/api/v1/namespaces?${query}&fieldSelector=metadata.name%3Ddefault`);
    expect(brief(await watch.next())).toBe('ADDED default');
    const end = await watch.next();
    expect(end.type).toBe('BOOKMARK');
    expect(at(end.object, 'metadata', 'annotations')).toEqual({ 'k8s.io/initial-events-end': 'true' });
    watch.close();
  });

  it('refuses parameters that do not go together, as upstream', async () => {
    const refused = async (query: string): Promise<unknown> => {
      const { code, body } = await api.call('GET', `/api/v1/namespaces?watch=true&${query}`);
      expect(code).toBe(422);
      return body.message;
    };
    expect(await refused('sendInitialEvents=true')).toBe(
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    );
    expect(await refused('resourceVersion=1&resourceVersionMatch=NotOlderThan')).toBe(
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    );
  });

  it('prints Tables and metadata', async () => {
    const path = '/api/v1/namespaces?watch=true&fieldSelector=metadata.name%3Ddefault';
    const table = await api.watch(path, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    const row = await table.next();
    expect(row.object.kind).toBe('Table');
    expect(at(row.object, 'rows', 0, 'cells', 0)).toBe('default');
    expect(at(row.object, 'columnDefinitions', 0, 'name')).toBe('Name');
    await merge('/api/v1/namespaces/default', { metadata: { labels: { seen: 'yes' } } });
    const changed = await table.next();
    expect(at(changed.object, 'rows', 0, 'cells', 0)).toBe('default');
    expect(changed.object.columnDefinitions).toBeNull();
    table.close();
    const partial = await api.watch(path, { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' });
    expect((await partial.next()).object.kind).toBe('PartialObjectMetadata');
    partial.close();
  });
});

describe('expiry', () => {
  it('sends 410 in the stream for history that is gone, and for history it never had', async () => {
    const from = await version();
    await api.ok('POST', CONFIG, { body: configMap('compacted') });
    await api.server.store.compact(api.server.store.revision());
    const old = await api.watch(`${CONFIG}?watch=true&resourceVersion=${from}`);
    const [event] = await old.ended();
    expect(event?.type).toBe('ERROR');
    expect(event?.object).toMatchObject({ kind: 'Status', code: 410, reason: 'Expired' });
    expect(event?.object.message).toMatch(/^too old resource version: \d+ \(\d+\)$/);
    const future = await api.watch(`${CONFIG}?watch=true&resourceVersion=999999`);
    expect((await future.ended()).map((each) => each.object.code)).toEqual([410]);
  });

  it('refuses a version that is no number', async () => {
    expect((await api.call('GET', `${CONFIG}?watch=true&resourceVersion=x`)).code).toBe(400);
  });
});

describe('a client that does not read', () => {
  const configMaps = '/api/v1/namespaces/kube-public/configmaps';
  const path = `${configMaps}?watch=true`;
  let own: TestApi;
  beforeEach(async () => {
    own = await startTestApi({ maxUnreadBytes: 4_000_000 });
  });
  afterEach(() => own.close());

  const fill = async (reader: TestWatch): Promise<void> => {
    for (let index = 0; index < 20; index++) {
      await own.ok('POST', configMaps, { body: configMap(`big${index}`, { data: { a: 'x'.repeat(1_000_000) } }) });
      expect(brief(await reader.next())).toBe(`ADDED big${index}`);
    }
  };

  it('is cut off over HTTP/1.1, and costs the others nothing', async () => {
    const reader = await own.watch(path);
    const socket = connect({ port: own.server.port, host: '127.0.0.1', ca: own.server.caPem });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${own.server.adminToken}\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    await fill(reader);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    socket.resume();
    await closed;
    reader.close();
  });

  it('is cut off over HTTP/2', async () => {
    const reader = await own.watch(path);
    const session = connectHttp2(own.server.url, { ca: own.server.caPem });
    const stream = session.request({ ':path': path, authorization: `Bearer ${own.server.adminToken}` });
    await new Promise((resolve) => stream.once('response', resolve));
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.on('error', () => {});
    await fill(reader);
    stream.resume();
    await closed;
    session.destroy();
    reader.close();
  });
});

describe('close', () => {
  it('ends watches cleanly', async () => {
    const own = await startTestApi();
    const watch = await own.watch(`${CONFIG}?watch=true`);
    await own.ok('POST', CONFIG, { body: configMap('last') });
    expect(brief(await watch.next())).toBe('ADDED last');
    await own.close();
    expect(await watch.ended()).toEqual([]);
  });
});

describe('events of both groups', () => {
  it('are the same objects under other names', async () => {
    const event: Json = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' },
      reason: 'Started',
      message: 'it started',
      type: 'Normal',
    };
    const newer = '/apis/events.k8s.io/v1/namespaces/default/events';
    const watch = await api.watch(`${newer}?watch=true&fieldSelector=regarding.name%3Dp`);
    await api.ok('POST', '/api/v1/namespaces/default/events', { body: event });
    const seen = await watch.next();
    watch.close();
    expect(seen.object).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'it started', regarding: { name: 'p' } });
    const read = await api.ok('GET', `${newer}/e`);
    expect(read).toEqual(seen.object);
    const core = await api.ok('GET', '/api/v1/events?fieldSelector=involvedObject.name%3Dp,reason%3DStarted');
    expect(core.items).toHaveLength(1);
  });
});
