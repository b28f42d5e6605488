// The definitions of ReferenceGrant and BackendTLSPolicy.
// Data only; what their fields mean is traffic/model/gateway.
import { parentReference } from './route-parts.ts';
import {
  ATOMIC,
  conditions,
  controllerName,
  type Definition,
  defineKind,
  groupName,
  hostname,
  kindName,
  list,
  named,
  namespaceName,
  object,
  oneOf,
  optionsMap,
  preciseHostname,
  rules,
  sectionName,
  text,
} from './schema-parts.ts';

export const referenceGrantDefinition: Definition = defineKind({
  kind: 'ReferenceGrant',
  plural: 'referencegrants',
  shortNames: ['refgrant'],
  about: 'Lets objects of other namespaces refer to objects of this one.',
  spec: object(
    'Who may refer to what.',
    {
      from: list(
        'Who may: any of these.',
        object(
          'Objects of a kind in a namespace.',
          { group: groupName('API group.'), kind: kindName('Kind.'), namespace: namespaceName('Namespace.') },
          { required: ['group', 'kind', 'namespace'] },
        ),
        { minItems: 1, maxItems: 16, ...ATOMIC },
      ),
      to: list(
        'To what: any of these.',
        object(
          'Objects of a kind in this namespace.',
          {
            group: groupName('API group; empty for core.'),
            kind: kindName('Kind.'),
            name: named('Name; every one when left out.'),
          },
          { required: ['group', 'kind'] },
        ),
        { minItems: 1, maxItems: 16, ...ATOMIC },
      ),
    },
    { required: ['from', 'to'] },
  ),
  versions: [{ name: 'v1' }, { name: 'v1beta1', storage: true }],
});

const section = (one: string): string => `(has(${one}.sectionName) ? ${one}.sectionName : '')`;
const sameTarget = 'a.group == b.group && a.kind == b.kind && a.name == b.name';

const only = (type: string, field: string): (readonly [string, string])[] => [
  [
    `self.type != '${type}' || (has(self.${field}) && self.${field} != '')`,
    `SubjectAltName element must contain ${type}, if Type is set to ${type}`,
  ],
  [
    `self.type == '${type}' || !has(self.${field}) || self.${field} == ''`,
    `SubjectAltName element must not contain ${type}, if Type is not set to ${type}`,
  ],
];

const authorities = '(has(self.caCertificateRefs) && size(self.caCertificateRefs) > 0)';
const wellKnown = "(has(self.wellKnownCACertificates) && self.wellKnownCACertificates != '')";
const DNS = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';

export const backendTlsPolicyDefinition: Definition = defineKind({
  kind: 'BackendTLSPolicy',
  plural: 'backendtlspolicies',
  shortNames: ['btlspolicy'],
  about: 'Has Gateways speak TLS with a Service, and says how they know that it is the right one.',
  labels: { 'gateway.networking.k8s.io/policy': 'Direct' },
  spec: object(
    'For whom, and how.',
    {
      targetRefs: list(
        'Services of this namespace.',
        object(
          'A Service, or one of its ports.',
          {
            group: groupName('API group; empty for core.'),
            kind: kindName('Kind.'),
            name: named('Name.'),
            sectionName: sectionName('Name of the port; every one when left out.'),
          },
          { required: ['group', 'kind', 'name'] },
        ),
        {
          minItems: 1,
          maxItems: 16,
          ...ATOMIC,
          ...rules(
            [
              `self.all(a, self.all(b, !(${sameTarget}) || (${section('a')} == '') == (${section('b')} == '')))`,
              'sectionName must be specified when targetRefs includes 2 or more references to the same target',
            ],
            [
              `self.all(a, self.exists_one(b, ${sameTarget} && ${section('a')} == ${section('b')}))`,
              'sectionName must be unique when targetRefs includes 2 or more references to the same target',
            ],
          ),
        },
      ),
      validation: object(
        'How they are known.',
        {
          caCertificateRefs: list(
            'Authorities, in ConfigMaps with the key ca.crt.',
            object(
              'An object of this namespace that holds authorities.',
              { group: groupName('API group; empty for core.'), kind: kindName('Kind.'), name: named('Name.') },
              { required: ['group', 'kind', 'name'] },
            ),
            { maxItems: 8, ...ATOMIC },
          ),
          wellKnownCACertificates: text('System: the authorities of the machine.', {
            minLength: 1,
            maxLength: 253,
            pattern: `^(System|(${DNS}/([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]))$`,
          }),
          hostname: preciseHostname(
            'Server name that is asked for, and that the certificate must have unless names are given.',
          ),
          subjectAltNames: list(
            'Names of which the certificate must have one.',
            object(
              'A name.',
              {
                type: oneOf('Which kind of name.', 'Hostname', 'URI'),
                hostname: hostname('A host name, or one with a wildcard as first label.'),
                uri: text('A URI with a scheme.', {
                  minLength: 1,
                  maxLength: 253,
                  pattern: '^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?',
                }),
              },
              { required: ['type'], ...rules(...only('Hostname', 'hostname'), ...only('URI', 'uri')) },
            ),
            { maxItems: 5, ...ATOMIC },
          ),
        },
        {
          required: ['hostname'],
          ...rules(
            [
              `!(${authorities} && ${wellKnown})`,
              'must not contain both CACertificateRefs and WellKnownCACertificates',
            ],
            [`${authorities} || ${wellKnown}`, 'must specify either CACertificateRefs or WellKnownCACertificates'],
          ),
        },
      ),
      options: optionsMap('Settings of the implementation.'),
    },
    { required: ['targetRefs', 'validation'] },
  ),
  status: object(
    'What became of it.',
    {
      ancestors: list(
        'One entry a Gateway and controller.',
        object(
          'What became of it at one Gateway.',
          {
            ancestorRef: parentReference,
            controllerName: controllerName('Who wrote this entry.'),
            conditions: conditions({ minItems: 1 }),
          },
          { required: ['ancestorRef', 'conditions', 'controllerName'] },
        ),
        { maxItems: 16, ...ATOMIC },
      ),
    },
    { required: ['ancestors'] },
  ),
  versions: [{ name: 'v1' }, { name: 'v1alpha3', deprecated: true }],
});
