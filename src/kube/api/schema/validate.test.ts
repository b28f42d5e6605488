// Strict decoding: what it finds, in Kubernetes' words, and that nothing makes it throw.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apiVersionOf, builtinResources } from '../resources.ts';
import { definition, type Schema, schemaFor, schemaFromCustom, structuralCauses, validateStructure } from './index.ts';

function schemaOf(apiVersion: string, kind: string): Schema {
  const schema = schemaFor(apiVersion, kind);
  if (schema === undefined) throw new Error(`No schema for ${apiVersion} ${kind}`);
  return schema;
}

const deployment = schemaOf('apps/v1', 'Deployment');

function messages(schema: Schema, object: unknown, kind: 'unknown' | 'type' | 'required'): string[] {
  return validateStructure(schema, object)
    .filter((issue) => issue.kind === kind)
    .map((issue) => issue.message);
}

/** Type mistakes of a Deployment with this container. */
function inContainer(container: unknown): string[] {
  return messages(deployment, { spec: { template: { spec: { containers: [container] } } } }, 'type');
}

test('every resource that is served has a schema', () => {
  const missing = builtinResources.filter((resource) => schemaFor(apiVersionOf(resource), resource.kind) === undefined);
  expect(missing).toEqual([]);
  expect(schemaFor('autoscaling/v1', 'Scale')?.properties?.spec?.properties?.replicas?.format).toBe('int32');
  expect(schemaFor('policy/v1', 'Eviction')?.properties?.deleteOptions?.ref).toBe('meta.v1.DeleteOptions');
  expect(schemaFor('v1', 'PodSpec')).toBeUndefined();
  expect(schemaFor('example.com/v1', 'Thing')).toBeUndefined();
});

test('unknown fields are named with their place in lists', () => {
  const object = {
    spec: { replica: 1, template: { spec: { containers: [{ name: 'a' }, { name: 'b', imge: 'x' }] } } },
  };
  expect(messages(deployment, object, 'unknown')).toEqual([
    'unknown field "spec.replica"',
    'unknown field "spec.template.spec.containers[1].imge"',
  ]);
});

test('names that objects inherit are unknown fields like others', () => {
  expect(messages(deployment, JSON.parse('{"spec":{"constructor":1,"__proto__":{}}}'), 'unknown')).toEqual([
    'unknown field "spec.constructor"',
    'unknown field "spec.__proto__"',
  ]);
});

