// What settings of one group say about each other: as rules in CEL for the API server, and as checks for who reads them.
// Each rule is written once in each language; a test holds the two together.
import { millisecondsOf } from './field.ts';

type Group = Readonly<Record<string, unknown>>;

export interface GroupRule {
  /** Below `spec`. */
  readonly group: string;
  /** What is not heard where the rule is broken. */
  readonly fields: readonly string[];
  readonly cel: string;
  readonly holds: (group: Group) => boolean;
  readonly message: string;
}

/** `field` is for these values of `by` only. */
function only(group: string, by: string, values: readonly string[], ...fields: string[]): GroupRule[] {
  const list = values.map((value) => `'${value}'`).join(', ');
  return fields.map((field) => ({
    group,
    fields: [field],
    cel: `!has(self.${field}) || self.${by} in [${list}]`,
    holds: (of) => of[field] === undefined || values.includes(of[by] as string),
    message: `${field} is for ${by} ${values.join(' and ')} only`,
  }));
}

const ms = (value: unknown, usual: string): number => millisecondsOf(typeof value === 'string' ? value : usual);

export const groupRules: readonly GroupRule[] = [
  ...only('balancing', 'policy', ['least_request', 'peak_ewma'], 'choices'),
  {
    group: 'balancing',
    fields: ['choices'],
    cel: "!has(self.choices) || self.choices >= 2 || (self.choices == 0 && self.policy == 'least_request')",
    holds: ({ choices, policy }) =>
      choices === undefined || (choices as number) >= 2 || (choices === 0 && policy === 'least_request'),
    message: 'choices is 2 or more, or 0 for least_request to compare all endpoints',
  },
  ...only('balancing', 'policy', ['ring_hash', 'maglev'], 'hashBy', 'hashBalanceFactor'),
  {
    group: 'balancing',
    fields: ['hashBalanceFactor'],
    cel: '!has(self.hashBalanceFactor) || self.hashBalanceFactor == 0 || self.hashBalanceFactor >= 100',
    holds: ({ hashBalanceFactor: factor }) => factor === undefined || factor === 0 || (factor as number) >= 100,
    message: 'hashBalanceFactor is 0 (no bound), or 100 or more',
  },
  ...only('balancing', 'policy', ['ring_hash'], 'pointsPerEndpoint', 'maximumSize'),
  ...only('balancing', 'policy', ['maglev'], 'tableSize'),
  ...only('balancing', 'policy', ['peak_ewma'], 'decay', 'defaultLatency', 'failurePenalty'),
  ...only('balancing', 'policy', ['prequal'], 'poolSize', 'hotQuantile', 'probesPerRequest'),
  {
    group: 'balancing.hashBy',
    fields: ['type', 'name'],
    cel: "(self.type == 'source_ip') != has(self.name)",
    holds: ({ type, name }) => (type === 'source_ip') !== (name !== undefined),
    message: 'name is needed for type header, cookie and query, and for these only',
  },
  ...only('sessionAffinity', 'type', ['cookie'], 'path', 'mode', 'sameSite', 'secure'),
  ...only('sessionAffinity', 'type', ['cookie', 'header'], 'name'),
  ...only('sessionAffinity', 'type', ['cookie', 'source_ip'], 'maxAge'),
  {
    group: 'sessionAffinity',
    fields: ['type'],
    cel: "self.type != 'header' || has(self.name)",
    holds: ({ type, name }) => type !== 'header' || name !== undefined,
    message: 'name of the header is needed for type header',
  },
  {
    group: 'sessionAffinity',
    fields: ['secure'],
    cel: "!has(self.sameSite) || self.sameSite != 'None' || !has(self.secure) || self.secure",
    holds: ({ sameSite, secure }) => sameSite !== 'None' || secure !== false,
    message: 'secure must not be false with sameSite None: browsers throw such a cookie away',
  },
  ...only('healthCheck', 'type', ['http'], 'path', 'host', 'method', 'expectedStatuses'),
  ...only('healthCheck', 'type', ['grpc'], 'grpcService'),
  {
    group: 'healthCheck',
    fields: ['interval', 'timeout'],
    cel: "duration(has(self.timeout) ? self.timeout : '1s') <= duration(has(self.interval) ? self.interval : '10s')",
    holds: ({ timeout, interval }) => ms(timeout, '1s') <= ms(interval, '10s'),
    message: 'timeout must be at most the interval',
  },
  {
    group: 'outlierDetection',
    fields: ['baseEjection', 'maxEjection'],
    cel: "duration(has(self.baseEjection) ? self.baseEjection : '30s') <= duration(has(self.maxEjection) ? self.maxEjection : '5m')",
    holds: ({ baseEjection, maxEjection }) => ms(baseEjection, '30s') <= ms(maxEjection, '5m'),
    message: 'baseEjection must be at most maxEjection',
  },
  {
    group: 'retry',
    fields: ['backoff', 'maxBackoff'],
    cel: "!has(self.maxBackoff) || duration(has(self.backoff) ? self.backoff : '0s') <= duration(self.maxBackoff)",
    holds: ({ backoff, maxBackoff }) => maxBackoff === undefined || ms(backoff, '0s') <= ms(maxBackoff, '0s'),
    message: 'backoff must be at most maxBackoff',
  },
];
