// What routes of every kind share: parents, backends, persistence, and the status that each parent's controller writes.
// Data only; knows no kind of route.
import {
  ATOMIC,
  conditions,
  controllerName,
  duration,
  GATEWAY_GROUP,
  groupName,
  hostname,
  integer,
  kindName,
  list,
  named,
  namespaceName,
  object,
  oneOf,
  oneOfWithDefault,
  portNumber,
  rules,
  type SchemaNode,
  sectionName,
  text,
} from './schema-parts.ts';

export const parentReference: SchemaNode = object(
  'A Gateway, a ListenerSet or a Service that the route wants to be part of.',
  {
    group: groupName('API group of the parent.', GATEWAY_GROUP),
    kind: kindName('Kind of the parent.', 'Gateway'),
    namespace: namespaceName('Namespace of the parent; that of the route when left out.'),
    name: named('Name of the parent.'),
    sectionName: sectionName('Name of the listener; every one that allows it when left out.'),
    port: portNumber('Only listeners of this port.'),
  },
  { required: ['name'] },
);

const sameParent =
  'a.group == b.group && a.kind == b.kind && a.name == b.name && ' +
  "(has(a.__namespace__) ? a.__namespace__ : '') == (has(b.__namespace__) ? b.__namespace__ : '')";
const section = (one: string): string => `(has(${one}.sectionName) ? ${one}.sectionName : '')`;
const port = (one: string): string => `(has(${one}.port) ? ${one}.port : 0)`;

/** The beginning of every route's spec. */
export const commonSpec: Record<string, SchemaNode> = {
  parentRefs: list('What the route wants to be part of.', parentReference, {
    maxItems: 32,
    ...ATOMIC,
    ...rules(
      [
        `self.all(a, self.all(b, ${sameParent} ? (${section('a')} == '') == (${section('b')} == '') && (${port('a')} == 0) == (${port('b')} == 0) : true))`,
        'sectionName or port must be specified when parentRefs includes 2 or more references to the same parent',
      ],
      [
        `self.all(a, self.exists_one(b, ${sameParent} && ${section('a')} == ${section('b')} && ${port('a')} == ${port('b')}))`,
        'sectionName or port must be unique when parentRefs includes 2 or more references to the same parent',
      ],
    ),
  }),
  useDefaultGateways: oneOf('Whether Gateways that are defaults take the route.', 'All', 'None'),
};

export const routeHostnames: SchemaNode = list(
  'Hosts of requests that the route is for; every one of its listeners when left out.',
  hostname('A host name, or one with a wildcard as first label.'),
  { maxItems: 16, ...ATOMIC },
);

const portForService = rules([
  "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
  'Must have port for Service reference',
]);

const backendFields: Record<string, SchemaNode> = {
  group: groupName('API group of the backend; empty for core.', ''),
  kind: kindName('Kind of the backend.', 'Service'),
  name: named('Name of the backend.'),
  namespace: namespaceName('Namespace of the backend; another than that of the route needs a ReferenceGrant there.'),
  port: portNumber('Port of the Service.'),
};

/** Where a copy or a question goes. */
export const backendObject = (about: string): SchemaNode =>
  object(about, backendFields, { required: ['name'], ...portForService });

export const weightedBackend = (more: Record<string, SchemaNode> = {}): SchemaNode =>
  object(
    'Where requests go.',
    {
      ...backendFields,
      weight: integer('Share of the requests, relative to the sum of all weights; 0 gets none.', {
        format: 'int32',
        default: 1,
        minimum: 0,
        maximum: 1_000_000,
      }),
      ...more,
    },
    { required: ['name'], ...portForService },
  );

export const ruleName: SchemaNode = sectionName('Name of the rule, unique in the route.');

/** A list of rules in which no two have the same name. */
export const uniqueRuleNames = [
  'self.all(a, !has(a.name) || self.exists_one(b, has(b.name) && a.name == b.name))',
  'Rule name must be unique within the route',
] as const;

export const sessionPersistence: SchemaNode = object(
  'Keeps a client at the backend that it got first.',
  {
    sessionName: text('Name of the cookie or header.', { maxLength: 128 }),
    type: oneOfWithDefault('What carries the session.', 'Cookie', 'Cookie', 'Header'),
    absoluteTimeout: duration('Longest life of a session.'),
    cookieConfig: object('How the cookie lives.', {
      lifetimeType: oneOfWithDefault(
        'Until the browser ends, or for absoluteTimeout.',
        'Session',
        'Permanent',
        'Session',
      ),
    }),
  },
  rules(
    [
      "!(has(self.cookieConfig) && self.cookieConfig.lifetimeType == 'Permanent') || has(self.absoluteTimeout)",
      'AbsoluteTimeout must be specified when cookie lifetimeType is Permanent',
    ],
    ["!has(self.cookieConfig) || self.type == 'Cookie'", 'cookieConfig can only be set with type Cookie'],
  ),
);

export const routeStatus: SchemaNode = object(
  'What became of the route, parent by parent.',
  {
    parents: list(
      'One entry a parent and controller.',
      object(
        'What became of it at one parent.',
        {
          parentRef: parentReference,
          controllerName: controllerName('Who wrote this entry.'),
          conditions: conditions({ minItems: 1 }),
        },
        { required: ['conditions', 'controllerName', 'parentRef'] },
      ),
      { maxItems: 32, ...ATOMIC },
    ),
  },
  { required: ['parents'] },
);
