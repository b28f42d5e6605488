// Tokens of service accounts over HTTP: asked for, shown, reviewed, and refused once what they stand on is gone.
// Knows the server by its URL only.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { at, type Json, pod, startTestApi, type TestApi } from '../testing/api.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const NAMESPACE = '/api/v1/namespaces/default';
const ACCOUNTS = `${NAMESPACE}/serviceaccounts`;

let api: TestApi;
const clock = new FakeClock();
beforeAll(async () => {
  api = await startTestApi({ clock });
});
afterAll(() => api.close());

const ask = (account: string, spec: Json = {}) =>
  api.call('POST', `${ACCOUNTS}/${account}/token`, {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec },
  });
const tokenOf = async (account: string, spec: Json = {}): Promise<string> =>
  String(at((await ask(account, spec)).body, 'status', 'token'));
const claimsOf = (token: string): Json =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Json;
const account = (name: string, extra: Json = {}) =>
  api.ok('POST', ACCOUNTS, { body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name }, ...extra } });
/** 200 for whoever is known. */
const codeFor = async (token: string): Promise<number> => (await api.call('GET', '/apis', { token })).code;
const review = async (token: string, audiences?: string[]): Promise<Json> =>
  (
    await api.ok('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, ...(audiences === undefined ? {} : { audiences }) },
      },
    })
  ).status as Json;

describe('a token', () => {
  test('is for this API and an hour when nothing is said, and its holder is the account', async () => {
    const robot = await account('robot');
    const { code, body } = await ask('robot');
    expect(code).toBe(201);
    expect(body).toMatchObject({
      kind: 'TokenRequest',
      metadata: { name: 'robot', namespace: 'default' },
      spec: { audiences: [ISSUER], expirationSeconds: 3600 },
      status: { expirationTimestamp: new Date(clock.wall() + 3_600_000).toISOString().replace('.000', '') },
    });
    const token = String(at(body, 'status', 'token'));
    const uid = at(robot, 'metadata', 'uid');
    expect(claimsOf(token)).toMatchObject({
      iss: ISSUER,
      aud: [ISSUER],
      sub: 'system:serviceaccount:default:robot',
      'kubernetes.io': { namespace: 'default', serviceaccount: { name: 'robot', uid } },
    });
    const self = await api.ok('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      token,
    });
    expect(at(self, 'status', 'userInfo')).toMatchObject({
      username: 'system:serviceaccount:default:robot',
      uid,
      groups: ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated'],
    });
  });

  test('ends with its time, and with its account', async () => {
    await account('brief');
    const token = await tokenOf('brief', { expirationSeconds: 600 });
    expect(await codeFor(token)).toBe(200);
    clock.advance(661_000);
    expect(await codeFor(token)).toBe(401);
    const other = await tokenOf('brief');
    await api.ok('DELETE', `${ACCOUNTS}/brief`);
    expect(await codeFor(other)).toBe(401);
    await account('brief');
    expect(await codeFor(other)).toBe(401);
  });

  test('for others is not for this API, and a review says for whom it is', async () => {
    await account('vault');
    const token = await tokenOf('vault', { audiences: ['vault', 'bank'] });
    expect(await codeFor(token)).toBe(401);
    expect(await review(token, ['vault', 'shop'])).toMatchObject({
      authenticated: true,
      audiences: ['vault'],
      user: { username: 'system:serviceaccount:default:vault' },
    });
    const refused = await review(token);
    expect(refused.authenticated).toBeUndefined();
    expect(refused.error).toContain('is invalid for the target audiences');
    expect(await review('nonsense')).toEqual({ user: {}, error: 'invalid bearer token' });
    expect(await review(api.server.adminToken)).toMatchObject({ authenticated: true, user: { username: 'admin' } });
  });

  test('may be bound to a pod of the account, names its node, and ends with it', async () => {
    await account('bound');
    const node = await api.ok('POST', '/api/v1/nodes', {
      body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } },
    });
    const extra = { serviceAccountName: 'bound', nodeName: 'n' };
    const made = await api.ok('POST', `${NAMESPACE}/pods`, { body: pod('holder', extra) });
    const uid = at(made, 'metadata', 'uid');
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name: 'holder', uid };
    const token = await tokenOf('bound', { boundObjectRef });
    expect(claimsOf(token)['kubernetes.io']).toMatchObject({
      pod: { name: 'holder', uid },
      node: { name: 'n', uid: at(node, 'metadata', 'uid') },
    });
    const outcome = await review(token);
    expect(at(outcome, 'user', 'extra', 'authentication.kubernetes.io/pod-name')).toEqual(['holder']);
    expect(await codeFor(token)).toBe(200);
    await api.ok('DELETE', `${NAMESPACE}/pods/holder?gracePeriodSeconds=0`);
    expect(await codeFor(token)).toBe(401);
  });

  test('is refused with the reason', async () => {
    await account('careful');
    await api.ok('POST', `${NAMESPACE}/pods`, { body: pod('stranger') });
    const cases: [string, Json, number, string][] = [
      ['nobody', {}, 404, 'serviceaccounts "nobody" not found'],
      ['careful', { expirationSeconds: 599 }, 422, 'may not specify a duration less than 10 minutes'],
      ['careful', { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'none' } }, 404, 'pods "none" not found'],
      [
        'careful',
        { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'stranger' } },
        400,
        'different serviceaccount',
      ],
      ['default', { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'stranger', uid: 'x' } }, 409, 'UID'],
      ['careful', { boundObjectRef: { apiVersion: 'v1', kind: 'Service', name: 'x' } }, 400, 'Kind=Service'],
    ];
    for (const [name, spec, code, message] of cases) {
      const answer = await ask(name, spec);
      expect([answer.code, answer.body.message]).toEqual([code, expect.stringContaining(message)]);
    }
  });

  test('can be verified by others with the published key', async () => {
    const found = await api.ok('GET', '/.well-known/openid-configuration');
    expect(found).toMatchObject({ issuer: ISSUER, id_token_signing_alg_values_supported: ['ES256'] });
    const { headers, body } = await api.call('GET', '/openid/v1/jwks');
    expect(headers['content-type']).toContain('application/jwk-set+json');
    const { keys } = JSON.parse(String(body.text)) as { keys: Json[] };
    const [head, claims, signature = ''] = (await tokenOf('default')).split('.');
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('jwk', keys[0] ?? {}, algorithm, false, ['verify']);
    const bytes = Buffer.from(signature, 'base64url');
    expect(await crypto.subtle.verify(algorithm, key, bytes, Buffer.from(`${head}.${claims}`))).toBe(true);
  });
});

