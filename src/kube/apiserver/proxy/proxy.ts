// The proxy subresources: HTTP to a Pod, to a ready Pod behind a Service, or to a Node's kubelet.
// Knows names like `https:web:8443` and what stands behind them; requests and answers pass through as they are.
import type { ServerResponse } from 'node:http';
import { isIPv6 } from 'node:net';
import { badRequest, notFound } from '#kube/api/status.ts';
import { admitConnection } from '../admission/connect.ts';
import { nameOf, type ResourceRequest } from '../context.ts';
import { type AnyObject, digArray, digNumber, digString } from '../registry/any-object.ts';
import { kubeletOf, kubeletTls } from './kubelet.ts';
import { type Place, servicePlace, unavailable } from './service-place.ts';
import { type Destination, openRequest, passedHeaders, tunnel } from './tunnel.ts';

/** What belongs to one connection only. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

export async function proxyRequest(request: ResourceRequest): Promise<undefined> {
  const destination = destinationOf(request);
  await admitConnection(request, destination.path.split('?', 1)[0] ?? '/');
  if (request.upgrade !== undefined) return await tunnel(request, request.upgrade, destination);
  return await pass(request, destination);
}

/** `[scheme:]name[:port]`, as upstream writes it. */
function splitName(name: string): { scheme: 'http' | 'https'; name: string; port: string } {
  const parts = name.split(':');
  const [first = '', second = '', third = ''] = parts;
  if (parts.length === 1) return { scheme: 'http', name: first, port: '' };
  if (parts.length === 2) return { scheme: 'http', name: first, port: second };
  if (parts.length > 3 || !['http', 'https', ''].includes(first)) throw badRequest(`invalid service request "${name}"`);
  return { scheme: first === 'https' ? 'https' : 'http', name: second, port: third };
}

function destinationOf(request: ResourceRequest): Destination {
  const { resource, server, http } = request;
  const { scheme, name, port } = splitName(nameOf(request));
  const object = resource.collection.get(request.namespace, name)?.object;
  if (object === undefined) throw notFound(resource.definition, name);
  // As it was written: what is behind it decodes it.
  const [, rest = ''] = /\/proxy(\/[^?]*)?(?:\?|$)/.exec(http.url) ?? [];
  const query = http.url.includes('?') ? http.url.slice(http.url.indexOf('?')) : '';
  const path = `${rest || '/'}${query}`;
  if (resource.definition.resource === 'nodes') {
    return { scheme: 'https', ...kubeletOf(object), path, tls: kubeletTls(server) };
  }
  const place = resource.definition.resource === 'pods' ? podPlace(object, port) : servicePlace(request, object, port);
  // As upstream: whoever is behind a Pod's port need not be known to us.
  return { scheme, ...place, path, tls: { rejectUnauthorized: false } };
}

function podPlace(pod: AnyObject, asked: string): Place {
  const host = digString(pod, 'status', 'podIP');
  const ports = digArray(pod, 'spec', 'containers').flatMap((container) => digArray(container, 'ports'));
  const named = ports.find((port) => digString(port, 'name') === asked && asked !== '');
  const port =
    asked === '' ? digNumber(ports[0], 'containerPort') : (digNumber(named, 'containerPort') ?? Number(asked));
  if (host === '') throw badRequest(`pod ${pod.metadata?.name} has no address yet`);
  if (port === undefined || !Number.isInteger(port))
    throw badRequest(`pod ${pod.metadata?.name} has no port "${asked}"`);
  return { host, port };
}

/** A request on its way to somebody else. */
export type Forwarded = Pick<ResourceRequest, 'server' | 'http' | 'response' | 'upgrade'>;

/** To another API server: its paths are ours, and `headers` say who asks, whatever the client says of that. */
export async function forward(
  request: Forwarded,
  destination: Destination,
  headers: Readonly<Record<string, string | string[]>>,
): Promise<void> {
  if (request.upgrade !== undefined) await tunnel(request, request.upgrade, destination, headers);
  else await pass(request, destination, headers);
}

function pass(
  request: Forwarded,
  destination: Destination,
  more: Readonly<Record<string, string | string[]>> = {},
): Promise<undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const { http, server } = request;
  // HTTP/2 in, HTTP/1.1 out: the two classes agree in what is used here.
  const response = request.response as unknown as ServerResponse;
  const { host, port } = destination;
  const headers: Record<string, string | string[]> = {
    ...passedHeaders(http),
    ...more,
    host: `${isIPv6(host) ? `[${host}]` : host}:${port}`,
  };
  for (const name of HOP_BY_HOP) delete headers[name];
  const onward = openRequest(destination, http.method, headers);
  const stop = (): void => {
    onward.destroy();
    if (response.headersSent) response.destroy();
    resolve(undefined);
  };
  server.closing.addEventListener('abort', stop, { once: true });
  response.once('close', stop);
  onward.on('error', (error) => {
    if (response.headersSent || http.destroyed) return stop();
    reject(unavailable(`error trying to reach service: dial tcp ${host}:${port}: ${error.message}`));
  });
  onward.on('response', (answer) => {
    const kept = Object.entries(answer.headersDistinct).filter(([name]) => !HOP_BY_HOP.includes(name));
    const answerHeaders = Object.fromEntries(kept) as Record<string, string[]>;
    const [location] = answerHeaders.location ?? [];
    if (location?.startsWith('/') === true && http.url.includes('/proxy'))
      answerHeaders.location = [`${prefixOf(http.url)}${location}`];
    response.writeHead(answer.statusCode ?? 502, answerHeaders);
    answer.on('error', stop);
    answer.pipe(response);
  });
  http.pipe(onward);
  return promise.finally(() => server.closing.removeEventListener('abort', stop));
}

/** Where the proxied server's root is in our paths. */
function prefixOf(url: string): string {
  return url.slice(0, url.indexOf('/proxy') + '/proxy'.length);
}
