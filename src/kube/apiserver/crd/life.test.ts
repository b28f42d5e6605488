// Definitions over HTTP: their names, their end, and what becomes of objects as their schema changes.
// Knows the server by its URL only.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { at, type Json, startTestApi, type TestApi } from '../testing/api.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

interface Made {
  readonly group?: string;
  readonly kind?: string;
  readonly names?: Json;
  readonly properties?: Json;
  readonly version?: Json;
}

function definition(
  plural: string,
  { group = 'example.com', kind = 'Widget', names, properties, version }: Made = {},
): Json {
  const spec = { type: 'object', properties: properties ?? {} };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { plural, kind, ...names },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
          ...version,
        },
      ],
    },
  };
}

const pathOf = (plural: string, group = 'example.com'): string => `/apis/${group}/v1/namespaces/default/${plural}`;
const object = (kind: string, name: string, spec: Json, more: Json = {}): Json => ({
  apiVersion: 'example.com/v1',
  kind,
  metadata: { name },
  spec,
  ...more,
});
const merge = (path: string, body: unknown) => api.call('PATCH', path, { body, type: 'application/merge-patch+json' });

function conditions(crd: Json): string[] {
  return (at(crd, 'status', 'conditions') as Json[]).map((each) => `${each.type} ${each.status} ${each.reason}`);
}

describe('names', () => {
  it('that another has already are not accepted, until they are free', async () => {
    await api.ok('POST', CRDS, { body: definition('firsts', { kind: 'First', names: { shortNames: ['f'] } }) });
    const second = await api.ok('POST', CRDS, {
      body: definition('seconds', { kind: 'First', names: { singular: 'second', shortNames: ['f'] } }),
    });
    expect(conditions(second)).toEqual(['NamesAccepted False ListKindConflict', 'Established False NotAccepted']);
    expect(at(second, 'status', 'conditions', 0, 'message')).toBe('"FirstList" is already in use');
    expect(at(second, 'status', 'acceptedNames')).toEqual({ plural: 'seconds', singular: 'second' });
    expect((await api.call('GET', pathOf('seconds'))).code).toBe(404);

    const watch = await api.watch(`${CRDS}?watch=true&fieldSelector=metadata.name%3Dseconds.example.com`);
    await watch.next();
    await api.ok('DELETE', `${CRDS}/firsts.example.com`);
    expect(conditions((await watch.next()).object)).toEqual([
      'NamesAccepted True NoConflicts',
      'Established True InitialNamesAccepted',
    ]);
    watch.close();
    expect((await api.call('GET', pathOf('seconds'))).code).toBe(200);
    await api.ok('DELETE', `${CRDS}/seconds.example.com`);
  });

  it('of built-in resources are not given again', async () => {
    const group = 'networking.k8s.io';
    const body = definition('ingresses', { group, kind: 'Ingress' });
    (body.metadata as Json).annotations = { 'api-approved.kubernetes.io': 'unapproved, a test' };
    const made = await api.ok('POST', CRDS, { body });
    expect(conditions(made).slice(0, 2)).toEqual([
      'NamesAccepted False ListKindConflict',
      'Established False NotAccepted',
    ]);
    await api.ok('DELETE', `${CRDS}/ingresses.${group}`);
    expect((await api.call('GET', `/apis/${group}/v1/ingresses`)).code).toBe(200);
  });
});

describe('a definition that goes', () => {
  it('says so, takes no new objects, and waits for those that are held', async () => {
    await api.ok('POST', CRDS, { body: definition('helds', { kind: 'Held' }) });
    const metadata = { name: 'a', finalizers: ['example.com/hold'] };
    await api.ok('POST', pathOf('helds'), { body: object('Held', 'a', {}, { metadata }) });
    const going = await api.ok('DELETE', `${CRDS}/helds.example.com`);
    expect(conditions(going)).toContain('Terminating True InstanceDeletionInProgress');
    const late = await api.call('POST', pathOf('helds'), { body: object('Held', 'b', {}) });
    expect(late.code).toBe(405);
    expect(late.body.message).toBe('create not allowed while custom resource definition is terminating');
    expect(at(await api.ok('GET', `${pathOf('helds')}/a`), 'metadata', 'deletionTimestamp')).toBeDefined();
    const watch = await api.watch(`${CRDS}?watch=true&fieldSelector=metadata.name%3Dhelds.example.com`);
    await watch.next();
    expect((await merge(`${pathOf('helds')}/a`, { metadata: { finalizers: null } })).code).toBe(200);
    let event = await watch.next();
    while (event.type !== 'DELETED') event = await watch.next();
    expect(conditions(event.object)).toContain('Terminating False InstanceDeletionCompleted');
    watch.close();
  });
});

