// Versions of a custom resource that are not the same: by name only, and by a webhook over real TLS.
// Knows the server by its URL only; the webhook is a server of this test.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { at, type Json, startTestApi, type TestApi } from '../testing/api.ts';
import { createTestAuthority } from '../testing.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const path = (version: string, name = ''): string =>
  `/apis/example.com/${version}/namespaces/default/crons${name === '' ? '' : `/${name}`}`;

interface Review {
  readonly apiVersion: string;
  readonly request: { readonly uid: string; readonly desiredAPIVersion: string; readonly objects: Json[] };
}

let api: TestApi;
let hook: Server;
let url: string;
let caBundle: string;
let asked: Review[] = [];
let answer: (review: Review) => Json | undefined;

/** v1 has `cron`, v2 `minute` and `hour`, as the documentation's example of old. */
function converted(object: Json, apiVersion: string): Json {
  const { cron, minute, hour, ...rest } = object.spec as Json;
  if (apiVersion === object.apiVersion) return object;
  if (apiVersion.endsWith('v1')) return { ...object, apiVersion, spec: { ...rest, cron: `${minute} ${hour}` } };
  const [m, h] = String(cron).split(' ');
  return { ...object, apiVersion, spec: { ...rest, minute: m, hour: h } };
}
const success = ({ request }: Review, change = (object: Json): Json => object): Json => ({
  uid: request.uid,
  result: { status: 'Success' },
  convertedObjects: request.objects.map((object) => change(converted(object, request.desiredAPIVersion))),
});

beforeAll(async () => {
  api = await startTestApi();
  const authority = await createTestAuthority();
  const { certPem, keyPem } = await authority.issue('CN=convert', true, 'convert.default.svc');
  caBundle = Buffer.from(authority.caPem).toString('base64');
  hook = createServer({ cert: certPem, key: keyPem }, (incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const review = JSON.parse(Buffer.concat(parts).toString()) as Review;
      asked.push(review);
      const response = answer(review);
      if (response === undefined) outgoing.writeHead(500).end('broken');
      else
        outgoing
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify({ kind: 'ConversionReview', apiVersion: review.apiVersion, response }));
    });
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  url = `https://127.0.0.1:${(hook.address() as AddressInfo).port}/convert`;
});
afterAll(async () => {
  await api.close();
  hook.closeAllConnections();
  hook.close();
});
beforeEach(() => {
  asked = [];
  answer = success;
});

const version = (name: string, fields: Json, extra: Json = {}): Json => ({
  name,
  served: true,
  storage: false,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: {
        spec: { type: 'object', properties: fields },
        status: { type: 'object', properties: { seen: { type: 'string' } } },
      },
    },
  },
  subresources: { status: {} },
  ...extra,
});
const text = { type: 'string' };
const v1 = (extra: Json = {}): Json => version('v1', { cron: text, image: { type: 'string', default: 'busy' } }, extra);
const v2 = (extra: Json = {}): Json => version('v2', { minute: text, hour: text, image: text }, extra);

const definition = (versions: Json[], conversion: Json): Json => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'crons.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'crons', singular: 'cron', kind: 'Cron', listKind: 'CronList' },
    versions,
    conversion,
  },
});
const byWebhook = (clientConfig: Json = { url, caBundle }): Json => ({
  strategy: 'Webhook',
  webhook: { clientConfig, conversionReviewVersions: ['v1'] },
});
const define = (versions: Json[], conversion: Json = byWebhook()): Promise<Json> =>
  api.ok('POST', DEFINITIONS, { body: definition(versions, conversion) });

/** Changes the definition as `kubectl replace` does. */
async function redefine(versions: Json[], conversion: Json = byWebhook()): Promise<Json> {
  const current = await api.ok('GET', `${DEFINITIONS}/crons.example.com`);
  const body = definition(versions, conversion);
  return api.ok('PUT', `${DEFINITIONS}/crons.example.com`, {
    body: { ...body, metadata: { ...(current.metadata as Json) } },
  });
}
const cron = (name: string, spec: Json, apiVersion = 'example.com/v1'): Json => ({
  apiVersion,
  kind: 'Cron',
  metadata: { name },
  spec,
});
const create = (name: string, spec: Json = { cron: '5 7' }): Promise<Json> =>
  api.ok('POST', path('v1'), { body: cron(name, spec) });

afterEach(async () => {
  answer = success;
  const watch = await api.watch(`${DEFINITIONS}?watch=true&fieldSelector=metadata.name%3Dcrons.example.com`);
  await api.ok('DELETE', `${DEFINITIONS}/crons.example.com`);
  while ((await watch.next()).type !== 'DELETED');
  watch.close();
});

