// Clusters: how they are balanced and guarded, and their endpoints. Every part left out is switched off.
// Knows no route; the settings of a policy are read by the policy itself.
import { policies } from '#traffic/balancer/index.ts';
import { defaultPolicy, defaultRetry, defaultTimeouts } from '#traffic/model/cluster-defaults.ts';
import { cookieProblem } from '#traffic/model/header-rules.ts';
import type {
  AffinityPolicy,
  BalancingPolicy,
  Cluster,
  ClusterTimeouts,
  Endpoint,
  HashPolicy,
  RetryBudgetPolicy,
  UpstreamTls,
} from '#traffic/model/ir.ts';
import { retry } from './common.ts';
import { endpoint } from './endpoint.ts';
import {
  circuitBreaker,
  healthCheck,
  hold,
  loadReports,
  locality,
  outlierDetection,
  retryRate,
  slowStart,
} from './guards.ts';
import {
  byType,
  checked,
  type EveryField,
  isRecord,
  leaf,
  list,
  mapped,
  named,
  object,
  oneOf,
  optional,
  type Schema,
} from './kit.ts';
import { tlsVersion } from './listener.ts';
import { suggestion } from './suggestion.ts';
import {
  absolutePath,
  duration,
  flag,
  headerName,
  hostPattern,
  integer,
  name,
  parseDuration,
  percent,
  seconds,
  text,
} from './values.ts';

/** A name, or an object with the settings that the policy knows. */
const policy: Schema<BalancingPolicy> = leaf<BalancingPolicy>(
  'a balancing policy',
  'e.g. least_request or {type: least_request, choices: 2}',
  (value) => {
    const given = typeof value === 'string' ? { type: value } : value;
    if (!isRecord(given) || typeof given.type !== 'string') return undefined;
    const { type } = given;
    if (!Object.hasOwn(policies, type)) {
      return { error: `there is no policy "${type}"`, remedy: suggestion(type, Object.keys(policies)) };
    }
    const settings = withMilliseconds(given);
    try {
      return { value: policies[type as keyof typeof policies].parse(settings) as BalancingPolicy };
    } catch (error) {
      // The policy says field, value and remedy in one sentence.
      const [what = '', remedy = 'Correct it'] = (error instanceof Error ? error.message : String(error)).split(
        /: (?=[^:]*$)/,
      );
      return { error: what, remedy: `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}` };
    }
  },
);

/** Times of policies are written like every other: `decay: 10s` for `decayMs`. */
function withMilliseconds(settings: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const entries = Object.entries(settings).map(([key, value]) => {
    const time = key === 'type' ? undefined : parseDuration(value);
    return time === undefined || 'error' in time ? [key, value] : [`${key}Ms`, time.value];
  });
  return Object.fromEntries(entries) as Readonly<Record<string, unknown>>;
}

const lowerCase = mapped(headerName, (header) => header.toLowerCase());

const hash: Schema<HashPolicy> = byType<HashPolicy>({
  source_ip: object({ type: oneOf('source_ip') }),
  header: object({ type: oneOf('header'), name: lowerCase }),
  cookie: object({ type: oneOf('cookie'), name }),
  query: object({ type: oneOf('query'), name }),
});

/** With the name of the file that holds its key. */
type AffinityFile = AffinityPolicy & { readonly keyFile?: string };

