// Server-side apply over the wire, on a built-in kind and on a custom one with every way to own: who owns what afterwards.
// The pure rules have laws in kube/api/apply; here they meet defaults, subresources, pruning and what is stored.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, at, deployment, type Json, startTestApi, type TestApi } from './testing/api.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';
const BOATS = '/apis/example.com/v1/namespaces/default/boats';
const APPLY = 'application/apply-patch+yaml';
const text = { type: 'string' };

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  const port = {
    type: 'object',
    required: ['port'],
    properties: { port: { type: 'integer' }, protocol: { ...text, default: 'TCP' }, name: text },
  };
  const spec = {
    type: 'object',
    properties: {
      replicas: { type: 'integer', default: 1 },
      tags: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
      ports: {
        type: 'array',
        items: port,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['port', 'protocol'],
      },
      args: { type: 'array', items: text },
      whole: { type: 'object', additionalProperties: text, 'x-kubernetes-map-type': 'atomic' },
      free: { type: 'object', additionalProperties: text },
    },
  };
  const status = { type: 'object', properties: { ready: { type: 'integer' } } };
  await api.ok('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'boats.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'boats', kind: 'Boat' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { spec, status } } },
            subresources: { status: {} },
          },
        ],
      },
    },
  });
});
afterAll(() => api.close());

const boat = (rest: Json): Json => ({ apiVersion: 'example.com/v1', kind: 'Boat', ...rest });
const apply = (path: string, manager: string, body: Json, force = false): Promise<Answer> =>
  api.call('PATCH', `${path}?fieldManager=${manager}${force ? '&force=true' : ''}`, { body, type: APPLY });

interface Entry {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly time: string;
  readonly fieldsV1: Json;
}
const entries = (body: Json): Entry[] => (at(body, 'metadata', 'managedFields') ?? []) as Entry[];
const fieldsOf = (body: Json, manager: string, subresource?: string): Json | undefined =>
  entries(body).find((entry) => entry.manager === manager && entry.subresource === subresource)?.fieldsV1;

