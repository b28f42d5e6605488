// Server-side apply of a Scale: the number is merged, and its owners stand with the workload.
// What other writers do to a Scale is in subresources.test.ts.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { at, deployment, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const DEPLOY = '/apis/apps/v1/namespaces/default/deployments';
const APPLY = 'application/apply-patch+yaml';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const scaleOf = (replicas?: number): Json => ({
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  ...(replicas === undefined ? {} : { spec: { replicas } }),
});
const apply = (path: string, body: Json, manager: string, force = false) =>
  api.call('PATCH', `${path}?fieldManager=${manager}&force=${force}`, { body, type: APPLY });

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly fieldsV1: Json;
}

/** Those who own the number, and the fields of those who applied. */
async function owners(path: string): Promise<string[]> {
  const entries = at(await api.ok('GET', path), 'metadata', 'managedFields') as Entry[];
  return entries
    .filter(({ fieldsV1 }) => at(fieldsV1, 'f:spec', 'f:replicas') !== undefined)
    .map(({ manager, operation, apiVersion, subresource }) =>
      [manager, operation, apiVersion, ...(subresource === undefined ? [] : [subresource])].join(' '),
    );
}

it('takes the number by force, from appliers and from others, and leaves them the rest', async () => {
  const path = `${DEPLOY}/web`;
  const { spec } = deployment('web', { replicas: 2 });
  const applied = { apiVersion: 'apps/v1', kind: 'Deployment', spec };
  expect((await apply(path, applied, 'gitops')).code).toBe(201);
  expect(await owners(path)).toEqual(['gitops Apply apps/v1']);

  const refused = await apply(`${path}/scale`, scaleOf(5), 'autoscaler');
  expect(refused).toMatchObject({
    code: 409,
    body: { message: 'Apply failed with 1 conflict: conflict with "gitops": .spec.replicas' },
  });
  const taken = await apply(`${path}/scale`, scaleOf(5), 'autoscaler', true);
  expect(taken).toMatchObject({ code: 200, body: { kind: 'Scale', spec: { replicas: 5 }, status: { replicas: 0 } } });
  // As upstream, the owners are told by the workload only.
  expect(at(taken.body, 'metadata', 'managedFields')).toBeUndefined();
  expect(await owners(path)).toEqual(['autoscaler Apply apps/v1 scale']);
  const entries = at(await api.ok('GET', path), 'metadata', 'managedFields') as Entry[];
  expect(entries.find(({ manager }) => manager === 'gitops')?.fieldsV1).toHaveProperty(['f:spec', 'f:template']);

  // Who applies the workload as before is told whose the number is now.
  const again = await apply(path, applied, 'gitops');
  expect(again.body.message).toBe(
    'Apply failed with 1 conflict: conflict with "autoscaler" with subresource "scale": .spec.replicas',
  );
});

it('shares the number with whom it agrees, and takes it along when it is stated no more', async () => {
  const path = `${DEPLOY}/shared`;
  await api.ok('POST', `${DEPLOY}?fieldManager=creator`, { body: deployment('shared', { replicas: 3 }) });
  expect((await apply(`${path}/scale`, scaleOf(3), 'a')).code).toBe(200);
  expect(await owners(path)).toEqual(['a Apply apps/v1 scale', 'creator Update apps/v1']);
  const before = at(await api.ok('GET', path), 'metadata', 'resourceVersion');
  // The same once more is no change.
  expect((await apply(`${path}/scale`, scaleOf(3), 'a')).code).toBe(200);
  expect(at(await api.ok('GET', path), 'metadata', 'resourceVersion')).toBe(before);

  const conflict = await apply(`${path}/scale`, scaleOf(4), 'a');
  expect(conflict.body.message).toBe(
    'Apply failed with 1 conflict: conflict with "creator" using autoscaling/v1: .spec.replicas',
  );
  // Somebody else still wants three.
  expect((await apply(`${path}/scale`, scaleOf(), 'a')).body).toMatchObject({ spec: { replicas: 3 } });
  expect(await owners(path)).toEqual(['creator Update apps/v1']);
});

it('an update of the Scale takes the number from its applier', async () => {
  const path = `${DEPLOY}/updated`;
  await api.ok('POST', DEPLOY, { body: deployment('updated') });
  await apply(`${path}/scale`, scaleOf(4), 'a', true);
  await api.ok('PATCH', `${path}/scale?fieldManager=kubectl`, {
    body: { spec: { replicas: 6 } },
    type: 'application/merge-patch+json',
  });
  expect(await owners(path)).toEqual(['kubectl Update apps/v1 scale']);
});

it('custom resources keep the number where each version says', async () => {
  const version = (name: string, field: string, storage: boolean): Json => ({
    name,
    served: true,
    storage,
    schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    subresources: {
      scale: { specReplicasPath: `.spec.${field}`, statusReplicasPath: `.status.${field}` },
      status: {},
    },
  });
  await api.ok('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'fleets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'fleets', kind: 'Fleet' },
        versions: [version('v1', 'ships', true)],
      },
    },
  });
  const path = '/apis/example.com/v1/namespaces/default/fleets/north';
  const fleet = {
    apiVersion: 'example.com/v1',
    kind: 'Fleet',
    metadata: { name: 'north' },
    spec: { ships: 1, flag: 'x' },
  };
  expect((await apply(path, fleet, 'admiral')).code).toBe(201);
  expect((await apply(`${path}/scale`, scaleOf(7), 'yard', true)).body).toMatchObject({ spec: { replicas: 7 } });
  const stored = await api.ok('GET', path);
  expect(stored.spec).toEqual({ ships: 7, flag: 'x' });
  expect(at(stored, 'metadata', 'managedFields')).toMatchObject([
    { manager: 'admiral', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:flag': {} } } },
    {
      manager: 'yard',
      operation: 'Apply',
      apiVersion: 'example.com/v1',
      subresource: 'scale',
      fieldsV1: { 'f:spec': { 'f:ships': {} } },
    },
  ]);
});

it.each<readonly [Json, string, number, RegExp]>([
  [{ ...scaleOf(1), kind: 'Deployment' }, 'a', 400, /of autoscaling\/v1 Scale/],
  [{ ...scaleOf(1), apiVersion: 'apps/v1' }, 'a', 400, /of autoscaling\/v1 Scale/],
  [{ ...scaleOf(1), metadata: { name: 'other' } }, 'a', 400, /does not match the name on the URL/],
  [{ ...scaleOf(1), spec: { replicas: 1, more: 2 } }, 'a', 400, /\.spec\.more: field not declared in schema/],
  [scaleOf(-1), 'a', 422, /spec\.replicas: Invalid value: -1/],
  [scaleOf(1), '', 422, /fieldManager: Required value/],
])('%o by %j is refused with %i', async (body, manager, code, message) => {
  await api.call('POST', DEPLOY, { body: deployment('refused') });
  const answer = await apply(`${DEPLOY}/refused/scale`, body, manager, true);
  expect(answer).toMatchObject({ code, body: { message: expect.stringMatching(message) } });
});

it('of what is not there is a 404, and makes nothing', async () => {
  expect((await apply(`${DEPLOY}/none/scale`, scaleOf(1), 'a')).code).toBe(404);
  expect((await api.call('GET', `${DEPLOY}/none`)).code).toBe(404);
});
