// Pieces of the schemas of the Gateway API, and the frame of a definition: its limits, defaults and words.
// Data only; knows no resource. The contract is Gateway API v1.6, experimental channel.
import { type Definition, list, object, type SchemaNode, text, whole } from '../load-balancer/schema-parts.ts';

export type { Definition, SchemaNode };
export { list, object, text, whole };

export const GATEWAY_GROUP = 'gateway.networking.k8s.io';
/** Of kinds that exist in the experimental channel alone. */
export const MESH_GROUP = 'gateway.networking.x-k8s.io';
/** What tools look for on a definition to know which release and channel is there. */
const BUNDLE = {
  // An address of the review that let a group of *.k8s.io in; the API server asks for one.
  'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/4530',
  'gateway.networking.k8s.io/bundle-version': 'v1.6.1',
  'gateway.networking.k8s.io/channel': 'experimental',
};

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const TOKEN = "[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]";
const DOMAIN_PATH = `${SUBDOMAIN}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+`;

export const ATOMIC = { 'x-kubernetes-list-type': 'atomic' } as const;
export const SET = { 'x-kubernetes-list-type': 'set' } as const;
export const mapOf = (key: string) =>
  ({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key] }) as const;

export const named = (about: string): SchemaNode => text(about, { minLength: 1, maxLength: 253 });
export const groupName = (about: string, byDefault?: string): SchemaNode =>
  text(about, {
    maxLength: 253,
    pattern: `^$|^${SUBDOMAIN}$`,
    ...(byDefault === undefined ? {} : { default: byDefault }),
  });
export const kindName = (about: string, byDefault?: string): SchemaNode =>
  text(about, {
    minLength: 1,
    maxLength: 63,
    pattern: '^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$',
    ...(byDefault === undefined ? {} : { default: byDefault }),
  });
export const namespaceName = (about: string): SchemaNode =>
  text(about, { minLength: 1, maxLength: 63, pattern: `^${LABEL}$` });
export const sectionName = (about: string): SchemaNode =>
  text(about, { minLength: 1, maxLength: 253, pattern: `^${SUBDOMAIN}$` });
export const hostname = (about: string): SchemaNode =>
  text(about, { minLength: 1, maxLength: 253, pattern: `^(\\*\\.)?${SUBDOMAIN}$` });
export const preciseHostname = (about: string): SchemaNode => sectionName(about);
export const controllerName = (about: string, more: Partial<SchemaNode> = {}): SchemaNode =>
  text(about, { minLength: 1, maxLength: 253, pattern: `^${DOMAIN_PATH}$`, ...more });
export const addressType = (about: string): SchemaNode =>
  text(about, {
    default: 'IPAddress',
    minLength: 1,
    maxLength: 253,
    pattern: `^Hostname|IPAddress|NamedAddress|${DOMAIN_PATH}$`,
  });
export const protocolName = (about: string): SchemaNode =>
  text(about, {
    minLength: 1,
    maxLength: 255,
    pattern: `^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|${SUBDOMAIN}\\/[A-Za-z0-9]+$`,
  });
export const headerName = (about: string): SchemaNode =>
  text(about, { minLength: 1, maxLength: 256, pattern: `^${TOKEN}+$` });
export const headerValue = (about: string): SchemaNode =>
  text(about, { minLength: 1, maxLength: 4096, pattern: '^[!-~]+([\\t ]?[!-~]+)*$' });
export const duration = (about: string): SchemaNode => text(about, { pattern: '^([0-9]{1,5}(h|m|s|ms)){1,4}$' });
export const portNumber = (about: string): SchemaNode => whole(about, 1, 65_535);
/** An integer that the published schema bounds on one side, or not at all. */
export const integer = (about: string, more: Partial<SchemaNode> = {}): SchemaNode => ({
  type: 'integer',
  description: about,
  ...more,
});
export const oneOf = (about: string, ...values: string[]): SchemaNode => text(about, { enum: values });
export const oneOfWithDefault = (about: string, byDefault: string, ...values: string[]): SchemaNode =>
  text(about, { default: byDefault, enum: values });

