// The definitions of GatewayClass, Gateway and ListenerSet.
// Data only; what their fields mean is traffic/model/gateway.
import { listenerStatuses, listeners, secretReference, selector } from './listener-parts.ts';
import {
  ATOMIC,
  addressType,
  conditions,
  controllerName,
  type Definition,
  defineKind,
  GATEWAY_GROUP,
  groupName,
  integer,
  kindName,
  list,
  mapOf,
  named,
  namespaceName,
  object,
  oneOf,
  oneOfWithDefault,
  pending,
  portNumber,
  rules,
  type SchemaNode,
  text,
} from './schema-parts.ts';

const CONDITION = (type: string): string => `.status.conditions[?(@.type=="${type}")].status`;
const AGE = ['Age', 'date', '.metadata.creationTimestamp'] as const;

/** A status that says that nobody has looked yet. */
const unseen = (types: readonly string[], properties: Record<string, SchemaNode>): SchemaNode => {
  const waiting = pending(...types) as unknown as SchemaNode[];
  return object(
    'What became of it.',
    { conditions: conditions({ default: waiting as never }), ...properties },
    { default: { conditions: waiting } as never },
  );
};

const parameters = (more: Record<string, SchemaNode> = {}): SchemaNode =>
  object(
    'Further settings in another object.',
    { group: groupName('API group.'), kind: kindName('Kind.'), name: named('Name.'), ...more },
    { required: ['group', 'kind', 'name'] },
  );

export const gatewayClassDefinition: Definition = defineKind({
  kind: 'GatewayClass',
  plural: 'gatewayclasses',
  shortNames: ['gc'],
  clusterScoped: true,
  about: 'A kind of Gateways, and the controller that makes them work.',
  spec: object(
    'Who is in charge.',
    {
      controllerName: controllerName('Name of the controller.', rules(['self == oldSelf', 'Value is immutable'])),
      parametersRef: parameters({ namespace: namespaceName('Namespace.') }),
      description: text('For people.', { maxLength: 64 }),
    },
    { required: ['controllerName'] },
  ),
  status: unseen(['Accepted'], {
    supportedFeatures: list(
      'What the controller can do.',
      object('A feature.', { name: text('Its name.') }, { required: ['name'] }),
      { maxItems: 64, ...mapOf('name') },
    ),
  }),
  columns: [
    ['Controller', 'string', '.spec.controllerName'],
    ['Accepted', 'string', CONDITION('Accepted')],
    AGE,
    ['Description', 'string', '.spec.description', 1],
  ],
  versions: [{ name: 'v1' }, { name: 'v1beta1' }],
});

const HOST = '^(\\\\*\\\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$';

const address = (about: string, more: Partial<SchemaNode>, value: SchemaNode): SchemaNode =>
  object(
    about,
    { type: addressType('IPAddress, Hostname, NamedAddress, or a type of the implementation.'), value },
    {
      oneOf: [
        {
          properties: {
            type: { enum: ['IPAddress'] as never },
            value: { anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] },
          },
        },
        { properties: { type: { not: { enum: ['IPAddress'] as never } } } },
      ],
      ...rules([
        `self.type != 'Hostname' || !has(self.value) || self.value == '' || self.value.matches('${HOST}')`,
        'Hostname value must be empty or contain only valid characters',
      ]),
      ...more,
    },
  );

const authorities: SchemaNode = object('How TLS with clients is spoken.', {
  validation: object(
    'Which certificates of clients are good.',
    {
      caCertificateRefs: list(
        'Authorities, in ConfigMaps with the key ca.crt.',
        object(
          'An object that holds authorities.',
          {
            group: groupName('API group.'),
            kind: kindName('Kind.'),
            name: named('Name.'),
            namespace: namespaceName('Namespace; another than one’s own needs a ReferenceGrant there.'),
          },
          { required: ['group', 'kind', 'name'] },
        ),
        { minItems: 1, maxItems: 16, ...ATOMIC },
      ),
      mode: oneOfWithDefault(
        'Whether clients without a good one are let in.',
        'AllowValidOnly',
        'AllowValidOnly',
        'AllowInsecureFallback',
      ),
    },
    { required: ['caCertificateRefs'] },
  ),
});

const unique = (type: string): readonly [string, string] => [
  `self.all(a, a.type != '${type}' || !has(a.value) || self.exists_one(b, b.type == a.type && has(b.value) && b.value == a.value))`,
  `${type} values must be unique`,
];

const KEY =
  '^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$';
