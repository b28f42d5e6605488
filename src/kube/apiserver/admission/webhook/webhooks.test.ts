// Admission webhooks over real TLS: what they are asked, and what becomes of their answers.
// Knows the server by its URL only; the webhooks are servers of this test.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { at, configMap, type Json, startTestApi, type TestApi } from '../../testing/api.ts';
import { createTestAuthority } from '../../testing.ts';

const ROOT = '/apis/admissionregistration.k8s.io/v1';
const CONFIG = '/api/v1/namespaces/default/configmaps';

type Answer = (request: Json, path: string) => Json | undefined;

let api: TestApi;
let hooks: Server;
let port: number;
let caBundle: string;
let answer: Answer;
let asked: { path: string; request: Json }[] = [];

beforeAll(async () => {
  api = await startTestApi();
  const authority = await createTestAuthority();
  const { certPem, keyPem } = await authority.issue('CN=hooks', true, 'hooks.default.svc');
  caBundle = Buffer.from(authority.caPem).toString('base64');
  hooks = createServer({ cert: certPem, key: keyPem }, (incoming, outgoing) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    incoming.on('end', () => {
      const { request } = JSON.parse(text) as { request: Json };
      const path = (incoming.url ?? '').split('?')[0] ?? '';
      asked.push({ path, request });
      const response = answer(request, path);
      // Without an answer the caller is left waiting.
      if (response === undefined) return;
      const review = {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: request.uid, ...response },
      };
      outgoing.setHeader('content-type', 'application/json').end(JSON.stringify(review));
    });
  }).listen(0, '127.0.0.1');
  await once(hooks, 'listening');
  port = (hooks.address() as AddressInfo).port;
});
afterAll(async () => {
  await api.close();
  hooks.closeAllConnections();
  hooks.close();
});
afterEach(async () => {
  for (const kind of ['validating', 'mutating']) await api.ok('DELETE', `${ROOT}/${kind}webhookconfigurations`);
  asked = [];
});

const rules = [
  { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE', 'DELETE'], resources: ['configmaps'] },
];

function webhook(name: string, extra: Json = {}): Json {
  return {
    name: `${name}.example.com`,
    clientConfig: { url: `https://127.0.0.1:${port}/${name}`, caBundle },
    rules,
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...extra,
  };
}

const configure = (kind: 'Validating' | 'Mutating', ...webhooks: Json[]) =>
  api.ok('POST', `${ROOT}/${kind.toLowerCase()}webhookconfigurations`, {
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: `${kind}WebhookConfiguration`,
      metadata: { name: 'hooks' },
      webhooks,
    },
  });

const create = (name: string, data: Json = {}, query = '') =>
  api.call('POST', `${CONFIG}${query}`, { body: configMap(name, { data }) });
const patch = (...operations: Json[]): Json => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

describe('a validating webhook', () => {
  it('is told what is written, and by whom', async () => {
    await configure('Validating', webhook('look'));
    answer = () => ({ allowed: true, warnings: ['mind the gap'] });
    const made = await create('told', { a: 'b' });
    expect(made.code).toBe(201);
    expect(made.headers.warning).toBe('299 - "mind the gap"');
    expect(asked).toHaveLength(1);
    expect(asked[0]?.request).toMatchObject({
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      name: 'told',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: 'admin' },
      object: { metadata: { name: 'told' }, data: { a: 'b' } },
      oldObject: null,
      dryRun: false,
    });
    await api.ok('DELETE', `${CONFIG}/told`);
    expect(asked[1]?.request).toMatchObject({ operation: 'DELETE', object: null, oldObject: { data: { a: 'b' } } });
  });

  it('refuses', async () => {
    await configure('Validating', webhook('deny'));
    answer = () => ({ allowed: false, status: { message: 'not today', code: 403, reason: 'Forbidden' } });
    const refused = await create('refused');
    expect(refused.code).toBe(403);
    expect(refused.body.message).toBe('admission webhook "deny.example.com" denied the request: not today');
    answer = () => ({ allowed: false });
    const silent = await create('refused');
    expect([silent.code, silent.body.message]).toEqual([
      400,
      'admission webhook "deny.example.com" denied the request without explanation',
    ]);
  });

  it('that cannot be asked follows its failurePolicy', async () => {
    const nowhere = { clientConfig: { url: 'https://127.0.0.1:1/x', caBundle } };
    await configure('Validating', webhook('gone', nowhere));
    const failed = await create('failed');
    expect(failed.code).toBe(500);
    expect(failed.body.message).toMatch(
      /^Internal error occurred: failed calling webhook "gone\.example\.com": failed to call webhook: Post "https:\/\/127\.0\.0\.1:1\/x\?timeout=10s": /,
    );
    await api.ok('DELETE', `${ROOT}/validatingwebhookconfigurations`);
    await configure('Validating', webhook('gone', { ...nowhere, failurePolicy: 'Ignore' }));
    expect((await create('ignored')).code).toBe(201);
  });

  it('is not believed without the authority it is to have', async () => {
    const other = Buffer.from((await createTestAuthority()).caPem).toString('base64');
    const clientConfig = { url: `https://127.0.0.1:${port}/x`, caBundle: other };
    await configure('Validating', webhook('stranger', { clientConfig }));
    answer = () => ({ allowed: true });
    expect((await create('strange')).code).toBe(500);
    expect(asked).toEqual([]);
  });

  it('is not waited for longer than it may take', async () => {
    await configure('Validating', webhook('slow', { timeoutSeconds: 1 }));
    answer = () => undefined;
    expect((await create('late')).body.message).toContain('context deadline exceeded');
  });

  it('is asked about what it matches only', async () => {
    await configure(
      'Validating',
      webhook('narrow', {
        objectSelector: { matchLabels: { ask: 'yes' } },
        matchConditions: [{ name: 'named', expression: "object == null || object.metadata.name.startsWith('ask')" }],
      }),
    );
    answer = () => ({ allowed: false });
    expect((await create('ask-unlabelled')).code).toBe(201);
    const labelled = (name: string) =>
      api.call('POST', CONFIG, { body: configMap(name, { metadata: { name, labels: { ask: 'yes' } } }) });
    expect((await labelled('other')).code).toBe(201);
    expect((await labelled('ask')).code).toBe(400);
  });

  it('is reached through a Service', async () => {
    const service = { metadata: { name: 'hooks' }, spec: { ports: [{ port: 443, name: 'https' }] } };
    await api.ok('POST', '/api/v1/namespaces/default/services', {
      body: { apiVersion: 'v1', kind: 'Service', ...service },
    });
    const slice = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'hooks-1', labels: { 'kubernetes.io/service-name': 'hooks' } },
      addressType: 'IPv4',
      ports: [{ name: 'https', port }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    };
    await api.ok('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { body: slice });
    const clientConfig = { service: { namespace: 'default', name: 'hooks', path: '/through' }, caBundle };
    await configure('Validating', webhook('service', { clientConfig }));
    answer = () => ({ allowed: false, status: { message: 'heard' } });
    expect((await create('through')).body.message).toContain('denied the request: heard');
    expect(asked[0]?.path).toBe('/through');
  });
});

