// What is told of webhooks beside their verdict: keys in the audit log, and numbers in /metrics.
// Knows the server by its URL and its audit lines; the webhooks are one server of this test.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readAuditPolicy } from '../../audit/policy.ts';
import { configMap, type Json, startTestApi, type TestApi } from '../../testing/api.ts';
import { createTestAuthority } from '../../testing.ts';

const ROOT = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';

let api: TestApi;
let hooks: Server;
const lines: Json[] = [];

const answers: Readonly<Record<string, Json>> = {
  '/add': {
    allowed: true,
    patchType: 'JSONPatch',
    patch: Buffer.from('[{"op":"add","path":"/data","value":{"a":"b"}}]').toString('base64'),
    auditAnnotations: { why: 'because' },
  },
  '/look': { allowed: true },
  '/deny': { allowed: false, status: { code: 403, message: 'no' } },
};

beforeAll(async () => {
  const policy = readAuditPolicy({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level: 'Request' }] });
  const sink = { write: (line: string): void => void lines.push(JSON.parse(line)), close: () => Promise.resolve() };
  api = await startTestApi({ audit: { policy, sink } });
  const authority = await createTestAuthority();
  const { certPem, keyPem } = await authority.issue('CN=hooks', true);
  hooks = createServer({ cert: certPem, key: keyPem }, async (incoming, outgoing) => {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const { request } = JSON.parse(String(Buffer.concat(parts))) as { request: Json };
    const response = { uid: request.uid, ...answers[(incoming.url ?? '').split('?')[0] ?? ''] };
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response };
    outgoing.setHeader('content-type', 'application/json').end(JSON.stringify(review));
  }).listen(0, '127.0.0.1');
  await once(hooks, 'listening');
  const { port } = hooks.address() as AddressInfo;
  const caBundle = Buffer.from(authority.caPem).toString('base64');
  const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }];
  const webhook = (name: string, extra: Json = {}): Json => ({
    name: `${name}.example.com`,
    clientConfig: { url: `https://127.0.0.1:${port}/${name}`, caBundle },
    rules,
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...extra,
  });
  const configure = (kind: string, ...webhooks: Json[]) =>
    api.ok('POST', `${ROOT}/${kind.toLowerCase()}webhookconfigurations`, {
      body: {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: `${kind}WebhookConfiguration`,
        metadata: { name: 'told' },
        webhooks,
      },
    });
  // Port 1 of this machine has nobody.
  const nobody = { failurePolicy: 'Ignore', clientConfig: { url: 'https://127.0.0.1:1/gone', caBundle } };
  await configure('Mutating', webhook('add'), webhook('gone', nobody));
  const onDenied = { objectSelector: { matchLabels: { deny: 'yes' } } };
  await configure('Validating', webhook('look'), webhook('gone', nobody), webhook('deny', onDenied));
});
afterAll(async () => {
  await api.close();
  hooks.closeAllConnections();
  hooks.close();
});

async function annotations(id: string): Promise<Json> {
  const found = (): Json | undefined =>
    lines.find(({ auditID, stage }) => auditID === id && stage === 'ResponseComplete');
  await expect.poll(found).toBeDefined();
  return found()?.annotations as Json;
}

it("the audit log says what each did, under upstream's keys", async () => {
  const headers = { 'audit-id': 'made' };
  expect((await api.call('POST', MAPS, { body: configMap('made'), headers })).code).toBe(201);
  const told = await annotations('made');
  const by = { configuration: 'told', webhook: 'add.example.com' };
  const key = 'mutation.webhook.admission.k8s.io/round_0_index_0';
  expect(JSON.parse(String(told[key]))).toEqual({ ...by, mutated: true });
  expect(JSON.parse(String(told['patch.webhook.admission.k8s.io/round_0_index_0']))).toEqual({
    ...by,
    patch: [{ op: 'add', path: '/data', value: { a: 'b' } }],
    patchType: 'JSONPatch',
  });
  expect(told).toMatchObject({
    'add.example.com/why': 'because',
    'failed-open.mutation.webhook.admission.k8s.io/round_0_index_1': 'gone.example.com',
    'failed-open.validating.webhook.admission.k8s.io/round_0_index_1': 'gone.example.com',
  });
});

it('the metrics count answers, refusals, and those who were let pass unasked', async () => {
  const denied = configMap('denied');
  const labelled = { ...denied, metadata: { name: 'denied', labels: { deny: 'yes' } } };
  expect((await api.call('POST', MAPS, { body: labelled })).code).toBe(403);
  const { body } = await api.call('GET', '/metrics');
  const text = String(body.text);
  const value = (series: RegExp): number => Number(series.exec(text)?.[1] ?? Number.NaN);
  const name = 'evenkeel_apiserver_admission_webhook';
  expect(
    value(new RegExp(`^${name}_duration_seconds_count\\{name="add.example.com".*rejected="false"\\} (\\d+)$`, 'm')),
  ).toBe(2);
  expect(
    value(new RegExp(`^${name}_rejections_total\\{name="deny.example.com".*error_type="no_error".*\\} (\\d+)$`, 'm')),
  ).toBe(1);
  expect(text).toMatch(new RegExp(`^${name}_rejections_total\\{.*rejection_code="403".*\\} 1$`, 'm'));
  for (const type of ['admit', 'validating']) {
    expect(value(new RegExp(`^${name}_fail_open_total\\{name="gone.example.com",type="${type}"\\} (\\d+)$`, 'm'))).toBe(
      2,
    );
  }
});