/** Rules in CEL as pairs of expression and what is said to whoever breaks it. */
export const rules = (...pairs: readonly (readonly [rule: string, message: string])[]): Partial<SchemaNode> => ({
  'x-kubernetes-validations': pairs.map(([rule, message]) => ({ rule, message })),
});

/** A key and its value for each, as TLS options have it. */
export const optionsMap = (about: string): SchemaNode => ({
  type: 'object',
  description: about,
  maxProperties: 16,
  additionalProperties: { type: 'string', minLength: 0, maxLength: 4096 },
});

const condition = object(
  'What holds of the object, since when, and why.',
  {
    type: text('What it is about.', {
      maxLength: 316,
      pattern: `^(${SUBDOMAIN}/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`,
    }),
    status: oneOf('Whether it holds.', 'True', 'False', 'Unknown'),
    observedGeneration: integer('Generation of the object that it speaks of.', { format: 'int64', minimum: 0 }),
    lastTransitionTime: text('Since when the status is what it is.', { format: 'date-time' }),
    reason: text('Why, for programs.', {
      minLength: 1,
      maxLength: 1024,
      pattern: '^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$',
    }),
    message: text('Why, for people.', { maxLength: 32_768 }),
  },
  { required: ['lastTransitionTime', 'message', 'reason', 'status', 'type'] },
);

export const conditions = (more: Partial<SchemaNode> = {}): SchemaNode =>
  list('What holds of it.', condition, { maxItems: 8, ...mapOf('type'), ...more });

/** What stands in the status before a controller has looked. */
export const pending = (...types: string[]) =>
  types.map((type) => ({
    type,
    status: 'Unknown',
    reason: 'Pending',
    message: 'Waiting for controller',
    lastTransitionTime: '1970-01-01T00:00:00Z',
  }));

export interface VersionOf {
  readonly name: string;
  readonly deprecated?: boolean;
  /** False: only read by clients that ask for it. */
  readonly storage?: boolean;
}

interface Defined {
  /** That of the Gateway API when left out. */
  readonly group?: string;
  readonly kind: string;
  readonly plural: string;
  readonly shortNames?: readonly string[];
  readonly clusterScoped?: boolean;
  readonly about: string;
  readonly spec: SchemaNode;
  readonly status?: SchemaNode;
  readonly columns?: readonly (readonly [name: string, type: string, jsonPath: string, priority?: number])[];
  readonly labels?: Record<string, string>;
  /** Of one shape; v1 alone when left out. The first is what clients here speak. */
  readonly versions?: readonly VersionOf[];
}

export function defineKind(of: Defined): Definition {
  const { group = GATEWAY_GROUP, kind, plural, shortNames, about, spec, status, columns, labels } = of;
  const versions = of.versions ?? [{ name: 'v1' }];
  const stored = versions.find(({ storage }) => storage === true)?.name ?? versions[0]?.name;
  const printed = (columns ?? [['Age', 'date', '.metadata.creationTimestamp']]).map(
    ([name, type, jsonPath, priority]) => ({ name, type, jsonPath, ...(priority === undefined ? {} : { priority }) }),
  );
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      annotations: BUNDLE,
      ...(labels === undefined ? {} : { labels }),
    },
    spec: {
      group,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        categories: ['gateway-api'],
        ...(shortNames === undefined ? {} : { shortNames: [...shortNames] }),
      },
      scope: of.clusterScoped === true ? 'Cluster' : 'Namespaced',
      versions: versions.map(({ name, deprecated }) => ({
        name,
        served: true,
        storage: name === stored,
        ...(deprecated === true
          ? {
              deprecated: true,
              deprecationWarning: `${group}/${name} ${kind} is deprecated: use ${group}/v1`,
            }
          : {}),
        additionalPrinterColumns: printed,
        ...(status === undefined ? {} : { subresources: { status: {} } }),
        schema: {
          openAPIV3Schema: object(
            about,
            {
              apiVersion: text('Version of the schema.'),
              kind: text('Kind of the object.'),
              metadata: { type: 'object' },
              spec,
              ...(status === undefined ? {} : { status }),
            },
            { required: ['spec'] },
          ),
        },
      })),
    },
  };
}
