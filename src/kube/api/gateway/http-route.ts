// The definition of HTTPRoute.
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
import {
  ATOMIC,
  type Definition,
  defineKind,
  duration,
  headerName,
  headerValue,
  integer,
  list,
  mapOf,
  object,
  oneOf,
  oneOfWithDefault,
  rules,
  SET,
  text,
} from './schema-parts.ts';

const FILTERS = [
  'RequestHeaderModifier',
  'ResponseHeaderModifier',
  'RequestMirror',
  'RequestRedirect',
  'URLRewrite',
  'ExtensionRef',
  'CORS',
  'ExternalAuth',
];
const everyPath = { type: 'PathPrefix', value: '/' };
const literal = "!(self.type in ['Exact', 'PathPrefix'])";
const without = ['//', '/./', '/../', '%2f', '%2F', '#'];

const pathMatch = object(
  'The path of the request.',
  {
    type: oneOfWithDefault('How it is compared.', 'PathPrefix', 'Exact', 'PathPrefix', 'RegularExpression'),
    value: text('The path, its beginning, or a regular expression (RE2).', { default: '/', maxLength: 1024 }),
  },
  {
    default: everyPath,
    ...rules(
      [
        `${literal} || self.value.startsWith('/')`,
        "value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']",
      ],
      ...without.map(
        (part) =>
          [
            `${literal} || !self.value.contains('${part}')`,
            `must not contain '${part}' when type one of ['Exact', 'PathPrefix']`,
          ] as const,
      ),
      ...['/..', '/.'].map(
        (end) =>
          [
            `${literal} || !self.value.endsWith('${end}')`,
            `must not end with '${end}' when type one of ['Exact', 'PathPrefix']`,
          ] as const,
      ),
    ),
  },
);

const match = object('A request that the rule is for: all that is said here must hold.', {
  path: pathMatch,
  headers: headerMatches(headerValue('Value, or a regular expression (RE2).')),
  queryParams: list(
    'Parameters that a request must have, all of them.',
    object(
      'A parameter.',
      {
        type: matchType,
        name: headerName('Name; case matters.'),
        value: text('Value, or a regular expression (RE2).', { minLength: 1, maxLength: 1024 }),
      },
      { required: ['name', 'value'] },
    ),
    { maxItems: 16, ...mapOf('name') },
  ),
  method: oneOf('Method.', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'),
});

const onePrefix = "(size(self.matches) == 1 && has(self.matches[0].path) && self.matches[0].path.type == 'PathPrefix')";
const replacesPrefix = (filter: string): string =>
  `exists(f, has(f.${filter}) && has(f.${filter}.path) && has(f.${filter}.path.replacePrefixMatch))`;

const prefixRules = (['requestRedirect', 'urlRewrite'] as const).flatMap((filter) => {
  const name = filter === 'urlRewrite' ? 'URLRewrite' : 'RequestRedirect';
  return [
    [
      `!(has(self.filters) && self.filters.${replacesPrefix(filter)}) || ${onePrefix}`,
      `When using ${name} filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
    ],
    [
      `!(has(self.backendRefs) && self.backendRefs.exists(b, has(b.filters) && b.filters.${replacesPrefix(filter)})) || ${onePrefix}`,
      `Within backendRefs, when using ${name} filter with path.replacePrefixMatch, exactly one PathPrefix match must be specified`,
    ],
  ] as const;
});

const rule = object(
  'Which requests, what is done to them, and where they go.',
  {
    name: ruleName,
    matches: list('The requests: any of these.', match, { default: [{ path: everyPath }], maxItems: 64, ...ATOMIC }),
    filters: filters(FILTERS),
    backendRefs: list('Where they go.', weightedBackend({ filters: filters(FILTERS) }), { maxItems: 16, ...ATOMIC }),
    timeouts: object(
      'How long it may take.',
      {
        request: duration('The whole request, retries included; 0s for as long as it takes.'),
        backendRequest: duration('One try.'),
      },
      rules([
        "!(has(self.request) && has(self.backendRequest)) || duration(self.request) == duration('0s') || duration(self.backendRequest) <= duration(self.request)",
        'backendRequest timeout cannot be longer than request timeout',
      ]),
    ),
    retry: object('When a request is tried again.', {
      codes: list(
        'Statuses of answers that are not good enough.',
        integer('A status.', { minimum: 400, maximum: 599 }),
        SET,
      ),
      attempts: integer('Further tries.', { minimum: 1 }),
      backoff: duration('Wait between tries.'),
    }),
    sessionPersistence,
  },
  rules(
    [
      '!(has(self.backendRefs) && size(self.backendRefs) > 0 && has(self.filters)) || self.filters.all(f, !has(f.requestRedirect))',
      'RequestRedirect filter must not be used together with backendRefs',
    ],
    ...prefixRules,
  ),
);

const matchesOfRules = Array.from({ length: 16 }, (_, at) => `(self.size() > ${at} ? self[${at}].matches.size() : 0)`);

export const httpRouteDefinition: Definition = defineKind({
  kind: 'HTTPRoute',
  plural: 'httproutes',
  about: 'Which HTTP requests that arrive at its parents go to which backends, and what is done to them on the way.',
  spec: object('What the route wants.', {
    ...commonSpec,
    hostnames: routeHostnames,
    rules: list('The most specific match of all rules decides.', rule, {
      default: [{ matches: [{ path: everyPath }] }],
      minItems: 1,
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
  versions: [{ name: 'v1' }, { name: 'v1beta1' }],
});