const validKeys = (what: string): Partial<SchemaNode> =>
  rules(
    [
      `self.all(key, key.matches('${KEY}'))`,
      `${what} keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters.`,
    ],
    [
      "self.all(key, key.split('/')[0].size() < 253)",
      `If specified, the ${what.toLowerCase()} key's prefix must be a DNS subdomain not longer than 253 characters in total.`,
    ],
  );

const infrastructure: SchemaNode = object('Of the objects that are made for the Gateway.', {
  labels: {
    type: 'object',
    description: 'Labels that they get.',
    maxProperties: 8,
    additionalProperties: {
      type: 'string',
      minLength: 0,
      maxLength: 63,
      pattern: '^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$',
    },
    ...validKeys('Label'),
  },
  annotations: {
    type: 'object',
    description: 'Annotations that they get.',
    maxProperties: 16,
    additionalProperties: { type: 'string', minLength: 0, maxLength: 4096 },
    ...validKeys('Annotation'),
  },
  parametersRef: parameters(),
});

export const gatewayDefinition: Definition = defineKind({
  kind: 'Gateway',
  plural: 'gateways',
  shortNames: ['gtw'],
  about: 'Where traffic comes in: addresses, and listeners that routes attach to.',
  spec: object(
    'What is asked for.',
    {
      gatewayClassName: named('Name of its GatewayClass.'),
      listeners,
      addresses: list(
        'Addresses that are asked for; one is given when left out.',
        address('An address.', {}, text('The address; one of the type is given when left out.', { maxLength: 253 })),
        { maxItems: 16, ...ATOMIC, ...rules(unique('IPAddress'), unique('Hostname')) },
      ),
      infrastructure,
      allowedListeners: object('Which ListenerSets may add listeners.', {
        namespaces: object(
          'Of which namespaces.',
          {
            from: oneOfWithDefault(
              'Of every one, of those selected, of one’s own, or none.',
              'None',
              'All',
              'Selector',
              'Same',
              'None',
            ),
            selector,
          },
          { default: { from: 'None' } },
        ),
      }),
      defaultScope: oneOf('Whether it is a default for routes that ask for one.', 'All', 'None'),
      tls: object('How TLS is spoken, for all listeners.', {
        backend: object('With backends.', {
          clientCertificateRef: secretReference('What to show them: a Secret of type kubernetes.io/tls.'),
        }),
        frontend: object(
          'With clients.',
          {
            default: authorities,
            perPort: list(
              'In place of the default, by port.',
              object('Of one port.', { port: portNumber('Port.'), tls: authorities }, { required: ['port', 'tls'] }),
              {
                maxItems: 64,
                ...mapOf('port'),
                ...rules([
                  'self.all(a, self.exists_one(b, a.port == b.port))',
                  'Port for TLS configuration must be unique within the Gateway',
                ]),
              },
            ),
          },
          { required: ['default'] },
        ),
      }),
    },
    { required: ['gatewayClassName', 'listeners'] },
  ),
  status: unseen(['Accepted', 'Programmed'], {
    addresses: list(
      'Where it is served.',
      address('An address.', { required: ['value'] }, text('The address.', { minLength: 1, maxLength: 253 })),
      { maxItems: 16, ...ATOMIC },
    ),
    listeners: listenerStatuses,
    attachedListenerSets: integer('ListenerSets that add listeners.', { format: 'int32' }),
  }),
  columns: [
    ['Class', 'string', '.spec.gatewayClassName'],
    ['Address', 'string', '.status.addresses[*].value'],
    ['Programmed', 'string', CONDITION('Programmed')],
    AGE,
  ],
  versions: [{ name: 'v1' }, { name: 'v1beta1' }],
});

export const listenerSetDefinition: Definition = defineKind({
  kind: 'ListenerSet',
  plural: 'listenersets',
  shortNames: ['lset'],
  about: 'Further listeners for a Gateway, which another namespace may bring.',
  spec: object(
    'What is asked for.',
    {
      parentRef: object(
        'The Gateway.',
        {
          group: groupName('API group.', GATEWAY_GROUP),
          kind: kindName('Kind.', 'Gateway'),
          name: named('Name.'),
          namespace: namespaceName('Namespace; one’s own when left out.'),
        },
        { required: ['name'] },
      ),
      listeners,
    },
    { required: ['listeners', 'parentRef'] },
  ),
  status: unseen(['Accepted', 'Programmed'], { listeners: listenerStatuses }),
  columns: [['Accepted', 'string', CONDITION('Accepted')], ['Programmed', 'string', CONDITION('Programmed')], AGE],
});