describe('a custom resource', () => {
  it('is owned by item, by value and as a whole, without what the server filled in', async () => {
    const spec = { tags: ['a'], ports: [{ port: 80, name: 'web' }], args: ['x'], whole: { a: '1' }, free: { a: '1' } };
    const { code, body } = await apply(`${BOATS}/kinds`, 'one', boat({ spec }));
    expect(code).toBe(201);
    expect(body.spec).toEqual({ ...spec, replicas: 1, ports: [{ port: 80, protocol: 'TCP', name: 'web' }] });
    expect(entries(body)).toMatchObject([
      { manager: 'one', operation: 'Apply', apiVersion: 'example.com/v1', fieldsType: 'FieldsV1' },
    ]);
    expect(fieldsOf(body, 'one')).toEqual({
      'f:spec': {
        'f:tags': { 'v:"a"': {} },
        'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:name': {} } },
        'f:args': {},
        'f:whole': {},
        'f:free': { 'f:a': {} },
      },
    });
  });

  it('has its status owned below status only, by a manager of its own', async () => {
    const both = { spec: { args: ['x'] }, status: { ready: 1 } };
    const created = await apply(`${BOATS}/parts`, 'one', boat(both));
    expect(created.body.status).toBeUndefined();
    expect(fieldsOf(created.body, 'one')).toEqual({ 'f:spec': { 'f:args': {} } });
    const { body } = await apply(`${BOATS}/parts/status`, 'one', boat(both));
    expect(body).toMatchObject({ spec: { args: ['x'] }, status: { ready: 1 } });
    expect(fieldsOf(body, 'one')).toEqual({ 'f:spec': { 'f:args': {} } });
    expect(fieldsOf(body, 'one', 'status')).toEqual({ 'f:status': { 'f:ready': {} } });
    // The status is not lost with the next apply of the rest.
    expect((await apply(`${BOATS}/parts`, 'one', boat({ spec: { args: ['y'] } }))).body.status).toEqual({ ready: 1 });
  });

  const name = fc.constantFrom('a', 'b', 'c');
  const state = fc.record(
    {
      tags: fc.uniqueArray(name, { minLength: 1 }),
      free: fc.dictionary(name, name, { minKeys: 1 }),
      args: fc.array(name, { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  );

  it('holds, whoever applies what: the last word by force, all that others still state, and nothing else', {
    timeout: 60_000,
  }, async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('one', 'two', 'three'), state), { minLength: 1, maxLength: 6 }),
        async (steps) => {
          const path = `${BOATS}/law-${round++}`;
          const stated = new Map<string, (typeof steps)[0][1]>();
          let body: Json = {};
          for (const [manager, spec] of steps) {
            const answer = await apply(path, manager, boat({ spec }), true);
            expect(answer.code).toBeLessThan(300);
            body = answer.body;
            // By force, whoever stated something else no longer states it.
            for (const [other, theirs] of stated) {
              if (other === manager) continue;
              const kept = { ...theirs, ...(theirs.free === undefined ? {} : { free: { ...theirs.free } }) };
              if (spec.args !== undefined && kept.args !== undefined && String(spec.args) !== String(kept.args))
                delete kept.args;
              for (const [key, value] of Object.entries(spec.free ?? {})) {
                if (kept.free !== undefined && key in kept.free && kept.free[key] !== value) delete kept.free[key];
              }
              stated.set(other, kept);
            }
            stated.set(manager, spec);
          }
          const all = [...stated.values()];
          const held = (body.spec ?? {}) as { tags?: string[]; free?: Json; args?: string[] };
          expect(new Set(held.tags ?? [])).toEqual(new Set(all.flatMap(({ tags = [] }) => tags)));
          expect(held.free ?? {}).toEqual(Object.assign({}, ...all.map(({ free = {} }) => free)));
          expect(held.args).toEqual(all.find(({ args }) => args !== undefined)?.args);
          // Once more by whoever came last: nothing changes, the version included.
          const [manager, spec] = steps.at(-1) as (typeof steps)[0];
          expect((await apply(path, manager, boat({ spec }), true)).body).toEqual(body);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('a built-in kind', () => {
  const map = (data: Json): Json => ({ apiVersion: 'v1', kind: 'ConfigMap', data });

  it('is refused where another manager set something else, shared where it is the same, and left by whoever leaves it out', async () => {
    await apply(`${MAPS}/shared`, 'one', map({ a: '1', b: '1' }));
    const refused = await apply(`${MAPS}/shared`, 'two', map({ a: '2' }));
    expect(refused).toMatchObject({
      code: 409,
      body: {
        message: 'Apply failed with 1 conflict: conflict with "one": .data.a',
        details: { causes: [{ reason: 'FieldManagerConflict', field: '.data.a' }] },
      },
    });
    const shared = await apply(`${MAPS}/shared`, 'two', map({ a: '1' }));
    expect([fieldsOf(shared.body, 'one'), fieldsOf(shared.body, 'two')]).toEqual([
      { 'f:data': { 'f:a': {}, 'f:b': {} } },
      { 'f:data': { 'f:a': {} } },
    ]);
    const left = await apply(`${MAPS}/shared`, 'one', map({}));
    // What is shared stays with the other; what was its own goes.
    expect(left.body.data).toEqual({ a: '1' });
    expect(fieldsOf(left.body, 'one')).toEqual({ 'f:data': {} });
  });

  it('goes over from an object without managers by before-first-apply', async () => {
    await api.ok('POST', MAPS, { body: { ...map({ a: '1' }), metadata: { name: 'old' } } });
    const reset = { body: { metadata: { managedFields: [{}] } }, type: 'application/merge-patch+json' };
    expect(entries(await api.ok('PATCH', `${MAPS}/old`, reset))).toEqual([]);
    const { body } = await apply(`${MAPS}/old`, 'one', map({ b: '1' }));
    expect(entries(body).map(({ manager, operation }) => [manager, operation])).toEqual([
      ['one', 'Apply'],
      ['before-first-apply', 'Update'],
    ]);
    expect(fieldsOf(body, 'before-first-apply')).toEqual({ 'f:data': { '.': {}, 'f:a': {} } });
  });

  it('tells the managers of scale and status apart, and moves only the time of who changed something', async () => {
    const made = await api.ok('POST', `${DEPLOYMENTS}?fieldManager=maker`, { body: deployment('many') });
    const before = entries(made).find(({ manager }) => manager === 'maker')?.time;
    const scale = { body: { spec: { replicas: 3 } }, type: 'application/merge-patch+json' };
    await api.ok('PATCH', `${DEPLOYMENTS}/many/scale?fieldManager=scaler`, scale);
    const status = { body: { status: { replicas: 3 } }, type: 'application/merge-patch+json' };
    const body = await api.ok('PATCH', `${DEPLOYMENTS}/many/status?fieldManager=watcher`, status);
    expect(fieldsOf(body, 'scaler', 'scale')).toEqual({ 'f:spec': { 'f:replicas': {} } });
    expect(fieldsOf(body, 'watcher', 'status')).toEqual({ 'f:status': { 'f:replicas': {} } });
    expect(fieldsOf(body, 'maker')?.['f:spec']).not.toHaveProperty('f:replicas');
    expect(entries(body).find(({ manager }) => manager === 'maker')?.time).toBe(before);
    expect(before).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });
});
