// External IPs of Services, on a server that denies them and on one that does not.
import { afterEach, expect, test } from 'vitest';
import { at, startTestApi, type TestApi } from '../testing/api.ts';

const SERVICES = '/api/v1/namespaces/default/services';
const service = (externalIPs: readonly string[]) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { ports: [{ port: 80 }], externalIPs },
});
const DENIED = 'services "web" is forbidden: Use of external IPs is denied by admission control';

let api: TestApi;
afterEach(() => api.close());

test('are taken where nobody denies them', async () => {
  api = await startTestApi();
  expect((await api.call('POST', SERVICES, { body: service(['192.0.2.9']) })).code).toBe(201);
});

test('are denied to whoever adds one', async () => {
  api = await startTestApi({ admissionPlugins: ['DenyServiceExternalIPs'] });
  const refused = await api.call('POST', SERVICES, { body: service(['192.0.2.9']) });
  expect([refused.code, at(refused.body, 'message')]).toEqual([403, DENIED]);
  await api.ok('POST', SERVICES, { body: service([]) });
  const patch = { type: 'application/merge-patch+json', body: { spec: { externalIPs: ['192.0.2.9'] } } };
  const changed = await api.call('PATCH', `${SERVICES}/web`, patch);
  expect([changed.code, at(changed.body, 'message')]).toEqual([403, DENIED]);
});

test('stay, and may become fewer, where they were before', async () => {
  const first = await startTestApi();
  api = first;
  await first.ok('POST', SERVICES, { body: service(['192.0.2.9', '192.0.2.10']) });
  const { store } = first.server;
  api = await startTestApi({ store, admissionPlugins: ['DenyServiceExternalIPs'] });
  const patch = (externalIPs: readonly string[]) =>
    api.call('PATCH', `${SERVICES}/web`, { type: 'application/merge-patch+json', body: { spec: { externalIPs } } });
  expect((await patch(['192.0.2.10'])).code).toBe(200);
  expect((await patch(['192.0.2.10', '192.0.2.9'])).code).toBe(403);
  await first.close();
});
