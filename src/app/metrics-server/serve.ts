// The APIs of metrics as a server of their own: discovery, health, and answers to those who may ask.
// Knows the order of a request's steps; who asks is caller.ts, what is answered is kube/apiserver/metrics.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { StatusError } from '#kube/api/status.ts';
import { standIns } from '#kube/apiserver/aggregation/aggregator.ts';
import { attributesOf } from '#kube/apiserver/authz/attributes.ts';
import { aggregated, group, groupList, resourceList } from '#kube/apiserver/discovery/documents.ts';
import { type ApiListener, listen } from '#kube/apiserver/http/listener.ts';
import { customOffer, negotiate } from '#kube/apiserver/http/negotiation.ts';
import { parseResourcePath } from '#kube/apiserver/http/paths.ts';
import { sendBytes, sendError, sendObject } from '#kube/apiserver/http/respond.ts';
import { noSuchPath } from '#kube/apiserver/http/routes.ts';
import type { MetricsHome } from '#kube/apiserver/metrics/metrics-home.ts';
import { metricsHandlerOf, servedMetrics } from '#kube/apiserver/metrics/served-metrics.ts';
import type { Logger } from '#lib/log.ts';
import type { Caller } from './caller.ts';
import { APIS } from './register.ts';

interface ServeOptions {
  readonly address: string;
  readonly port: number;
  readonly tls: { readonly certPem: string; readonly keyPem: string; readonly clientCaPem: string };
  readonly home: MetricsHome;
  readonly caller: Caller;
  readonly log: Logger;
}

const HEALTH = /^\/(livez|readyz|healthz)$/;

export function serveMetricsApi({ address, port, tls, home, caller, log }: ServeOptions): Promise<ApiListener> {
  const served = servedMetrics(home);
  const handle = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    const url = new URL(request.url, 'https://metrics');
    if (HEALTH.test(url.pathname)) return await sendBytes(request, response, 200, 'text/plain; charset=utf-8', 'ok');
    const path = parseResourcePath(url.pathname);
    const user = await caller.identify(request);
    await caller.authorize(user, attributesOf(request.method ?? '', url, path));
    const { accept } = request.headers;
    const definition = path && served.find(path.group, path.version, path.resource);
    if (path === undefined || definition === undefined) {
      const body = document(url.pathname.replace(/\/$/, ''), accept);
      if (body === undefined) throw noSuchPath();
      return await sendObject(request, response, { code: 200, body });
    }
    const handler = metricsHandlerOf(definition, request.method);
    if (handler === undefined || !['GET', 'HEAD'].includes(request.method ?? '')) {
      throw new StatusError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
    }
    const { namespace, name, subresource } = path;
    const reply = await handler({ home, definition, namespace, name, subresource, query: url.searchParams, accept });
    const { format } = negotiate(accept, customOffer);
    await sendObject(request, response, { code: reply.code, body: reply.object, format });
  };
  const document = (path: string, accept: string | undefined): unknown => {
    const listed = served.definitions();
    // A group of which nothing is measured yet is there nonetheless: its APIService is to find it.
    const empty = Object.values(APIS).filter((one) => !listed.some(({ group: known }) => known === one.group));
    const definitions = [...listed, ...standIns(empty)];
    const [, root, name = '', version] = path.split('/');
    if (root !== 'apis') return undefined;
    if (name !== '' && version === undefined) return group(definitions, name);
    if (name !== '') {
      const groupVersion = `${name}/${version}`;
      const isEmpty = empty.some((one) => `${one.group}/${one.version}` === groupVersion);
      return isEmpty
        ? { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [] }
        : resourceList(listed, name, version ?? '');
    }
    const offer = { representations: ['object', 'discovery'], inProtobuf: [] } as const;
    return negotiate(accept, offer).representation === 'discovery'
      ? aggregated(listed, 'apis')
      : groupList(definitions);
  };
  return listen({
    address,
    port,
    tls,
    log,
    handle(request, response) {
      response.on('error', () => {});
      handle(request, response).catch(async (error: unknown) => {
        if (!(error instanceof StatusError)) log.error({ error, path: request.url }, 'A request failed');
        const message = `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`;
        const status = error instanceof StatusError ? error : new StatusError(500, 'InternalError', message);
        if (!response.headersSent) await sendError(request, response, status).catch(() => response.destroy());
      });
    },
  });
}
