// The paths that are not resources: health, version, discovery and OpenAPI.
// Knows paths and documents; what is served comes from the registry.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { MetricFormat } from '#telemetry/format.ts';
import { metricsAnswer } from '#telemetry/metrics-page.ts';
import { standIns } from '../aggregation/aggregator.ts';
import type { ServerContext } from '../context.ts';
import { negotiate } from '../http/negotiation.ts';
import { sendBytes, sendObject } from '../http/respond.ts';
import { notAllowedHere } from '../http/routes.ts';
import { sendBackup } from './backup.ts';
import { aggregated, coreVersions, group, groupList, resourceList } from './documents.ts';
import { sendOpenApi } from './openapi.ts';
import { version } from './version.ts';

const HEALTH = /^\/(livez|readyz|healthz)(\/(?:etcd|log|ping|store))?$/;

/** What is told of the server's health and version. */
export function isHealth(path: string): boolean {
  return HEALTH.test(path) || path === '/version';
}

/** False when the path is none of these. */
export async function serveNonResource(
  server: ServerContext,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  url: URL,
): Promise<boolean> {
  const path = url.pathname.length > 1 ? url.pathname.replace(/\/$/, '') : url.pathname;
  const health = HEALTH.exec(path);
  if (health !== null) {
    const { code, text } = healthOf(server, health[1] ?? '', health[2] ?? '', url.searchParams.has('verbose'));
    await sendBytes(request, response, code, 'text/plain; charset=utf-8', text);
    return true;
  }
  if (path === '/metrics') {
    const { registry, store, metrics } = server;
    const text = (format: MetricFormat): string => metrics.text(registry.storedCounts(), store, format);
    const answer = await metricsAnswer(text, request.headers.accept);
    await sendBytes(request, response, 200, answer.type, answer.text, { vary: 'Accept' });
    return true;
  }
  if (path === '/backup' && request.method === 'GET') {
    await sendBackup(server, response);
    return true;
  }
  if (path.startsWith('/openapi/')) return sendOpenApi(server, request, response, url);
  const body = document(server, request, path);
  if (body === undefined) return false;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw notAllowedHere();
  const { value, contentType } = body;
  if (contentType === undefined) await sendObject(request, response, { code: 200, body: value });
  else await sendBytes(request, response, 200, contentType, `${JSON.stringify(value)}\n`, { vary: 'Accept' });
  return true;
}

/** A store that takes no writes makes the server unready; it lives on, for starting it anew would not help. */
function healthOf(
  { store }: ServerContext,
  endpoint: string,
  check: string,
  verbose: boolean,
): { code: number; text: string } {
  const alarm = endpoint === 'readyz' && ['', '/store'].includes(check) ? store.health().alarm : undefined;
  const storeLine = alarm === undefined ? '[+]store ok' : `[-]store failed: writes are refused (${alarm.alarm})`;
  const lines = `[+]ping ok\n${storeLine}\n`;
  if (alarm !== undefined) return { code: 500, text: `${lines}${endpoint} check failed\n` };
  return { code: 200, text: verbose ? `${lines}${endpoint} check passed\n` : 'ok' };
}

interface Document {
  readonly value: unknown;
  readonly contentType?: string;
}

const KEYS_PATH = '/openid/v1/jwks';
const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

function document(server: ServerContext, request: Http2ServerRequest, path: string): Document | undefined {
  const foreign = server.aggregator.versions();
  // Who serves a group and version in our place serves all of it.
  const own = server.registry
    .definitions()
    .filter(({ group, version }) => !foreign.some((one) => one.group === group && one.version === version));
  const definitions = [...own, ...standIns(foreign)];
  if (path === '/version') return { value: version };
  if (path === '/.well-known/openid-configuration') return { value: openIdConfiguration(server) };
  if (path === KEYS_PATH) return { value: server.serviceAccounts.keySet(), contentType: 'application/jwk-set+json' };
  if (path === '/') return { value: { paths: rootPaths(server) } };
  if (path === '/api' || path === '/apis') {
    const { representation } = negotiate(request.headers.accept, {
      representations: ['object', 'discovery'],
      inProtobuf: [],
    });
    const root = path === '/api' ? 'api' : 'apis';
    if (representation === 'discovery')
      return { value: aggregated(definitions, root, foreign), contentType: AGGREGATED_TYPE };
    return {
      value:
        root === 'api'
          ? coreVersions(String(request.headers[':authority'] ?? request.headers.host ?? ''))
          : groupList(definitions),
    };
  }
  const parts = path.split('/').slice(1);
  const [root, first = '', second = ''] = parts;
  let value: unknown;
  if (root === 'api' && parts.length === 2) value = resourceList(definitions, '', first);
  else if (root === 'apis' && parts.length === 2) value = group(definitions, first);
  else if (root === 'apis' && parts.length === 3) value = resourceList(definitions, first, second);
  return value === undefined ? undefined : { value };
}

/** By which others verify tokens of service accounts, as upstream's issuer discovery. */
function openIdConfiguration({ serviceAccounts }: ServerContext): unknown {
  const { issuer } = serviceAccounts;
  return {
    issuer,
    jwks_uri: `${issuer}${KEYS_PATH}`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  };
}

function rootPaths(server: ServerContext): string[] {
  const groups = new Set<string>();
  for (const definition of [...server.registry.definitions(), ...server.aggregator.versions()]) {
    if (definition.group === '') continue;
    groups.add(`/apis/${definition.group}`);
    groups.add(`/apis/${definition.group}/${definition.version}`);
  }
  return [
    '/.well-known/openid-configuration',
    '/api',
    '/api/v1',
    '/apis',
    ...groups,
    '/backup',
    '/healthz',
    '/livez',
    '/metrics',
    '/openapi/v2',
    '/openapi/v3',
    KEYS_PATH,
    '/readyz',
    '/version',
  ];
}