const affinity: Schema<AffinityFile> = byType<AffinityFile>({
  cookie: mapped(
    checked(
      object({
        type: oneOf('cookie'),
        name,
        path: optional(absolutePath),
        maxAge: optional(seconds),
        mode: optional(oneOf('persistent', 'balanced')),
        secure: optional(flag),
        sameSite: optional(oneOf('Strict', 'Lax', 'None')),
        keyFile: optional(name),
      }),
      ({ name: cookie, path = '/', secure, sameSite }) => {
        const error = cookieProblem(cookie, path);
        if (error !== undefined) return { error: `cannot be sent. ${error}`, remedy: 'Choose another' };
        if (sameSite !== 'None' || secure !== false) return undefined;
        return {
          field: 'secure',
          error: 'is false: browsers throw a cookie with "sameSite: None" away that is not secure',
          remedy: 'Remove it, or use "sameSite: Lax"',
        };
      },
    ),
    ({ path = '/', maxAge = 0, mode = 'persistent', ...rest }) => ({ ...rest, path, maxAgeSeconds: maxAge, mode }),
  ),
  header: object({ type: oneOf('header'), name: lowerCase }),
  source_ip: object({ type: oneOf('source_ip') }),
});

export interface UpstreamTlsFiles extends Omit<UpstreamTls, 'caPem' | 'clientCertificate' | 'fingerprint'> {
  readonly caFile?: string;
  readonly clientCertificate?: { readonly certificateFile: string; readonly keyFile: string };
}

const tls: Schema<UpstreamTlsFiles> = object({
  serverName: hostPattern,
  caFile: optional(name),
  subjectNames: optional(list(text, 'names', { min: 1 })),
  clientCertificate: optional(object({ certificateFile: name, keyFile: name })),
  insecureSkipVerify: optional(flag),
  minVersion: optional(tlsVersion),
});

export interface ClusterFile {
  readonly cluster: Omit<Cluster, 'tls'>;
  readonly tls: UpstreamTlsFiles | undefined;
  /** Holds the key of its affinity. */
  readonly affinityKeyFile: string | undefined;
  readonly endpoints: readonly Endpoint[];
}

export function cluster(clusterName: string): Schema<ClusterFile> {
  return mapped(
    object({
      policy: optional(policy),
      upstreamProtocol: optional(oneOf('http1', 'http2', 'tcp', 'udp')),
      timeouts: optional(
        object({
          connect: optional(duration),
          request: optional(duration),
          response: optional(duration),
          idle: optional(duration),
          session: optional(duration),
          drain: optional(duration),
        } satisfies EveryField<ClusterTimeouts>),
      ),
      retry: optional(retry),
      retryBudget: optional(
        object({
          percent,
          minConcurrent: integer(0, 100_000),
          over: optional(retryRate),
        } satisfies EveryField<RetryBudgetPolicy>),
      ),
      tls: optional(tls),
      proxyProtocol: optional(oneOf('v1', 'v2')),
      hash: optional(hash),
      affinity: optional(affinity),
      circuitBreaker: optional(circuitBreaker),
      hold: optional(hold),
      outlierDetection: optional(outlierDetection),
      healthCheck: optional(healthCheck),
      panicThreshold: optional(percent),
      slowStart: optional(slowStart),
      locality: optional(locality),
      subset: optional(named(text, 'labels')),
      loadReports: optional(loadReports),
      endpoints: list(endpoint, 'endpoints'),
    } satisfies EveryField<Cluster, 'endpoints', 'name' | 'origins'>),
    ({ tls: files, endpoints, timeouts, affinity: given, ...rest }) => {
      const { keyFile: affinityKeyFile, ...kept } = given ?? {};
      return {
        cluster: {
          ...rest,
          ...(given === undefined ? {} : { affinity: kept as AffinityPolicy }),
          name: clusterName,
          policy: rest.policy ?? defaultPolicy,
          upstreamProtocol: rest.upstreamProtocol ?? 'http1',
          timeouts: { ...defaultTimeouts, ...(isBytes(rest.upstreamProtocol) ? { idle: 0 } : {}), ...timeouts },
          retry: rest.retry ?? defaultRetry,
        },
        tls: files,
        affinityKeyFile,
        endpoints,
      };
    },
  );
}

/** Connections that are not looked into may be silent for as long as their ends like, unless a time is given. */
function isBytes(protocol: Cluster['upstreamProtocol'] | undefined): boolean {
  return protocol === 'tcp' || protocol === 'udp';
}