describe('admission of pods', () => {
  const PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
  const create = (name: string, extra: Json = {}) => api.ok('POST', `${NAMESPACE}/pods`, { body: pod(name, extra) });
  const mountsOf = (made: Json, list = 'containers', index = 0): Json[] =>
    (at(made, 'spec', list, index, 'volumeMounts') ?? []) as Json[];

  test('adds the volume by which a program finds the API', async () => {
    const containers = [{ name: 'main', image: 'x' }];
    const made = await create('plain', { containers, initContainers: [{ name: 'first', image: 'x' }] });
    const [volume] = at(made, 'spec', 'volumes') as Json[];
    expect(volume?.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
    expect(volume?.projected).toEqual({
      defaultMode: 420,
      sources: [
        { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
    });
    const mount = { name: volume?.name, readOnly: true, mountPath: PATH };
    expect([mountsOf(made), mountsOf(made, 'initContainers')]).toEqual([[mount], [mount]]);
  });

  test('refuses a token for less than ten minutes', async () => {
    const source = { serviceAccountToken: { path: '../token', expirationSeconds: 5 } };
    const volumes = [{ name: 'v', projected: { sources: [source] } }];
    const { code, body } = await api.call('POST', `${NAMESPACE}/pods`, { body: pod('hasty', { volumes }) });
    expect(code).toBe(422);
    const field = 'spec.volumes[0].projected.sources[0].serviceAccountToken';
    expect(body.message).toContain(`${field}.path`);
    expect(body.message).toContain(`${field}.expirationSeconds: Invalid value: 5: may not specify`);
  });

  test('leaves out what is not wanted, by the pod before the account', async () => {
    await account('silent', { automountServiceAccountToken: false, imagePullSecrets: [{ name: 'registry' }] });
    const silent = await create('silent', { serviceAccountName: 'silent' });
    expect(at(silent, 'spec', 'volumes')).toBeUndefined();
    expect(at(silent, 'spec', 'imagePullSecrets')).toEqual([{ name: 'registry' }]);
    const aloud = await create('aloud', { serviceAccountName: 'silent', automountServiceAccountToken: true });
    expect(mountsOf(aloud)).toHaveLength(1);
    const alone = await create('alone', { automountServiceAccountToken: false });
    expect(at(alone, 'spec', 'volumes')).toBeUndefined();
    const volumes = [{ name: 'own', emptyDir: {} }];
    const containers = [{ name: 'main', image: 'x', volumeMounts: [{ name: 'own', mountPath: PATH }] }];
    expect(at(await create('own', { volumes, containers }), 'spec', 'volumes')).toHaveLength(1);
  });
});