describe('a value of a wrong type', () => {
  test.each([
    [
      { spec: { replicas: '3' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 2 ** 31 } },
      'json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { paused: 'yes' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool',
    ],
    [{ spec: [] }, 'json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec'],
    [
      { metadata: { labels: { a: 1 } } },
      'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      { metadata: { labels: ['a'] } },
      'json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type map[string]string',
    ],
  ])('%j', (object, message) => {
    expect(messages(deployment, object, 'type')).toEqual([message]);
  });

  test.each([
    [
      { env: [{ name: 'A', value: 1 }] },
      'json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string',
    ],
    [
      { ports: { containerPort: 80 } },
      'json: cannot unmarshal object into Go struct field Container.spec.template.spec.containers.ports of type []v1.ContainerPort',
    ],
    [
      { resources: { limits: ['1'] } },
      'json: cannot unmarshal array into Go struct field ResourceRequirements.spec.template.spec.containers.resources.limits of type v1.ResourceList',
    ],
    [
      { resources: { limits: { cpu: 'much' } } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [{ livenessProbe: { httpGet: { port: true } } }, 'json: cannot unmarshal bool into Go value of type int32'],
  ])('in a container: %j', (container, message) => {
    expect(inContainer(container)).toEqual([message]);
  });

  test('numbers are quantities and ports, names are ports', () => {
    expect(inContainer({ name: 'a', resources: { limits: { cpu: 0.5, memory: '1Gi' } } })).toEqual([]);
    expect(inContainer({ name: 'a', livenessProbe: { httpGet: { port: 'web' } } })).toEqual([]);
  });
});

test.each([
  ['YWJj', undefined],
  ['YWI=', undefined],
  ['YQ==', undefined],
  ['YW\nJj', undefined],
  ['', undefined],
  ['YWJ', 0],
  ['YWJjZ', 4],
  ['*abc', 0],
  ['ab*c', 2],
  ['Y===', 1],
  ['YQ=x', 3],
  ['YWJjYQ==YQ==', 8],
])('base64 %j goes wrong at %s', (text, byte) => {
  const expected = byte === undefined ? [] : [`illegal base64 data at input byte ${byte}`];
  expect(messages(schemaOf('v1', 'Secret'), { data: { a: text } }, 'type')).toEqual(expected);
});

test.each([
  ['2026-02-28T23:59:59Z', undefined],
  ['2026-02-28T23:59:59.123+01:00', undefined],
  ['now', 'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"'],
  ['2026-02-28', 'parsing time "2026-02-28" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'],
  ['2026-02-30T00:00:00Z', 'parsing time "2026-02-30T00:00:00Z": day out of range'],
  ['2026-02-28T00:00:00Z!', 'parsing time "2026-02-28T00:00:00Z!": extra text: "!"'],
])('time %j: %s', (text, message) => {
  const found = messages(deployment, { metadata: { creationTimestamp: text } }, 'type');
  expect(found).toEqual(message === undefined ? [] : [message]);
});

describe('what is missing', () => {
  test('is a required value with its path', () => {
    const issues = validateStructure(deployment, { spec: { template: { spec: { containers: [{}] } } } });
    expect(structuralCauses(issues)).toEqual([
      { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.template.spec.containers[0].name' },
      { reason: 'FieldValueRequired', message: 'Required value', field: 'spec.selector' },
    ]);
  });

  test('is looked for inside structs that are not there either, but pointers are missing themselves', () => {
    const fields = (apiVersion: string, kind: string, object: unknown): string[] =>
      validateStructure(schemaOf(apiVersion, kind), object).map((issue) => issue.path);
    expect(fields('apps/v1', 'Deployment', {})).toEqual(['spec.selector', 'spec.template.spec.containers']);
    expect(fields('apps/v1', 'ReplicaSet', { spec: null })).toEqual(['spec.selector', 'spec.template.spec.containers']);
    expect(fields('batch/v1', 'CronJob', {})).toEqual([
      'spec.jobTemplate.spec.template.spec.containers',
      'spec.schedule',
    ]);
    expect(fields('autoscaling/v2', 'HorizontalPodAutoscaler', { spec: { maxReplicas: 1 } })).toEqual([
      'spec.scaleTargetRef.kind',
      'spec.scaleTargetRef.name',
    ]);
    expect(fields('networking.k8s.io/v1', 'Ingress', {})).toEqual([]);
    expect(fields('v1', 'Service', {})).toEqual([]);
  });

  test('is not asked of what controllers report, nor where zero will do', () => {
    const pod = schemaOf('v1', 'Pod');
    const object = { spec: { containers: [{ name: 'a' }] }, status: { containerStatuses: [{}], conditions: [{}] } };
    expect(validateStructure(pod, object)).toEqual([]);
    expect(validateStructure(schemaOf('v1', 'Event'), { involvedObject: {} })).toEqual([]);
  });
});

test('a schema within a CustomResourceDefinition is checked as deep as it goes', () => {
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: {} } };
  const object = { spec: { group: 'g', names: {}, scope: 'Cluster', versions: [version] } };
  const crd = schemaOf('apiextensions.k8s.io/v1', 'CustomResourceDefinition');
  version.schema.openAPIV3Schema = {
    type: 'object',
    default: { any: ['thing'] },
    properties: {
      a: { additionalProperties: { tpe: 'string' } },
      b: { additionalProperties: true, items: { minItems: 'x' } },
    },
  };
  const place = 'spec.versions[0].schema.openAPIV3Schema.properties';
  expect(messages(crd, object, 'unknown')).toEqual([`unknown field "${place}.a.additionalProperties.tpe"`]);
  expect(messages(crd, object, 'type')).toHaveLength(1);
  let deep: unknown = {};
  for (let level = 0; level < 5000; level++) deep = { not: deep };
  version.schema.openAPIV3Schema = deep as object;
  expect(messages(crd, object, 'type')).toEqual(['json: exceeded max depth']);
});

describe('a custom resource', () => {
  const metadata = definition('meta.v1.ObjectMeta') as Schema;
  const schema = schemaFromCustom(
    {
      type: 'object',
      properties: {
        spec: {
          type: 'object',
          required: ['size'],
          properties: {
            size: { type: 'integer', format: 'int32' },
            port: { 'x-kubernetes-int-or-string': true },
            free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            tags: {
              type: 'array',
              'x-kubernetes-list-type': 'map',
              'x-kubernetes-list-map-keys': ['key'],
              items: { type: 'object', properties: { key: { type: 'string' } } },
            },
            note: { type: 'string', nullable: true },
          },
        },
      },
    },
    metadata,
  );

  test('is held against its own schema and has metadata without naming it', () => {
    const object = {
      apiVersion: 'g/v1',
      kind: 'K',
      metadata: { name: 'a' },
      spec: { port: 'web', free: { x: 1 }, other: 1 },
    };
    expect(validateStructure(schema, object).map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'unknown spec.other',
    ]);
  });

  test('keeps how its lists merge', () => {
    const tags = schema.properties?.spec?.properties?.tags;
    expect(tags).toMatchObject({ type: 'array', listType: 'map', listMapKeys: ['key'] });
  });
});

test('no JSON makes it throw, whatever the kind', () => {
  const schemas = builtinResources.map((resource) => schemaOf(apiVersionOf(resource), resource.kind));
  const names = fc.constantFrom(
    'spec',
    'metadata',
    'status',
    'template',
    'containers',
    'ports',
    'data',
    'labels',
    'rules',
    '__proto__',
    'toString',
  );
  const { value: json } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.jsonValue({ maxDepth: 2 }),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.oneof(names, fc.string()), tie('value'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(fc.constantFrom(...schemas), json, (schema, value) => {
      for (const issue of validateStructure(schema, value)) expect(issue.message).not.toBe('');
    }),
  );
});
