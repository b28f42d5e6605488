// Custom resources over HTTP: served while their definition stands, with its schema, columns and subresources.
// Knows the server by its URL only.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemoryStore } from '#kube/store/memory/index.ts';
import { at, type Json, startTestApi, type TestApi } from '../testing/api.ts';
import { findAll, parseJsonPath, plainPath } from './json-path.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const WIDGETS = '/apis/example.com/v1/namespaces/default/widgets';

const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer' },
        color: { type: 'string', default: 'red' },
        replicas: { type: 'integer' },
        parts: { type: 'array', items: { type: 'object', properties: { kind: { type: 'string', default: 'bolt' } } } },
      },
    },
    status: { type: 'object', properties: { replicas: { type: 'integer' }, selector: { type: 'string' } } },
  },
};
const version = (name: string, storage: boolean): Json => ({
  name,
  served: true,
  storage,
  schema: { openAPIV3Schema: schema },
  subresources: {
    status: {},
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
  },
  additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
});
const widgetDefinition: Json = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wd'] },
    scope: 'Namespaced',
    versions: [version('v1', true), version('v2', false)],
  },
};
const widget = (name: string, spec: Json): Json => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
});

const store = createMemoryStore();
let api: TestApi;
beforeAll(async () => {
  api = await startTestApi({ store });
});
afterAll(async () => {
  await api.close();
  await store.close();
});

