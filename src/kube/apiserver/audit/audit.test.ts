// The audit log of a real server: which stages, how much of them, and whom they name.
// Knows the server by its URL, and the lines that it writes.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, configMap, type Json, startTestApi, type TestApi } from '../testing/api.ts';
import { readAuditPolicy } from './policy.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const lines: Json[] = [];
const waiting = new Set<() => void>();
const sink = {
  write(line: string): void {
    lines.push(JSON.parse(line) as Json);
    for (const wake of waiting) wake();
  },
  close: () => Promise.resolve(),
};

let api: TestApi;
beforeAll(async () => {
  const policy = readAuditPolicy({
    apiVersion: 'audit.k8s.io/v1',
    kind: 'Policy',
    omitStages: ['RequestReceived'],
    rules: [
      { level: 'None', nonResourceURLs: ['/livez*', '/version'] },
      {
        level: 'None',
        verbs: ['get'],
        resources: [{ group: '', resources: ['configmaps'], resourceNames: ['quiet'] }],
      },
      { level: 'Metadata', resources: [{ group: '', resources: ['secrets', 'pods/status'] }] },
      { level: 'RequestResponse', namespaces: ['default'], resources: [{ group: '', resources: ['configmaps'] }] },
      { level: 'Request', userGroups: ['devs'], omitManagedFields: true },
      { level: 'Metadata', omitStages: [] },
    ],
  });
  api = await startTestApi({
    audit: { policy, sink },
    tokens: new Map([['jane', { name: 'jane', groups: ['devs'] }]]),
  });
});
afterAll(() => api.close());

/** The event of that request, named by its Audit-Id, at that stage. */
async function event(id: string, stage = 'ResponseComplete'): Promise<Json> {
  for (;;) {
    const found = lines.find((line) => line.auditID === id && line.stage === stage);
    if (found !== undefined) return found;
    await new Promise<void>((resolve) => waiting.add(resolve));
  }
}

let last = 0;
async function call(method: string, path: string, options: Parameters<TestApi['call']>[2] = {}): Promise<string> {
  last += 1;
  const id = `test-${last}`;
  const { headers } = await api.call(method, path, { ...options, headers: { ...options.headers, 'audit-id': id } });
  expect(headers['audit-id']).toBe(id);
  return id;
}

test('a request is written with who, what, what was sent and what came back', async () => {
  const id = await call('POST', MAPS, {
    body: configMap('a', { data: { k: 'v' } }),
    headers: { 'user-agent': 'me/1' },
  });
  const written = await event(id);
  expect(written).toMatchObject({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'RequestResponse',
    auditID: id,
    stage: 'ResponseComplete',
    requestURI: MAPS,
    verb: 'create',
    user: { username: 'admin', groups: ['system:masters', 'system:authenticated'] },
    sourceIPs: ['127.0.0.1'],
    userAgent: 'me/1',
    objectRef: { resource: 'configmaps', namespace: 'default', name: 'a', apiVersion: 'v1' },
    responseStatus: { metadata: {}, code: 201 },
    requestObject: { kind: 'ConfigMap', data: { k: 'v' } },
    responseObject: { kind: 'ConfigMap', metadata: { uid: expect.any(String) } },
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  });
  expect(written.requestReceivedTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

test('levels say how much of it', async () => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { password: 'hidden' } };
  const metadata = await event(await call('POST', '/api/v1/namespaces/default/secrets', { body: secret }));
  expect(metadata).toMatchObject({ level: 'Metadata', responseStatus: { code: 201 } });
  expect(JSON.stringify(metadata)).not.toContain('hidden');
  const request = await event(
    await call('PATCH', '/api/v1/namespaces/default', {
      token: 'jane',
      body: '[{"op":"test","path":"/a","value":1}]',
      type: 'application/json-patch+json',
    }),
  );
  expect(request).toMatchObject({ level: 'Request', responseStatus: { code: 403 } });
  const quiet = await call('GET', `${MAPS}/quiet`);
  const loud = await call('GET', `${MAPS}/loud`);
  await event(loud);
  expect(lines.filter(({ auditID }) => auditID === quiet)).toEqual([]);
});

test('a refusal says why, and who was acted as', async () => {
  const refused = await event(await call('GET', '/api/v1/nodes', { token: 'jane' }));
  expect(refused).toMatchObject({
    verb: 'list',
    user: { username: 'jane' },
    responseStatus: { status: 'Failure', reason: 'Forbidden', code: 403 },
    annotations: { 'authorization.k8s.io/decision': 'forbid' },
  });
  const acted = await event(await call('GET', '/api/v1/nodes', { headers: { 'impersonate-user': 'bob' } }));
  expect(acted).toMatchObject({ user: { username: 'admin' }, impersonatedUser: { username: 'bob' } });
  const unknown = await event(await call('GET', '/api/v1/nodes', { token: 'wrong' }));
  expect(unknown).toMatchObject({ user: { username: '' }, responseStatus: { code: 401 } });
});

test('a watch is written as it starts, and as it ends', async () => {
  const id = 'watch-1';
  const watch = await api.watch('/api/v1/namespaces?watch=true', { headers: { 'audit-id': id } });
  await watch.next();
  expect(await event(id, 'ResponseStarted')).toMatchObject({ verb: 'watch', responseStatus: { code: 200 } });
  expect(lines.some(({ auditID, stage }) => auditID === id && stage === 'ResponseComplete')).toBe(false);
  watch.close();
  expect(at(await event(id), 'responseStatus', 'code')).toBe(200);
});

test('a policy that makes no sense names the field', () => {
  const policy = (rules: unknown): unknown => ({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules });
  const cases: [document: unknown, message: string][] = [
    [{ kind: 'Policy' }, 'write kind Policy of audit.k8s.io/v1'],
    [policy([]), 'rules: there is none'],
    [policy([{ level: 'All' }]), 'rules[0].level: "All" is none of None, Metadata, Request, RequestResponse'],
    [policy([{ level: 'None', verbs: 'get' }]), 'rules[0].verbs: write a list of texts'],
    [policy([{ level: 'None', resources: [{ resources: [1] }] }]), 'rules[0].resources[0].resources: 1 is no text'],
    [policy([{ level: 'None', omitStages: ['Late'] }]), 'rules[0].omitStages: "Late" is none of RequestReceived'],
  ];
  for (const [document, message] of cases) expect(() => readAuditPolicy(document)).toThrow(message);
});
