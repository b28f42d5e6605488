// Requests for certificates over HTTP: who asked is written by the server, and who may decide and sign is asked.
// Knows the server by its URL only.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, at, type Json, startTestApi, type TestApi } from '../testing/api.ts';
import { requestPem } from '../testing/certificate-request.ts';

const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const GROUP = 'rbac.authorization.k8s.io';
const CLIENT = 'kubernetes.io/kube-apiserver-client';

let api: TestApi;
beforeAll(async () => {
  const user = (name: string) => [name, { name, groups: ['devs'] }] as const;
  api = await startTestApi({ tokens: new Map(['jane', 'approver', 'domain', 'signer'].map(user)) });
  const grant = async (name: string, rules: Json[]): Promise<void> => {
    const metadata = { name };
    await api.ok('POST', `${RBAC}/clusterroles`, {
      body: { apiVersion: `${GROUP}/v1`, kind: 'ClusterRole', metadata, rules },
    });
    await api.ok('POST', `${RBAC}/clusterrolebindings`, {
      body: {
        apiVersion: `${GROUP}/v1`,
        kind: 'ClusterRoleBinding',
        metadata,
        roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name },
        subjects: [{ kind: 'User', name, apiGroup: GROUP }],
      },
    });
  };
  const on = (resource: string, ...verbs: string[]): Json => ({
    apiGroups: ['certificates.k8s.io'],
    resources: [resource],
    verbs,
  });
  const csr = 'certificatesigningrequests';
  await grant('jane', [on(csr, 'create', 'get'), on(`${csr}/approval`, 'update'), on(`${csr}/status`, 'update')]);
  await grant('approver', [on(`${csr}/approval`, 'update'), { ...on('signers', 'approve'), resourceNames: [CLIENT] }]);
  await grant('domain', [
    on(`${csr}/approval`, 'update'),
    { ...on('signers', 'approve'), resourceNames: ['example.com/*'] },
  ]);
  await grant('signer', [
    on(`${csr}/status`, 'update', 'patch'),
    { ...on('signers', 'sign'), resourceNames: [CLIENT] },
  ]);
});
afterAll(() => api.close());

async function body(name: string, spec: Json = {}, subject = 'CN=jane, O=devs'): Promise<Json> {
  const request = Buffer.from(await requestPem(subject)).toString('base64');
  return {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: { request, signerName: CLIENT, usages: ['client auth'], ...spec },
  };
}
const ask = async (name: string, spec: Json = {}, subject?: string): Promise<Answer> =>
  api.call('POST', REQUESTS, { body: await body(name, spec, subject), token: 'jane' });
const APPROVED = { type: 'Approved', status: 'True', reason: 'Test', message: 'yes' };
const decide = async (name: string, token: string, conditions: Json[] = [APPROVED]): Promise<Answer> => {
  const current = await api.ok('GET', `${REQUESTS}/${name}`);
  return api.call('PUT', `${REQUESTS}/${name}/approval`, { token, body: { ...current, status: { conditions } } });
};

test('says who asked, whatever they say', async () => {
  const { code, body: made } = await ask('who', { username: 'admin', groups: ['system:masters'] });
  expect(code).toBe(201);
  expect(made.spec).toMatchObject({ username: 'jane', groups: ['devs', 'system:authenticated'], signerName: CLIENT });
  const changed = await api.ok('PATCH', `${REQUESTS}/who`, {
    type: 'application/merge-patch+json',
    body: { spec: { username: 'admin' }, status: { certificate: 'QUJD' } },
  });
  expect(at(changed, 'spec', 'username')).toBe('jane');
  expect(at(changed, 'status', 'certificate')).toBeUndefined();
});

test('is approved by whoever may approve for its signer', async () => {
  await ask('one');
  await ask('other', { signerName: 'example.com/own' });
  const { code, body: refused } = await decide('one', 'jane');
  expect(code).toBe(403);
  expect(refused.message).toBe(
    `certificatesigningrequests.certificates.k8s.io "one" is forbidden: user not permitted to approve requests with signerName "${CLIENT}"`,
  );
  expect((await decide('other', 'approver')).code).toBe(403);
  expect((await decide('other', 'domain')).code).toBe(200);
  const approved = await decide('one', 'approver');
  expect(approved.code).toBe(200);
  const times = { lastUpdateTime: expect.any(String), lastTransitionTime: expect.any(String) };
  expect(at(approved.body, 'status', 'conditions')).toEqual([{ ...APPROVED, ...times }]);
  const both = await decide('one', 'approver', [APPROVED, { ...APPROVED, type: 'Denied' }]);
  expect(both.body.message).toContain('Approved and Denied conditions are mutually exclusive');
  expect((await decide('one', 'approver', [])).body.message).toContain(
    'updates may not remove a condition of type "Approved"',
  );
});

test('is signed by whoever may sign for its signer, who decides nothing', async () => {
  await ask('signed');
  const status = { certificate: Buffer.from('a certificate').toString('base64'), conditions: [APPROVED] };
  const current = await api.ok('GET', `${REQUESTS}/signed`);
  const put = (token: string) => api.call('PUT', `${REQUESTS}/signed/status`, { token, body: { ...current, status } });
  expect((await put('jane')).body.message).toContain('user not permitted to sign requests with signerName');
  const { code, body: made } = await put('signer');
  expect(code).toBe(200);
  expect(made.status).toEqual({ certificate: status.certificate });
});

test('is refused where it makes no sense, with the field', async () => {
  const cases: [spec: Json, message: string][] = [
    [
      { request: 'bm90aGluZw==' },
      'spec.request: Invalid value: "bm90aGluZw==": PEM block type must be CERTIFICATE REQUEST',
    ],
    [{ usages: [] }, 'spec.usages: Required value'],
    [{ usages: ['flying'] }, 'spec.usages[0]: Unsupported value: "flying"'],
    [
      { signerName: 'own' },
      `spec.signerName: Invalid value: "own": must be a fully qualified domain and path of the form 'example.com/signer-name'`,
    ],
    [
      { expirationSeconds: 5 },
      'spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 seconds (10 minutes)',
    ],
  ];
  for (const [spec, message] of cases) {
    const { code, body: refused } = await ask('wrong', spec);
    expect(code, message).toBe(422);
    expect(refused.message).toContain(message);
  }
  expect((await ask('root', {}, 'CN=jane, O=system:masters')).body.message).toBe(
    `certificatesigningrequests.certificates.k8s.io "root" is forbidden: use of ${CLIENT} signer with system:masters group is not allowed`,
  );
});

test('is printed with what has become of it', async () => {
  await ask('printed', { expirationSeconds: 3600 });
  const table = await api.ok('GET', `${REQUESTS}/printed`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
  expect((at(table, 'rows', 0, 'cells') as unknown[]).slice(2)).toEqual([CLIENT, 'jane', '60m', 'Pending']);
});
