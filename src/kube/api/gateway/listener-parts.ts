// Listeners of a Gateway or a ListenerSet: what is listened on, who may attach, and what became of it.
// Data only; knows neither of the two.
import { labelSelector } from '../load-balancer/schema-parts.ts';
import {
  ATOMIC,
  conditions,
  GATEWAY_GROUP,
  groupName,
  hostname,
  integer,
  kindName,
  list,
  mapOf,
  named,
  namespaceName,
  object,
  oneOfWithDefault,
  optionsMap,
  portNumber,
  protocolName,
  rules,
  type SchemaNode,
  sectionName,
} from './schema-parts.ts';

/** Only the words of it, as the published schema has it. */
export const selector: SchemaNode = labelSelector;

export const secretReference = (about: string): SchemaNode =>
  object(
    about,
    {
      group: groupName('API group; empty for core.', ''),
      kind: kindName('Kind.', 'Secret'),
      name: named('Name.'),
      namespace: namespaceName('Namespace; another than one’s own needs a ReferenceGrant there.'),
    },
    { required: ['name'] },
  );

export const routeKinds = (about: string): SchemaNode =>
  list(
    about,
    object(
      'A kind of route.',
      { group: groupName('API group.', GATEWAY_GROUP), kind: kindName('Kind.') },
      { required: ['kind'] },
    ),
    { maxItems: 8, ...ATOMIC },
  );

const tls: SchemaNode = object(
  'How TLS is spoken.',
  {
    mode: oneOfWithDefault('Whether it ends here or at the backend.', 'Terminate', 'Terminate', 'Passthrough'),
    certificateRefs: list('Certificates to answer with.', secretReference('A Secret of type kubernetes.io/tls.'), {
      maxItems: 64,
      ...ATOMIC,
    }),
    options: optionsMap('Settings of the implementation.'),
  },
  rules([
    "self.mode != 'Terminate' || size(self.certificateRefs) > 0 || size(self.options) > 0",
    'certificateRefs or options must be specified when mode is Terminate',
  ]),
);

const listener: SchemaNode = object(
  'A port, with a protocol and perhaps a host, that routes attach to.',
  {
    name: sectionName('Name, unique here.'),
    hostname: hostname('Only for this host; for every one when left out.'),
    port: portNumber('Port.'),
    protocol: protocolName('HTTP, HTTPS, TLS, TCP or UDP.'),
    tls,
    allowedRoutes: object(
      'Which routes may attach.',
      {
        namespaces: object(
          'Of which namespaces.',
          {
            from: oneOfWithDefault(
              'Of every one, of those selected, or of one’s own.',
              'Same',
              'All',
              'Selector',
              'Same',
            ),
            selector,
          },
          { default: { from: 'Same' } },
        ),
        kinds: routeKinds('Of which kinds; of all that the protocol can carry when left out.'),
      },
      { default: { namespaces: { from: 'Same' } } },
    ),
  },
  { required: ['name', 'port', 'protocol'] },
);

const sameSocket =
  "a.port == b.port && a.protocol == b.protocol && (has(a.hostname) ? a.hostname : '') == (has(b.hostname) ? b.hostname : '')";

export const listeners: SchemaNode = list('What is listened on.', listener, {
  minItems: 1,
  maxItems: 64,
  ...mapOf('name'),
  ...rules(
    [
      "self.all(l, !(l.protocol in ['HTTP', 'TCP', 'UDP']) || !has(l.tls))",
      "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
    ],
    [
      "self.all(l, !(l.protocol == 'HTTPS' && has(l.tls)) || l.tls.mode in ['', 'Terminate'])",
      'tls mode must be Terminate for protocol HTTPS',
    ],
    [
      "self.all(l, l.protocol != 'TLS' || (has(l.tls) && has(l.tls.mode) && l.tls.mode != ''))",
      'tls mode must be set for protocol TLS',
    ],
    [
      "self.all(l, !(l.protocol in ['TCP', 'UDP']) || !has(l.hostname) || l.hostname == '')",
      "hostname must not be specified for protocols ['TCP', 'UDP']",
    ],
    ['self.all(a, self.exists_one(b, a.name == b.name))', 'Listener name must be unique within the Gateway'],
    [
      `self.all(a, self.exists_one(b, ${sameSocket}))`,
      'Combination of port, protocol and hostname must be unique for each listener',
    ],
  ),
});

export const listenerStatuses: SchemaNode = list(
  'What became of each listener.',
  object(
    'What became of one.',
    {
      name: sectionName('Name of the listener.'),
      supportedKinds: routeKinds('Kinds of routes that may attach.'),
      attachedRoutes: integer('Routes that are attached.', { format: 'int32' }),
      conditions: conditions(),
    },
    { required: ['attachedRoutes', 'conditions', 'name'] },
  ),
  { maxItems: 64, ...mapOf('name') },
);
