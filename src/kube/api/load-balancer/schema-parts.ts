// Pieces of the schemas of load balancer resources, and the frame of a definition.
// Data only; knows no resource.
import type { CustomResourceDefinition, JSONSchemaProps } from 'kubernetes-types/apiextensions/v1.js';
import type { KubeObject } from '../object.ts';

/** With the extensions that the published types leave out. */
export type SchemaNode = JSONSchemaProps & { readonly [extension: `x-kubernetes-${string}`]: unknown };

type Columns = readonly (readonly [name: string, type: string, jsonPath: string, priority?: number])[];

export interface Defined {
  readonly group: string;
  readonly version: string;
  /** Served as well, in the same shape; what is written so is read as `version`. */
  readonly formerVersion?: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly namespaced: boolean;
  readonly about: string;
  readonly spec: SchemaNode;
  readonly status?: SchemaNode;
  readonly columns: Columns;
}

export type Definition = CustomResourceDefinition & KubeObject;

export function defineResource(of: Defined): Definition {
  const { group, version, formerVersion, kind, plural, shortNames = [], namespaced, about, spec, columns } = of;
  const served = [
    { name: version, served: true, storage: true },
    ...(formerVersion === undefined ? [] : [{ name: formerVersion, served: true, storage: false, deprecated: true }]),
  ];
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: [...shortNames] },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      versions: served.map((one) => ({
        ...one,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: about,
            required: ['spec'],
            properties: {
              apiVersion: text('Version of the schema.'),
              kind: text('Kind of the object.'),
              metadata: { type: 'object' },
              spec,
              status: of.status ?? object('Nothing is reported yet.', {}),
            },
          },
        },
        subresources: { status: {} },
        additionalPrinterColumns: [...columns, ['Age', 'date', '.metadata.creationTimestamp'] as const].map(
          ([name, type, jsonPath, priority]) => ({
            name,
            type,
            jsonPath,
            ...(priority === undefined ? {} : { priority }),
          }),
        ),
      })),
    },
  };
}

export function text(description: string, more: Partial<SchemaNode> = {}): SchemaNode {
  return { type: 'string', description, ...more };
}

export function flag(description: string, byDefault?: boolean): SchemaNode {
  return { type: 'boolean', description, ...(byDefault === undefined ? {} : { default: byDefault }) };
}

export function whole(
  description: string,
  minimum: number,
  maximum: number,
  more: Partial<SchemaNode> = {},
): SchemaNode {
  return {
    type: 'integer',
    format: maximum > 2_147_483_647 ? 'int64' : 'int32',
    description,
    minimum,
    maximum,
    ...more,
  };
}

export function list(description: string, items: SchemaNode, more: Partial<SchemaNode> = {}): SchemaNode {
  return { type: 'array', description, items, ...more };
}

export function object(
  description: string,
  properties: Record<string, SchemaNode>,
  more: Partial<SchemaNode> = {},
): SchemaNode {
  return { type: 'object', description, properties, ...more };
}

/** A rule in CEL, for servers that know it; each is checked by the controller as well. */
export function rule(expression: string, message: string): Partial<SchemaNode> {
  return { 'x-kubernetes-validations': [{ rule: expression, message }] };
}

export const labelSelector: SchemaNode = object(
  'A label selector; an empty one selects everything.',
  {
    matchLabels: { type: 'object', description: 'Labels and their values.', additionalProperties: { type: 'string' } },
    matchExpressions: list(
      'Conditions, all of which must hold.',
      object(
        'A condition on one label.',
        {
          key: text('Name of the label.'),
          operator: text('In, NotIn, Exists or DoesNotExist.'),
          values: list('Values for In and NotIn.', { type: 'string' }, { 'x-kubernetes-list-type': 'atomic' }),
        },
        { required: ['key', 'operator'] },
      ),
      { 'x-kubernetes-list-type': 'atomic' },
    ),
  },
  { 'x-kubernetes-map-type': 'atomic' },
);

export const selectors = (description: string): SchemaNode => list(description, labelSelector);

export const names = (description: string): SchemaNode => list(description, { type: 'string' });

/** Larger numbers than JSON carries exactly are cut to the largest that it does. */
const COUNT = { type: 'integer', format: 'int64' } as const;

export const poolCounts: Record<string, SchemaNode> = {
  assignedIPv4: { ...COUNT, description: 'IPv4 addresses that Services have.' },
  assignedIPv6: { ...COUNT, description: 'IPv6 addresses that Services have.' },
  availableIPv4: { ...COUNT, description: 'IPv4 addresses that are free.' },
  availableIPv6: { ...COUNT, description: 'IPv6 addresses that are free.' },
};
