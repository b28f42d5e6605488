// Containers that are added to a pod over HTTP: by their own subresource only, once, and never changed.
// Knows the server by its URL only.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { at, type Json, pod, startTestApi, type TestApi } from '../testing/api.ts';

const PODS = '/api/v1/namespaces/default/pods';
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const type = 'application/strategic-merge-patch+json';
const add = (name: string, container: Json) =>
  api.call('PATCH', `${PODS}/${name}/ephemeralcontainers`, {
    body: { spec: { ephemeralContainers: [container] } },
    type,
  });
const namesOf = (body: Json): unknown[] =>
  ((at(body, 'spec', 'ephemeralContainers') ?? []) as Json[]).map(({ name }) => name);

test('they are added by patch and by update, with their defaults, and the rest of the pod stays', async () => {
  const made = await api.ok('POST', PODS, { body: pod('web') });
  const first = await add('web', { name: 'one', image: 'sh', targetContainerName: 'main' });
  expect([first.code, namesOf(first.body)]).toEqual([200, ['one']]);
  expect(at(first.body, 'spec', 'ephemeralContainers', 0)).toMatchObject({
    targetContainerName: 'main',
    imagePullPolicy: 'Always',
    terminationMessagePath: '/dev/termination-log',
  });
  const known = at(first.body, 'spec', 'ephemeralContainers') as Json[];
  const spec = {
    ...(first.body.spec as Json),
    ephemeralContainers: [...known, { name: 'two', image: 'sh' }],
    hostname: 'x',
  };
  const second = await api.ok('PUT', `${PODS}/web/ephemeralcontainers`, { body: { ...first.body, spec } });
  expect([namesOf(second), at(second, 'spec', 'hostname')]).toEqual([['one', 'two'], undefined]);
  expect(at(second, 'spec', 'containers')).toEqual(at(made, 'spec', 'containers'));
  const stale = await api.call('PUT', `${PODS}/web/ephemeralcontainers`, { body: first.body });
  expect(stale.code).toBe(409);
});

test('they are refused with the reason', async () => {
  await api.ok('POST', PODS, { body: pod('shop') });
  expect((await add('shop', { name: 'one', image: 'sh' })).code).toBe(200);
  const cases: [Json, string][] = [
    [{ name: 'main', image: 'sh' }, 'Duplicate value: "main"'],
    [{ name: 'two', image: 'sh', targetContainerName: 'none' }, 'targetContainerName: Not found: "none"'],
    [{ name: 'two', image: 'sh', ports: [{ containerPort: 80 }] }, 'ports: Forbidden: cannot be set'],
    [{ name: 'two', image: 'sh', resources: { limits: { cpu: '1' } } }, 'resources: Forbidden: cannot be set'],
    [{ name: 'one', image: 'other' }, 'existing ephemeral containers "one" may not be changed'],
  ];
  for (const [container, message] of cases) {
    const { code, body } = await add('shop', container);
    expect([code, body.message]).toEqual([422, expect.stringContaining(message)]);
  }
  const removed = await api.call('PATCH', `${PODS}/shop/ephemeralcontainers`, {
    body: { spec: { ephemeralContainers: null } },
    type: 'application/merge-patch+json',
  });
  expect(removed.code).toBe(422);
  expect(removed.body.message).toContain('existing ephemeral containers "one" may not be removed');
});

test('a pod is neither made with them nor given them by an update of its own', async () => {
  const ephemeralContainers = [{ name: 'one', image: 'sh' }];
  const created = await api.call('POST', PODS, { body: pod('early', { ephemeralContainers }) });
  expect([created.code, created.body.message]).toEqual([422, expect.stringContaining('cannot be set on create')]);
  await api.ok('POST', PODS, { body: pod('plain') });
  const patched = await api.call('PATCH', `${PODS}/plain`, { body: { spec: { ephemeralContainers } }, type });
  expect([patched.code, patched.body.message]).toEqual([
    422,
    expect.stringContaining('ephemeralcontainers subresource'),
  ]);
});
