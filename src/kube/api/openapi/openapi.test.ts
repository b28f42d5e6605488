// The OpenAPI documents: complete, closed, and with what kubectl looks for in them.
import { describe, expect, test } from 'vitest';
import { apiVersionOf, builtinResources, type ResourceDefinition } from '../resources.ts';
import { type CustomKind, openApiV2Json, openApiV2Protobuf, openApiV3, openApiV3Root } from './index.ts';
import { ProtobufReader } from './testing/protobuf-reader.ts';

type Json = Record<string, unknown>;

const groupVersions = [...new Set(builtinResources.map(apiVersionOf))];

function v3(groupVersion: string, custom?: readonly CustomKind[]): { paths: Json; schemas: Record<string, Json> } {
  const document = openApiV3(groupVersion, custom);
  if (document === undefined) throw new Error(`No document for ${groupVersion}`);
  return { paths: document.paths as Json, schemas: document.components.schemas as Record<string, Json> };
}

/** All values of `$ref` anywhere within. */
function refsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : refsOf(inner),
  );
}

function dangling(document: unknown, prefix: string, names: readonly string[]): string[] {
  const known = new Set(names.map((name) => `${prefix}${name}`));
  return [...new Set(refsOf(document))].filter((ref) => !known.has(ref));
}

test('the index leads to every group version, under the same hash as long as nothing changes', () => {
  const { paths } = openApiV3Root();
  expect(Object.keys(paths)).toHaveLength(groupVersions.length);
  expect(paths['api/v1']?.serverRelativeURL).toMatch(/^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{64}$/);
  expect(paths['apis/apps/v1']?.serverRelativeURL).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=/);
  expect(openApiV3Root()).toEqual({ paths });
  expect(openApiV3('example.com/v1')).toBeUndefined();
});

test.each(groupVersions)('%s refers only to definitions that it has', (groupVersion) => {
  const { paths, schemas } = v3(groupVersion);
  expect(dangling([paths, schemas], '#/components/schemas/', Object.keys(schemas))).toEqual([]);
});

/** Content types of the patches that an operation takes. */
function patchTypes(operation: Json | undefined): string[] {
  const body = (operation?.requestBody ?? {}) as { content?: Json };
  return Object.keys(body.content ?? {});
}

/** As kubectl does before it sends a parameter: the patch operation of the kind, and its parameters. */
function patchOf(paths: Json, resource: ResourceDefinition): Json | undefined {
  const { group, version, kind } = resource;
  const patches = Object.values(paths).map((item) => (item as Json).patch as Json | undefined);
  const wanted = JSON.stringify({ group, version, kind });
  return patches.find((patch) => JSON.stringify(patch?.['x-kubernetes-group-version-kind']) === wanted);
}

test.each(builtinResources.filter((resource) => resource.verbs.includes('patch')))(
  '$group/$version $resource: kubectl finds its parameters, its patches and its schema',
  (resource) => {
    const { paths, schemas } = v3(apiVersionOf(resource));
    const patch = patchOf(paths, resource);
    const parameters = ((patch?.parameters ?? []) as Json[]).map((parameter) => parameter.name);
    expect(parameters).toEqual(expect.arrayContaining(['dryRun', 'fieldManager', 'fieldValidation', 'force']));
    expect(patchTypes(patch)).toContain('application/strategic-merge-patch+json');
    const { group, version, kind } = resource;
    const mine = Object.values(schemas).filter((schema) =>
      JSON.stringify(schema['x-kubernetes-group-version-kind'] ?? []).includes(
        JSON.stringify({ group, version, kind }),
      ),
    );
    expect(mine).toHaveLength(1);
    const lists = Object.keys(schemas).filter((name) => name.endsWith(`.${kind}List`));
    expect(lists).toHaveLength(1);
  },
);

describe('a field with facts of merging', () => {
  const { schemas } = v3('apps/v1');
  const properties = (name: string): Json => schemas[name]?.properties as Json;

  test('carries them as extensions', () => {
    expect(properties('io.k8s.api.core.v1.PodSpec').volumes).toEqual({
      description: 'Volumes that containers can mount.',
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.Volume' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-strategy': 'merge,retainKeys',
      'x-kubernetes-patch-merge-key': 'name',
    });
  });

  test('wraps its reference, which takes no siblings', () => {
    expect(properties('io.k8s.api.apps.v1.DeploymentSpec').strategy).toEqual({
      description: 'How old pods are replaced by new ones.',
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy' }],
      'x-kubernetes-patch-strategy': 'retainKeys',
    });
  });

  test('and the well-known scalars have the names that clients know', () => {
    expect(schemas).toHaveProperty(['io.k8s.apimachinery.pkg.util.intstr.IntOrString']);
    expect(schemas).toHaveProperty(['io.k8s.apimachinery.pkg.api.resource.Quantity']);
    expect(schemas).toHaveProperty(['io.k8s.apimachinery.pkg.apis.meta.v1.Time']);
    expect(schemas['io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector']?.['x-kubernetes-map-type']).toBe('atomic');
  });
});