describe('a mutating webhook', () => {
  it('changes what is written, before it is judged', async () => {
    await configure('Mutating', webhook('label'));
    await configure('Validating', webhook('judge'));
    answer = (_, path) =>
      path === '/label'
        ? patch(
            { op: 'add', path: '/data/added', value: 'yes' },
            { op: 'add', path: '/metadata/labels', value: { by: 'hook' } },
          )
        : { allowed: true };
    const made = await create('changed', { a: 'b' });
    expect(made.body).toMatchObject({
      data: { a: 'b', added: 'yes' },
      metadata: { name: 'changed', labels: { by: 'hook' } },
    });
    expect(at(asked, 1, 'request', 'object', 'data')).toEqual({ a: 'b', added: 'yes' });
    expect(at(await api.ok('GET', `${CONFIG}/changed`), 'data', 'added')).toBe('yes');
  });

  it('is asked again when another changed the object after it, if it wishes', async () => {
    await configure('Mutating', webhook('first', { reinvocationPolicy: 'IfNeeded' }), webhook('second'));
    answer = (_, path) =>
      path === '/second' ? patch({ op: 'add', path: '/data/second', value: 'x' }) : { allowed: true };
    await create('again', { a: 'b' });
    expect(asked.map(({ path }) => path)).toEqual(['/first', '/second', '/first']);
    expect(at(asked, 2, 'request', 'object', 'data', 'second')).toBe('x');
  });

  it('is told of a dry run, and nothing is kept', async () => {
    await configure('Mutating', webhook('dry', { sideEffects: 'NoneOnDryRun' }));
    answer = () => patch({ op: 'add', path: '/data/dry', value: 'yes' });
    const dry = await create('dry', { a: 'b' }, '?dryRun=All');
    expect(at(dry.body, 'data', 'dry')).toBe('yes');
    expect(asked[0]?.request.dryRun).toBe(true);
    expect((await api.call('GET', `${CONFIG}/dry`)).code).toBe(404);
  });

  it('that answers with nonsense is an error that names it', async () => {
    await configure('Mutating', webhook('odd'));
    answer = () => ({
      allowed: true,
      patchType: 'JSONPatch',
      patch: Buffer.from('[{"op":"remove","path":"/none"}]').toString('base64'),
    });
    expect((await create('odd')).body.message).toContain('failed calling webhook "odd.example.com"');
    answer = () => ({ uid: 'another', allowed: true });
    expect((await create('odd')).body.message).toContain('expected response.uid=');
  });
});

it.each([
  [
    { name: 'short' },
    'webhooks[0].name: Invalid value: "short": should be a domain with at least three segments separated by dots',
  ],
  [
    { sideEffects: 'Some' },
    'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
  ],
  [{ timeoutSeconds: 31 }, 'the timeout value must be between 1 and 30 seconds'],
  [{ clientConfig: {} }, 'webhooks[0].clientConfig: Required value: exactly one of url or service is required'],
  [{ clientConfig: { url: 'http://x.example' } }, "'https' is the only allowed URL scheme"],
  [{ admissionReviewVersions: ['v2'] }, 'must include at least one of v1'],
  [{ matchConditions: [{ name: 'x', expression: 'nobody' }] }, "undeclared reference to 'nobody'"],
])('a configuration with %j is refused', async (extra, message) => {
  const refused = await api.call('POST', `${ROOT}/validatingwebhookconfigurations`, {
    body: {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingWebhookConfiguration',
      metadata: { name: 'bad' },
      webhooks: [{ ...webhook('bad'), ...extra }],
    },
  });
  expect(refused.code).toBe(422);
  expect(refused.body.message).toContain(message);
});