describe('a schema that changes', () => {
  const update = async (plural: string, made: Made): Promise<void> => {
    const current = await api.ok('GET', `${CRDS}/${plural}.example.com`);
    const next = definition(plural, { kind: at(current, 'spec', 'names', 'kind') as string, ...made });
    await api.ok('PUT', `${CRDS}/${plural}.example.com`, {
      body: { ...next, metadata: current.metadata },
    });
  };

  it('gives new defaults to what was stored before', async () => {
    await api.ok('POST', CRDS, { body: definition('olds', { kind: 'Old' }) });
    await api.ok('POST', pathOf('olds'), { body: object('Old', 'a', {}) });
    await update('olds', { properties: { color: { type: 'string', default: 'red' } } });
    expect(at(await api.ok('GET', `${pathOf('olds')}/a`), 'spec')).toEqual({ color: 'red' });
    expect(at(await api.ok('GET', pathOf('olds')), 'items', 0, 'spec')).toEqual({ color: 'red' });
  });

  it('does not stand in the way of what is wrong already and left alone', async () => {
    await api.ok('POST', CRDS, {
      body: definition('ratchets', { kind: 'Ratchet', properties: { n: { type: 'integer' }, s: { type: 'string' } } }),
    });
    await api.ok('POST', pathOf('ratchets'), { body: object('Ratchet', 'a', { n: 0 }) });
    await update('ratchets', { properties: { n: { type: 'integer', minimum: 1 }, s: { type: 'string' } } });
    expect((await merge(`${pathOf('ratchets')}/a`, { spec: { s: 'new' } })).code).toBe(200);
    const worse = await merge(`${pathOf('ratchets')}/a`, { spec: { n: -1 } });
    expect(worse.code).toBe(422);
    expect(worse.body.message).toBe(
      'Ratchet.example.com "a" is invalid: spec.n: Invalid value: -1: spec.n in body should be greater than or equal to 1',
    );
    expect(at(worse.body, 'details', 'causes', 0)).toEqual({
      reason: 'FieldValueInvalid',
      message: 'Invalid value: -1: spec.n in body should be greater than or equal to 1',
      field: 'spec.n',
    });
  });

  it('is published at once', async () => {
    const properties = { size: { type: 'integer', description: 'How big it is' } };
    await api.ok('POST', CRDS, { body: definition('docs', { kind: 'Doc', properties }) });
    const index = await api.ok('GET', '/openapi/v3');
    const url = at(index, 'paths', 'apis/example.com/v1', 'serverRelativeURL') as string;
    const document = await api.ok('GET', url);
    expect(
      at(document, 'components', 'schemas', 'com.example.v1.Doc', 'properties', 'spec', 'properties', 'size'),
    ).toEqual({
      type: 'integer',
      description: 'How big it is',
    });
  });
});

describe('objects', () => {
  const properties = {
    color: { type: 'string' },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      items: {
        type: 'object',
        required: ['port'],
        properties: {
          port: { type: 'integer' },
          protocol: { type: 'string', default: 'TCP' },
          name: { type: 'string' },
        },
      },
    },
  };

  it('are selected by fields of their own', async () => {
    const version = { selectableFields: [{ jsonPath: '.spec.color' }] };
    await api.ok('POST', CRDS, { body: definition('paints', { kind: 'Paint', properties, version }) });
    for (const color of ['red', 'blue']) {
      await api.ok('POST', pathOf('paints'), { body: object('Paint', color, { color }) });
    }
    const { items } = await api.ok('GET', `${pathOf('paints')}?fieldSelector=spec.color%3Dblue`);
    expect((items as Json[]).map((item) => at(item, 'metadata', 'name'))).toEqual(['blue']);
    expect((await api.call('GET', `${pathOf('paints')}?fieldSelector=spec.size%3D1`)).code).toBe(400);
  });

  it('are applied item by item, with keys that are filled in', async () => {
    const apply = (manager: string, ports: Json[]) =>
      api.call('PATCH', `${pathOf('paints')}/applied?fieldManager=${manager}`, {
        body: object('Paint', 'applied', { ports }),
        type: 'application/apply-patch+yaml',
      });
    expect((await apply('one', [{ port: 80, name: 'a' }])).code).toBe(201);
    const both = await apply('two', [{ port: 80, protocol: 'UDP', name: 'b' }]);
    expect(at(both.body, 'spec', 'ports')).toEqual([
      { port: 80, protocol: 'TCP', name: 'a' },
      { port: 80, protocol: 'UDP', name: 'b' },
    ]);
    expect((await apply('two', [{ port: 80, name: 'taken' }])).code).toBe(409);
    const twice = await api.call('POST', pathOf('paints'), {
      body: object('Paint', 'twice', { ports: [{ port: 1 }, { port: 1, protocol: 'TCP' }] }),
    });
    expect(twice.body.message).toContain('spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}');
  });

  it('with a null where none may be are refused, or get their default', async () => {
    const made = await api.ok('POST', pathOf('paints'), { body: object('Paint', 'null', { color: null }) });
    expect(made.spec).toEqual({});
    const refused = await api.call('POST', pathOf('paints'), { body: object('Paint', 'bad', { ports: [null] }) });
    expect(refused.body.message).toContain('spec.ports[0] in body must be of type object: "null"');
  });
});
