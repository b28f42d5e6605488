// What is too much, too deep or of a strange type is refused, or does no harm: limits, and what a fuzzer once broke.
// Knows the server by its URL only.
import { connect } from 'node:http2';
import { request as send } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, type Json, startTestApi, type TestApi } from './testing/api.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const POLICIES = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies';
const policy = (name: string, rest: Json): Json => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name },
  ...rest,
});

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.ok('POST', MAPS, { body: configMap('a', { data: { k: 'v' } }) });
});
afterAll(() => api.close());

describe('limits', () => {
  const bomb = Array.from({ length: 10 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`);
  const aliases = `a0: &a0 [x,x,x]\n${bomb.join('\n')}\n`;

  it.each([
    ['POST', MAPS, 'application/yaml'],
    ['PATCH', `${MAPS}/a?fieldManager=x`, 'application/apply-patch+yaml'],
  ])('%s of YAML whose aliases multiply is refused', async (method, path, type) => {
    const { code, body } = await api.call(method, path, { body: aliases, type });
    expect({ code, reason: body.reason }).toEqual({ code: 400, reason: 'BadRequest' });
  });

  const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const object = (levels: number): string =>
    `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"t":"${'[{'.repeat(3000)}"},"nope":${nested(levels)}}`;

  it.each([
    ['POST', `${MAPS}?dryRun=All`, 'application/json'],
    ['POST', `${MAPS}?dryRun=All`, 'application/yaml'],
    ['PATCH', `${MAPS}/a?dryRun=All`, 'application/merge-patch+json'],
    ['PATCH', `${MAPS}/a?dryRun=All`, 'application/strategic-merge-patch+json'],
    ['PATCH', `${MAPS}/a?dryRun=All&fieldManager=x`, 'application/apply-patch+yaml'],
  ])('%s %s as %s: what nests far beyond any kind is refused', async (method, path, type) => {
    for (const levels of [1500, 50_000]) {
      const { code, body } = await api.call(method, path, { body: object(levels), type });
      expect({ code, reason: body.reason }).toEqual({ code: 400, reason: 'BadRequest' });
      if (levels === 1500) expect(body.message).toContain('exceeded max depth');
    }
  });

  it('of depth leave alone what is not that deep, and brackets in texts', async () => {
    const warned = await api.call('POST', `${MAPS}?dryRun=All`, { body: object(900).replace('"a"', '"deep"') });
    expect(warned.code).toBe(201);
    expect(warned.headers.warning).toBe('299 - "unknown field \\"nope\\""');
    const patch = { body: object(900), type: 'application/merge-patch+json' };
    expect((await api.call('PATCH', `${MAPS}/a?dryRun=All`, patch)).code).toBe(200);
  });

  // The library of HTTP/2 takes no value beyond 64 KiB.
  it.each([
    ['http/1.1', 12_000],
    ['h2', 3000],
  ] as const)('of header fields over %s: a selector of %i terms is answered', async (protocol, length) => {
    const selector = encodeURIComponent(Array.from({ length }, (_, i) => `key${i}!=value`).join(','));
    const path = `${MAPS}?labelSelector=${selector}`;
    // Their total is bounded, and not by what a client likes.
    expect(await get(path, protocol)).toBe(200);
    expect(await get(`${path}${'%20'.repeat(400_000)}`, protocol)).not.toBe(200);
    expect(await get(`${MAPS}/a`, protocol)).toBe(200);
  });

  it('of operations in a JSON patch: 10,000 are done', async () => {
    const body = Array.from({ length: 10_000 }, () => ({ op: 'test', path: '/data/k', value: 'v' }));
    expect((await api.call('PATCH', `${MAPS}/a`, { body, type: 'application/json-patch+json' })).code).toBe(200);
  });
});

describe('of strange types', () => {
  it.each<readonly [string, string, Json, number, string | undefined]>([
    ['a policy without spec', POLICIES, policy('bare', {}), 422, 'Invalid'],
    [
      'a policy whose condition has no expression',
      POLICIES,
      policy('empty', { spec: { matchConditions: [{}] } }),
      422,
      'Invalid',
    ],
    [
      'an object whose apiVersion is null',
      `${MAPS}?dryRun=All`,
      { apiVersion: null, kind: '', metadata: { name: 'n' } },
      201,
      undefined,
    ],
    ['an object whose apiVersion is a number', MAPS, { apiVersion: 1, metadata: { name: 'n' } }, 400, 'BadRequest'],
    [
      'a Secret of type constructor',
      '/api/v1/namespaces/default/secrets',
      { metadata: { name: 's' }, type: 'constructor' },
      201,
      undefined,
    ],
  ])('%s', async (_what, path, body, code, reason) => {
    const answer = await api.call('POST', path, { body });
    expect({ code: answer.code, reason: answer.body.reason }).toEqual({ code, reason });
  });

  it('an apply with null for managedFields is one without', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { managedFields: null }, data: { own: 'x' } };
    const path = `${MAPS}/a?fieldManager=x&dryRun=All`;
    expect(await api.call('PATCH', path, { body, type: 'application/apply-patch+yaml' })).toMatchObject({ code: 200 });
  });

  it('a patch that makes the apiVersion a number is refused', async () => {
    const patch = { body: { apiVersion: 1, kind: [] }, type: 'application/merge-patch+json' };
    expect(await api.call('PATCH', `${MAPS}/a`, patch)).toMatchObject({ code: 400, body: { reason: 'BadRequest' } });
  });
});

/** The code of the answer; 0 where the connection was ended instead. */
async function get(path: string, protocol: string): Promise<number> {
  const { url, port, caPem, adminToken } = api.server;
  const headers = { authorization: `Bearer ${adminToken}` };
  return new Promise((resolve) => {
    if (protocol === 'h2') {
      const session = connect(url, { ca: caPem, maxSendHeaderBlockLength: 4 * 1024 * 1024 });
      const end = (code: number): void => {
        resolve(code);
        session.destroy();
      };
      session.on('error', () => end(0));
      const stream = session.request({ ':path': path, ...headers });
      stream.on('response', (answer) => end(Number(answer[':status'])));
      stream.on('error', () => end(0));
      return;
    }
    const sent = send({ host: '127.0.0.1', port, path, ca: caPem, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', () => resolve(0));
    sent.end();
  });
}
