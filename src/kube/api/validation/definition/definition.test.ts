// CustomResourceDefinitions that are refused, and why, in upstream's words.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import { describe, expect, test } from 'vitest';
import { readStructural, validateFieldPath } from '../../custom/index.ts';
import { validateObject } from '../index.ts';

type Fields = Record<string, unknown>;

function definition(schema: Fields, spec: Fields = {}, version: Fields = {}): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...version }],
      ...spec,
    },
  } as CustomResourceDefinition;
}

function causes(object: CustomResourceDefinition, previous?: CustomResourceDefinition): string[] {
  return validateObject(object, previous).map((cause) => `${cause.field}: ${cause.message}`);
}

const root = 'spec.validation.openAPIV3Schema';
/** Of the schema of `spec.x`. */
const of = (x: Fields): Fields => ({ type: 'object', properties: { x } });

const schemas: [Fields, string[]][] = [
  [{}, [`${root}.type: Required value: must not be empty at the root`]],
  [{ type: 'array', items: { type: 'string' } }, [`${root}.type: Invalid value: "array": must be object at the root`]],
  [of({}), [`${root}.properties[x].type: Required value: must not be empty for specified object fields`]],
  [of({ type: 'array' }), [`${root}.properties[x].items: Required value: must be specified`]],
  [
    of({ type: 'array', items: {} }),
    [`${root}.properties[x].items.type: Required value: must not be empty for specified array items`],
  ],
  [
    of({ type: 'text' }),
    [
      `${root}.properties[x].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    ],
  ],
  [
    of({ type: 'object', anyOf: [{ properties: { y: { minimum: 1 } } }] }),
    [
      `${root}.properties[x].properties[y]: Required value: because it is defined in ${root}.properties[x].anyOf[0].properties[y]`,
    ],
  ],
  [
    of({ type: 'string', allOf: [{ type: 'string' }] }),
    [`${root}.properties[x].allOf[0].type: Forbidden: must be empty to be structural`],
  ],
  [
    of({ type: 'string', pattern: '(' }),
    [
      `${root}.properties[x].pattern: Invalid value: "(": must be a valid regular expression, but isn't: error parsing regexp: missing closing ): \`(\``,
    ],
  ],
  [
    { type: 'object', additionalProperties: { type: 'string' } },
    [`${root}.additionalProperties: Forbidden: must not be used at the root`],
  ],
  [
    of({ type: 'object', properties: { y: { type: 'string' } }, additionalProperties: { type: 'string' } }),
    [`${root}.properties[x].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive`],
  ],
  [
    of({ type: 'array', uniqueItems: true, items: { type: 'string' } }),
    [
      `${root}.properties[x].uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
    ],
  ],
  [of({ type: 'string', $ref: '#/x' }), [`${root}.properties[x].$ref: Forbidden: $ref is not supported`]],
  [
    of({ type: 'object', 'x-kubernetes-preserve-unknown-fields': false }),
    [`${root}.properties[x].x-kubernetes-preserve-unknown-fields: Invalid value: false: must be true or undefined`],
  ],
  [
    of({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'set' }),
    [
      `${root}.properties[x].items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set`,
    ],
  ],
  [
    of({ type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' }),
    [
      `${root}.properties[x].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
    ],
  ],
  [
    of({
      type: 'array',
      items: { type: 'object', properties: { n: { type: 'string' } } },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['n'],
    }),
    [
      `${root}.properties[x].items.properties[n].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ],
  ],
  [
    of({ type: 'integer', default: 'one' }),
    [
      `${root}.properties[x].default: Invalid value: "string": ${root}.properties[x].default in body must be of type integer: "string"`,
    ],
  ],
  [
    of({ type: 'object', default: { y: 1 } }),
    [`${root}.properties[x].default: Invalid value: {"y":1}: must not have unknown fields`],
  ],
  [
    { type: 'object', properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } },
    [
      `${root}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
    ],
  ],
  [
    of({ 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }),
    [`${root}.properties[x].type: Required value: must be object if x-kubernetes-embedded-resource is true`],
  ],
];

test.each(schemas)('schema %j', (schema, expected) => {
  expect(causes(definition(schema))).toEqual(expected);
});

test.each([
  of({ 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] }),
  of({ 'x-kubernetes-preserve-unknown-fields': true }),
  of({ type: 'object', properties: { a: { type: 'string' } }, oneOf: [{ required: ['a'] }, { required: ['b'] }] }),
  {
    type: 'object',
    properties: { metadata: { type: 'object', properties: { name: { maxLength: 5, type: 'string' } } } },
  },
])('schema %j is fine', (schema) => {
  expect(causes(definition(schema))).toEqual([]);
});