describe('a custom resource', () => {
  it('is served as soon as its definition is there', async () => {
    expect((await api.call('GET', WIDGETS)).code).toBe(404);
    const crd = await api.ok('POST', CRDS, { body: widgetDefinition });
    expect((at(crd, 'status', 'conditions') as Json[]).map(({ type, status }) => `${type} ${status}`)).toEqual([
      'NamesAccepted True',
      'Established True',
    ]);
    expect(at(crd, 'status', 'storedVersions')).toEqual(['v1']);
    expect((await api.ok('GET', WIDGETS)).kind).toBe('WidgetList');
    const { resources } = await api.ok('GET', '/apis/example.com/v1');
    expect(at(resources, 0)).toMatchObject({ name: 'widgets', kind: 'Widget', shortNames: ['wd'] });
    expect(at(await api.ok('GET', '/openapi/v3'), 'paths')).toHaveProperty(['apis/example.com/v1']);
  });

  it('is defaulted, pruned and checked by its schema', async () => {
    const body = await api.ok('POST', WIDGETS, { body: widget('one', { size: 3, parts: [{}], unknown: true }) });
    expect(body.spec).toEqual({ size: 3, color: 'red', parts: [{ kind: 'bolt' }] });
    expect(at(body, 'metadata', 'generation')).toBe(1);
    const missing = await api.call('POST', WIDGETS, { body: widget('two', {}) });
    expect(missing.code).toBe(422);
    expect(missing.body.message).toContain('spec.size: Required value');
    const strict = await api.call('POST', `${WIDGETS}?fieldValidation=Strict`, {
      body: widget('two', { size: 1, other: 1 }),
    });
    expect(strict.code).toBe(400);
  });

  it('is the same object in every version', async () => {
    const other = await api.ok('GET', WIDGETS.replace('/v1/', '/v2/').concat('/one'));
    expect(other).toMatchObject({ apiVersion: 'example.com/v2', spec: { size: 3 } });
    const changed = await api.ok('PATCH', WIDGETS.replace('/v1/', '/v2/').concat('/one'), {
      body: { spec: { size: 4 } },
      type: 'application/merge-patch+json',
    });
    expect(changed.apiVersion).toBe('example.com/v2');
    expect(await api.ok('GET', `${WIDGETS}/one`)).toMatchObject({ apiVersion: 'example.com/v1', spec: { size: 4 } });
  });

  it('has status, scale and columns of its own', async () => {
    const status = await api.ok('PATCH', `${WIDGETS}/one/status`, {
      body: { status: { replicas: 2, selector: 'a=b' }, spec: { size: 99 } },
      type: 'application/merge-patch+json',
    });
    expect(at(status, 'spec', 'size')).toBe(4);
    const scaled = await api.ok('PATCH', `${WIDGETS}/one/scale`, {
      body: { spec: { replicas: 5 } },
      type: 'application/merge-patch+json',
    });
    expect(scaled).toMatchObject({ spec: { replicas: 5 }, status: { replicas: 2, selector: 'a=b' } });
    const table = await api.ok('GET', WIDGETS, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' });
    expect((table.columnDefinitions as Json[]).map((column) => column.name)).toEqual(['Name', 'Size']);
    expect(at(table, 'rows', 0, 'cells')).toEqual(['one', 4]);
    const strategic = await api.call('PATCH', `${WIDGETS}/one`, {
      body: {},
      type: 'application/strategic-merge-patch+json',
    });
    expect(strategic.code).toBe(415);
  });

  it('is applied and watched like any other', async () => {
    const applied = await api.call('PATCH', `${WIDGETS}/two?fieldManager=me`, {
      body: widget('two', { size: 1 }),
      type: 'application/apply-patch+yaml',
    });
    expect(applied.code).toBe(201);
    const watch = await api.watch(`${WIDGETS}?watch=true&fieldSelector=metadata.name%3Dtwo`);
    expect((await watch.next()).object.apiVersion).toBe('example.com/v1');
    watch.close();
  });

  it('is there again after a restart', async () => {
    const second = await startTestApi({ store });
    expect((await second.ok('GET', WIDGETS)).items).toHaveLength(2);
    await second.close();
  });

  it('never takes the place of a built-in one', async () => {
    const spec = {
      ...(widgetDefinition.spec as Json),
      group: 'apps',
      names: { plural: 'deployments', singular: 'deployment', kind: 'Deployment' },
    };
    const crd = { ...widgetDefinition, metadata: { name: 'deployments.apps' }, spec };
    const refused = await api.call('POST', CRDS, { body: crd });
    expect(refused.body.message).toContain(
      'spec.group: Invalid value: "apps": should be a domain with at least one dot',
    );
    const { resources } = (await api.ok('GET', '/apis/apps/v1')) as { resources: Json[] };
    expect(resources.find((resource) => resource.name === 'deployments')?.shortNames).toEqual(['deploy']);
  });

  it('goes with its definition', async () => {
    const watch = await api.watch(`${CRDS}?watch=true&fieldSelector=metadata.name%3Dwidgets.example.com`);
    expect((await watch.next()).type).toBe('ADDED');
    const marked = await api.ok('DELETE', `${CRDS}/widgets.example.com`);
    expect(at(marked, 'metadata', 'deletionTimestamp')).toBeDefined();
    let event = await watch.next();
    while (event.type !== 'DELETED') event = await watch.next();
    watch.close();
    expect((await api.call('GET', WIDGETS)).code).toBe(404);
    await api.ok('POST', CRDS, { body: widgetDefinition });
    expect((await api.ok('GET', WIDGETS)).items).toEqual([]);
  });
});

describe('parseJsonPath()', () => {
  const object = {
    spec: {
      a: [
        { type: 'x', v: 1 },
        { type: 'y', v: 2 },
      ],
      'b.c': 'd',
    },
  };
  const find = (path: string): unknown => {
    const steps = parseJsonPath(path);
    return steps === undefined ? 'unknown' : findAll(steps, object);
  };

  it('follows fields, quotes, indices, wildcards and filters', () => {
    expect(find('.spec.a[0].v')).toEqual([1]);
    expect(find('{.spec.a[-1].v}')).toEqual([2]);
    expect(find('.spec.a[*].type')).toEqual(['x', 'y']);
    expect(find(".spec['b.c']")).toEqual(['d']);
    expect(find('.spec.b\\.c')).toEqual(['d']);
    expect(find('.spec.a[?(@.type=="y")].v')).toEqual([2]);
    expect(find('.spec.none.more')).toEqual([]);
    expect(find('.spec.a[?(@.v > 1)]')).toBe('unknown');
    expect(plainPath('.spec.replicas')).toEqual(['spec', 'replicas']);
    expect(plainPath('.spec.a[0]')).toBeUndefined();
  });
});