test('operations have names of their own', () => {
  for (const groupVersion of groupVersions) {
    const ids = Object.values(v3(groupVersion).paths).flatMap((item) =>
      Object.values(item as Json).flatMap((operation) => (operation as Json).operationId ?? []),
    );
    expect(new Set(ids).size).toBe(ids.length);
  }
});

test('a custom kind is described by its own schema and has no strategic merge patch', () => {
  const [model] = builtinResources.filter((resource) => resource.kind === 'Deployment');
  const resource = {
    ...(model as ResourceDefinition),
    group: 'stable.example.com',
    version: 'v1',
    resource: 'crontabs',
    kind: 'CronTab',
    subresources: ['status', 'scale'],
  };
  const openApiSchema = {
    type: 'object',
    properties: { spec: { type: 'object', properties: { cron: { type: 'string' } } } },
  };
  const custom = [{ resource, openApiSchema }];
  const { paths, schemas } = v3('stable.example.com/v1', custom);
  expect(schemas['com.example.stable.v1.CronTab']).toMatchObject({
    properties: { spec: openApiSchema.properties.spec, metadata: { $ref: expect.stringContaining('ObjectMeta') } },
  });
  expect(schemas).toHaveProperty(['com.example.stable.v1.CronTabList']);
  expect(dangling([paths, schemas], '#/components/schemas/', Object.keys(schemas))).toEqual([]);
  expect(patchTypes(patchOf(paths, resource))).not.toContain('application/strategic-merge-patch+json');
  const before = openApiV3Root(custom).paths['apis/stable.example.com/v1'];
  const changed = [{ resource, openApiSchema: { type: 'object' } }];
  expect(openApiV3Root(changed).paths['apis/stable.example.com/v1']).not.toEqual(before);
  expect(openApiV3('stable.example.com/v1', custom)).toBe(openApiV3('stable.example.com/v1', [...custom]));
  expect(openApiV3('stable.example.com/v1')).toBeUndefined();
  expect(openApiV3Root(changed).paths['api/v1']).toEqual(openApiV3Root(custom).paths['api/v1']);
});

describe('version 2', () => {
  const document = openApiV2Json();

  test('refers only to definitions that it has, and has every kind', () => {
    const names = Object.keys(document.definitions);
    expect(dangling(document, '#/definitions/', names)).toEqual([]);
    const kinds = Object.values(document.definitions).flatMap((body) => body['x-kubernetes-group-version-kind'] ?? []);
    for (const { group, version, kind } of builtinResources) expect(kinds).toContainEqual({ group, version, kind });
  });

  test('as a protocol buffer says the same', () => {
    const read = new ProtobufReader(openApiV2Protobuf());
    expect(read.text(1)).toBe('2.0');
    expect(read.message(2)?.text(1)).toBe('Kubernetes');
    const paths = read.message(8)?.messages(2) ?? [];
    expect(paths.map((path) => path.text(1))).toEqual(Object.keys(document.paths));
    const definitions = read.message(9)?.messages(1) ?? [];
    expect(definitions.map((each) => each.text(1))).toEqual(Object.keys(document.definitions));
  });

  test('as a protocol buffer keeps types, references and extensions of fields', () => {
    const definitions = new ProtobufReader(openApiV2Protobuf()).message(9)?.messages(1) ?? [];
    const spec = definitions.find((each) => each.text(1) === 'io.k8s.api.core.v1.PodSpec')?.message(2);
    expect(spec?.message(22)?.text(1)).toBe('object');
    expect(spec?.texts(19)).toEqual(['containers']);
    const containers = spec
      ?.message(25)
      ?.messages(1)
      .find((each) => each.text(1) === 'containers')
      ?.message(2);
    expect(containers?.message(22)?.text(1)).toBe('array');
    expect(containers?.message(23)?.message(1)?.text(1)).toBe('#/definitions/io.k8s.api.core.v1.Container');
    const extensions = (containers?.messages(31) ?? []).map((each) => [each.text(1), each.message(2)?.text(2)]);
    expect(Object.fromEntries(extensions)).toEqual({
      'x-kubernetes-list-type': '"map"\n',
      'x-kubernetes-list-map-keys': '["name"]\n',
      'x-kubernetes-patch-strategy': '"merge"\n',
      'x-kubernetes-patch-merge-key': '"name"\n',
    });
  });

  test('as a protocol buffer shows old kubectl that a kind can be dry-run', () => {
    const paths = new ProtobufReader(openApiV2Protobuf()).message(8)?.messages(2) ?? [];
    const item = paths.find((path) => path.text(1) === '/apis/apps/v1/namespaces/{namespace}/deployments/{name}');
    const patch = item?.message(2)?.message(8);
    const query = (patch?.messages(8) ?? []).map((each) => each.message(1)?.message(2)?.message(3)?.text(4));
    expect(query).toContain('dryRun');
    const extensions = (patch?.messages(13) ?? []).map((each) => [each.text(1), each.message(2)?.text(2)]);
    expect(Object.fromEntries(extensions)['x-kubernetes-group-version-kind']).toBe(
      '{"group":"apps","version":"v1","kind":"Deployment"}\n',
    );
  });
});