const plain = { type: 'object' };
const two = (schema: Fields): Fields[] => [
  { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } },
  { name: 'v2', served: true, storage: false, schema: { openAPIV3Schema: plain } },
];

const specs: [string, CustomResourceDefinition, string][] = [
  ['group without a dot', definition(plain, { group: 'example' }), 'should be a domain with at least one dot'],
  ['scope', definition(plain, { scope: 'Galaxy' }), 'spec.scope: Unsupported value: "Galaxy"'],
  ['no storage', definition(plain, {}, { storage: false }), 'must have exactly one version marked as storage version'],
  [
    'no schema',
    definition(plain, {}, { schema: undefined }),
    'schema.openAPIV3Schema: Required value: schemas are required',
  ],
  [
    'a schema of its own for each version',
    definition(plain, { versions: two({}) }),
    'spec.versions[0].schema.openAPIV3Schema.type: Required value',
  ],
  [
    'scale',
    definition(
      plain,
      {},
      { subresources: { scale: { specReplicasPath: '.status.n', statusReplicasPath: '.status.n' } } },
    ),
    'spec.subresources.scale.specReplicasPath: Invalid value: ".status.n": should be a json path under .spec',
  ],
  [
    'column',
    definition(plain, {}, { additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: 'a' }] }),
    'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "a": must be a simple json path starting with .',
  ],
  [
    'selectable field',
    definition(of({ type: 'object' }), {}, { selectableFields: [{ jsonPath: '.x' }] }),
    'must point to a field of type string, boolean or integer',
  ],
  [
    'webhook conversion with reviews of an unknown version',
    definition(plain, {
      versions: two(plain),
      conversion: {
        strategy: 'Webhook',
        webhook: { clientConfig: { url: 'https://x.example' }, conversionReviewVersions: ['v3'] },
      },
    }),
    'spec.conversion.conversionReviewVersions: Invalid value: ["v3"]: must include at least one of v1, v1beta1',
  ],
];

test.each(specs)('%s', (_, object, text) => {
  expect(causes(object).join('\n')).toContain(text);
});

describe('an update', () => {
  const status = {
    conditions: [{ type: 'Established', status: 'True' }],
    acceptedNames: {},
    storedVersions: ['v1'],
  } as unknown as NonNullable<CustomResourceDefinition['status']>;
  const before = { ...definition(plain), status };

  test('leaves scope, kind, group and plural alone', () => {
    const after = { ...definition(plain, { scope: 'Cluster' }), status };
    expect(causes(after, before)).toEqual(['spec.scope: Invalid value: "Cluster": field is immutable']);
  });

  test('keeps every version that objects may be stored in', () => {
    const after = { ...definition(plain, {}, { name: 'v2' }), status: { ...status, storedVersions: ['v1', 'v2'] } };
    expect(causes(after, before)).toEqual([
      'status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions',
    ]);
  });
});

test('a version without a name is told of once, by what it lacks', () => {
  const status = {
    conditions: [],
    acceptedNames: {},
    storedVersions: ['v1'],
  } as unknown as CustomResourceDefinition['status'];
  const nameless = { ...definition(plain, {}, { name: undefined }), ...(status === undefined ? {} : { status }) };
  expect(causes(nameless, { ...definition(plain), ...(status === undefined ? {} : { status }) }).join()).not.toContain(
    'undefined',
  );
});

test("the community's groups ask for approval", () => {
  const object = definition(plain, { group: 'example.k8s.io' });
  object.metadata = { name: 'widgets.example.k8s.io' };
  expect(causes(object)).toEqual([
    'metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io"',
  ]);
  object.metadata.annotations = { 'api-approved.kubernetes.io': 'unapproved, a test' };
  expect(causes(object)).toEqual([]);
});

test.each([
  ['.spec.size', 'spec.size'],
  ["['spec']['size']", 'spec.size'],
  [".labels['a.b']", 'labels[a.b]'],
  ['spec', 'expected [ or . but got: spec'],
  ['.spec.none', 'does not refer to a valid field'],
  ["['spec'", 'unexpected end of JSON path'],
])('path %s', (text, found) => {
  const schema = readStructural({
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { size: { type: 'integer' } } },
      labels: { type: 'object', additionalProperties: { type: 'string' } },
    },
  });
  const result = validateFieldPath(text, schema);
  expect('error' in result ? result.error : result.path).toBe(found);
});
