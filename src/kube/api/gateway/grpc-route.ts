// The definition of GRPCRoute.
// Data only; what its fields mean is traffic/model/gateway.
import { filters, headerMatches, matchType } from './filter-parts.ts';
import {
  commonSpec,
  routeHostnames,
  routeStatus,
  ruleName,
  sessionPersistence,
  uniqueRuleNames,
  weightedBackend,
} from './route-parts.ts';
import { ATOMIC, type Definition, defineKind, list, object, rules, text } from './schema-parts.ts';

const FILTERS = ['ResponseHeaderModifier', 'RequestHeaderModifier', 'RequestMirror', 'ExtensionRef'];

const PARTS = [
  [
    'service',
    '^(?i)\\\\.?[a-z_][a-z_0-9]*(\\\\.[a-z_][a-z_0-9]*)*$',
    '(?i)^\\.?[a-z_][a-z_0-9]*(\\.[a-z_][a-z_0-9]*)*$',
  ],
  ['method', '^[A-Za-z_][A-Za-z_0-9]*$', '^[A-Za-z_][A-Za-z_0-9]*$'],
] as const;

const match = object('A call that the rule is for: all that is said here must hold.', {
  method: object(
    'Service and method of the call.',
    {
      type: matchType,
      service: text('Service with its package; any when left out.', { maxLength: 1024 }),
      method: text('Method; any when left out.', { maxLength: 1024 }),
    },
    rules(
      [
        "has(self.type) ? (has(self.service) && self.service != '') || (has(self.method) && self.method != '') : true",
        'One or both of service or method must be specified',
      ],
      ...PARTS.map(
        ([field, pattern, shown]) =>
          [
            `self.type != 'Exact' || !has(self.${field}) || self.${field} == '' || self.${field}.matches('${pattern}')`,
            `${field} must only contain valid characters (matching ${shown})`,
          ] as const,
      ),
    ),
  ),
  headers: headerMatches(text('Value, or a regular expression (RE2).', { minLength: 1, maxLength: 4096 })),
});

const rule = object('Which calls, what is done to them, and where they go.', {
  name: ruleName,
  matches: list('The calls: any of these, or all when left out.', match, { maxItems: 64, ...ATOMIC }),
  filters: filters(FILTERS),
  backendRefs: list('Where they go.', weightedBackend({ filters: filters(FILTERS) }), { maxItems: 16, ...ATOMIC }),
  sessionPersistence,
});

const matchesOfRules = Array.from(
  { length: 16 },
  (_, at) => `(self.size() > ${at} ? (has(self[${at}].matches) ? self[${at}].matches.size() : 0) : 0)`,
);

export const grpcRouteDefinition: Definition = defineKind({
  kind: 'GRPCRoute',
  plural: 'grpcroutes',
  about: 'Which gRPC calls that arrive at its parents go to which backends, and what is done to them on the way.',
  spec: object('What the route wants.', {
    ...commonSpec,
    hostnames: routeHostnames,
    rules: list('The most specific match of all rules decides.', rule, {
      maxItems: 16,
      ...ATOMIC,
      ...rules(
        [
          `${matchesOfRules.join(' + ')} <= 128`,
          'While 16 rules and 64 matches per rule are allowed, the total number of matches across all rules in a route must be less than 128',
        ],
        uniqueRuleNames,
      ),
    }),
  }),
  status: routeStatus,
  columns: [
    ['Hostnames', 'string', '.spec.hostnames'],
    ['Age', 'date', '.metadata.creationTimestamp'],
  ],
});