describe('a conversion webhook', () => {
  it('is asked for what is read and written in another version than the stored one, and for nothing else', async () => {
    await define([v1({ storage: true }), v2()]);
    await create('a');
    await api.ok('GET', path('v1', 'a'));
    expect(asked).toEqual([]);
    const seen = await api.ok('GET', path('v2', 'a'));
    expect(seen).toMatchObject({ apiVersion: 'example.com/v2', spec: { minute: '5', hour: '7', image: 'busy' } });
    expect(asked).toHaveLength(1);
    expect(asked[0]).toMatchObject({
      kind: 'ConversionReview',
      apiVersion: 'apiextensions.k8s.io/v1',
      request: {
        desiredAPIVersion: 'example.com/v2',
        objects: [{ apiVersion: 'example.com/v1', kind: 'Cron', metadata: { name: 'a' }, spec: { cron: '5 7' } }],
      },
    });
    // What it said is remembered as long as the object stands.
    await api.ok('GET', path('v2', 'a'));
    expect(asked).toHaveLength(1);
    const body = { spec: { hour: '9' } };
    const patched = await api.ok('PATCH', path('v2', 'a'), { body, type: 'application/merge-patch+json' });
    expect(patched).toMatchObject({ spec: { minute: '5', hour: '9' } });
    expect(at(await api.ok('GET', path('v1', 'a')), 'spec', 'cron')).toBe('5 9');
    await api.ok('POST', path('v2'), { body: cron('b', { minute: '1', hour: '2' }, 'example.com/v2') });
    expect(at(await api.ok('GET', path('v1', 'b')), 'spec')).toEqual({ cron: '1 2', image: 'busy' });
    const status = { status: { seen: 'yes' } };
    await api.ok('PATCH', `${path('v2', 'b')}/status`, { body: status, type: 'application/merge-patch+json' });
    expect(at(await api.ok('GET', path('v1', 'b')), 'status', 'seen')).toBe('yes');
  });

  it('is asked about a whole list at once, and about every change that is watched', async () => {
    await define([v1({ storage: true }), v2()]);
    for (const name of ['a', 'b', 'c']) await create(name);
    const watch = await api.watch(`${path('v2')}?watch=true`);
    const list = await api.ok('GET', path('v2'));
    expect((list.items as Json[]).map((item) => at(item, 'spec', 'hour'))).toEqual(['7', '7', '7']);
    // The watch and the list wanted the same.
    expect(asked.map(({ request }) => request.objects.length)).toEqual([3]);
    for (const name of ['a', 'b', 'c']) expect((await watch.next()).object).toMatchObject({ metadata: { name } });
    await create('d', { cron: '1 1' });
    const body = { spec: { cron: '2 2' } };
    await api.ok('PATCH', path('v1', 'd'), { body, type: 'application/merge-patch+json' });
    await api.ok('DELETE', path('v1', 'd'));
    for (const [type, hour] of [
      ['ADDED', '1'],
      ['MODIFIED', '2'],
      ['DELETED', '2'],
    ]) {
      expect(await watch.next()).toMatchObject({ type, object: { apiVersion: 'example.com/v2', spec: { hour } } });
    }
    watch.close();
  });

  it('may change labels and annotations, and no other metadata', async () => {
    await define([v1({ storage: true }), v2()]);
    await create('a');
    answer = (review) =>
      success(review, (object) => ({
        ...object,
        metadata: {
          ...(object.metadata as Json),
          labels: { by: 'hook' },
          finalizers: ['example.com/mine'],
          generation: 9,
        },
      }));
    const { metadata } = await api.ok('GET', path('v2', 'a'));
    expect(metadata).toMatchObject({ labels: { by: 'hook' }, generation: 1 });
    expect(metadata).not.toHaveProperty('finalizers');
  });

  const gvk = 'conversion webhook for example.com/v1, Kind=Cron';
  it.each<[string, (review: Review) => Json | undefined, string]>([
    [
      'fails',
      () => undefined,
      `${gvk} failed: an error on the server ("broken") has prevented the request from succeeding`,
    ],
    [
      'says why not',
      ({ request }) => ({ uid: request.uid, result: { status: 'Failed', message: 'no such hour' } }),
      `${gvk} failed: no such hour`,
    ],
    [
      'says no more than no',
      ({ request }) => ({ uid: request.uid, result: { status: 'Failed' } }),
      `${gvk} failed: response.result.status was 'Failed', expected 'Success'`,
    ],
    [
      'answers another question',
      (review) => ({ ...success(review), uid: 'x' }),
      `${gvk} failed: expected response.uid=`,
    ],
    [
      'loses objects',
      (review) => ({ ...success(review), convertedObjects: [] }),
      `${gvk} returned 0 objects, expected 1`,
    ],
    [
      'gives another version',
      (review) => success(review, (object) => ({ ...object, apiVersion: 'example.com/v3' })),
      `${gvk} returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received example.com/v3)`,
    ],
    [
      'gives another kind',
      (review) => success(review, (object) => ({ ...object, kind: 'Clock' })),
      `${gvk} returned invalid object at index 0: invalid kind (expected Cron, received Clock)`,
    ],
    [
      'gives another object',
      (review) => success(review, (object) => ({ ...object, metadata: { ...(object.metadata as Json), name: 'b' } })),
      `${gvk} returned invalid object: must have the same name: a != b`,
    ],
    [
      'gives labels that are none',
      (review) =>
        success(review, (object) => ({ ...object, metadata: { ...(object.metadata as Json), labels: { a: 'b c' } } })),
      `${gvk} returned invalid metadata: metadata.labels: Invalid value: "b c"`,
    ],
  ])('that %s', async (_, say, message) => {
    await define([v1({ storage: true }), v2()]);
    await create('a');
    answer = say;
    const { code, body } = await api.call('GET', path('v2', 'a'));
    expect(code).toBe(500);
    expect(body.message).toContain(message);
    expect(body.reason ?? '').toBe('');
    // The version that is stored is still there for whoever reads it.
    await api.ok('GET', path('v1', 'a'));
  });

  it('that is not there', async () => {
    const service = { namespace: 'default', name: 'nobody', path: '/convert' };
    await define([v1({ storage: true }), v2()], byWebhook({ service, caBundle }));
    await create('a');
    expect((await api.call('GET', path('v2', 'a'))).body.message).toBe(
      'conversion webhook for example.com/v1, Kind=Cron failed: Post "https://nobody.default.svc:443/convert?timeout=30s": service "nobody" not found',
    );
    const watch = await api.watch(`${path('v2')}?watch=true`);
    expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 500 } });
    watch.close();
  });

  it('serves what is stored in a version that is not served any more, until it is written again', async () => {
    await define([v1({ storage: true }), v2()]);
    await create('a');
    const after = await redefine([v1({ served: false }), v2({ storage: true })]);
    expect(at(after, 'status', 'storedVersions')).toEqual(['v1', 'v2']);
    expect((await api.call('GET', path('v1', 'a'))).code).toBe(404);
    const object = await api.ok('GET', path('v2', 'a'));
    expect(object).toMatchObject({ spec: { minute: '5' } });
    const gone = { spec: { versions: [v2({ storage: true })] } };
    const type = 'application/merge-patch+json';
    const refused = await api.call('PATCH', `${DEFINITIONS}/crons.example.com`, { body: gone, type });
    expect(refused.body.message).toContain(
      'status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions',
    );
    const body = { metadata: { labels: { moved: 'yes' } } };
    await api.ok('PATCH', path('v2', 'a'), { body, type });
    const stored = { status: { storedVersions: ['v2'] } };
    await api.ok('PATCH', `${DEFINITIONS}/crons.example.com/status`, { body: stored, type });
    asked = [];
    await api.ok('PATCH', `${DEFINITIONS}/crons.example.com`, { body: gone, type });
    expect(await api.ok('GET', path('v2', 'a'))).toMatchObject({ spec: { minute: '5' } });
    expect(asked).toEqual([]);
  });
});

describe('without a webhook', () => {
  it('versions differ in their name, and what the stored one does not know is lost', async () => {
    await define([v1({ storage: true }), v2()], { strategy: 'None' });
    await api.ok('POST', path('v2'), { body: cron('a', { minute: '5', image: 'x' }, 'example.com/v2') });
    expect(at(await api.ok('GET', path('v2', 'a')), 'spec')).toEqual({ image: 'x' });
    expect(at(await api.ok('GET', path('v1', 'a')), 'spec')).toEqual({ image: 'x' });
    // Defaults are those of the version that is stored.
    await api.ok('POST', path('v2'), { body: cron('b', {}, 'example.com/v2') });
    expect(at(await api.ok('GET', path('v2', 'b')), 'spec')).toEqual({ image: 'busy' });
  });
});
