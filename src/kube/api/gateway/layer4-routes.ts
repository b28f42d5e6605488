// The definitions of TLSRoute, TCPRoute and UDPRoute: one rule that leads to weighted backends.
// Data only; what their fields mean is traffic/model/gateway.
import { commonSpec, routeStatus, ruleName, weightedBackend } from './route-parts.ts';
import { ATOMIC, type Definition, defineKind, hostname, list, object, rules, type SchemaNode } from './schema-parts.ts';

const backendRules: SchemaNode = list(
  'The one rule.',
  object(
    'Where connections go.',
    {
      name: ruleName,
      backendRefs: list('Where they go.', weightedBackend(), { minItems: 1, maxItems: 16, ...ATOMIC }),
    },
    { required: ['backendRefs'] },
  ),
  { minItems: 1, maxItems: 1, ...ATOMIC },
);

export const tlsRouteDefinition: Definition = defineKind({
  kind: 'TLSRoute',
  plural: 'tlsroutes',
  about: 'Which TLS connections, by the server name that clients ask for, go to which backends.',
  spec: object(
    'What the route wants.',
    {
      ...commonSpec,
      hostnames: list('Server names.', hostname('A server name, or one with a wildcard as first label.'), {
        minItems: 1,
        maxItems: 1024,
        ...ATOMIC,
        ...rules(
          ['self.all(h, !isIP(h))', 'Hostnames cannot contain an IP'],
          [
            "self.all(h, !h.contains('*') || (h.startsWith('*.') && !h.substring(2).contains('*')))",
            'Wildcards on hostnames must be the first label, and the rest of hostname must be valid based on RFC-1123',
          ],
        ),
      }),
      rules: backendRules,
    },
    { required: ['hostnames', 'rules'] },
  ),
  status: routeStatus,
  versions: [{ name: 'v1' }, { name: 'v1alpha2', deprecated: true }, { name: 'v1alpha3', deprecated: true }],
});

function portRoute(kind: string, plural: string, about: string): Definition {
  return defineKind({
    kind,
    plural,
    about,
    spec: object('What the route wants.', { ...commonSpec, rules: backendRules }, { required: ['rules'] }),
    status: routeStatus,
    versions: [{ name: 'v1' }, { name: 'v1alpha2', deprecated: true }],
  });
}

export const tcpRouteDefinition = portRoute(
  'TCPRoute',
  'tcproutes',
  'Which backends the TCP connections of a listener go to.',
);

export const udpRouteDefinition = portRoute(
  'UDPRoute',
  'udproutes',
  'Which backends the UDP sessions of a listener go to.',
);
