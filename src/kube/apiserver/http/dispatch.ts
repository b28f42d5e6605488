// The way of every request: who asks, what for, which handler, and every failure as a Status.
// Knows the order of these steps; each is a file of its own.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { badRequest, StatusError } from '#kube/api/status.ts';
import { NoSpaceError } from '#kube/store/store.ts';
import type { Upgrade } from '#kube/streaming/upgrade.ts';
import { requestId, Trail } from '../audit/trail.ts';
import type { ResourceRequest, ServerContext } from '../context.ts';
import { serveNonResource } from '../discovery/nonresource.ts';
import type { Subject } from '../metrics/request-metrics.ts';
import type { User } from './authn.ts';
import { answersOrigin } from './cross-origin.ts';
import { type Asked, enter } from './gate.ts';
import { builtinOffer, customOffer, negotiate } from './negotiation.ts';
import { parseResourcePath, withoutWatchPrefix } from './paths.ts';
import { sendBytes, sendError, sendObject } from './respond.ts';
import { handlerFor, NoSuchPath, noSuchPath } from './routes.ts';
import { limitTime } from './time-limit.ts';

export async function dispatch(
  server: ServerContext,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  upgrade?: Upgrade,
): Promise<void> {
  // A client that is gone is no failure of ours, whatever was still on its way to it.
  response.on('error', (error) => server.log.debug({ error: String(error), path: request.url }, 'Answer was cut off'));
  if (answersOrigin(server.allowsOrigin, request, response)) return;
  const subject: Subject = { verb: nonResourceVerb(request.method), group: '', resource: 'none', longRunning: false };
  const counted = server.metrics.begin(subject);
  response.once('close', () => counted.end(response.statusCode));
  const id = requestId(request.headers['audit-id']);
  response.setHeader('audit-id', id);
  const trail =
    server.audit === undefined ? undefined : new Trail(server.audit, server.clock, { request, response, upgrade, id });
  const warnings: string[] = [];
  const told = (found: Subject): void => {
    Object.assign(subject, found);
    counted.named();
  };
  limitTime(server.clock, server.requestTimeoutMs, {
    request,
    response,
    lasts: () => subject.longRunning,
    refuse: (error) => fail(server, request, response, error, { trail, warnings }),
  });
  try {
    await serve(server, request, response, upgrade, { told, trail, warnings });
  } catch (error) {
    await fail(server, request, response, error, { trail, warnings }).catch((second: unknown) => {
      server.log.error({ error: second, path: request.url }, 'Cannot answer a request');
      response.destroy();
    });
  }
}

/** Those who only look on. */
interface Watchers {
  readonly told: (subject: Subject) => void;
  readonly trail: Trail | undefined;
  /** Texts for `Warning` headers, of answers and refusals. */
  readonly warnings: string[];
}

async function serve(
  server: ServerContext,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  upgrade: Upgrade | undefined,
  { told, trail, warnings }: Watchers,
): Promise<void> {
  const url = parseUrl(request.url);
  const path = parsePath(url, request.method);
  const { user, leave } = await enter(server, { request, response, url, path }, trail);
  try {
    await serveTo(user, server, { request, response, upgrade, url, path }, { told, trail, warnings });
  } finally {
    leave();
  }
}

interface Call extends Asked {
  readonly upgrade: Upgrade | undefined;
}

async function serveTo(
  user: User,
  server: ServerContext,
  { request, response, upgrade, url, path }: Call,
  { told, trail, warnings }: Watchers,
): Promise<void> {
  if (server.aggregator.serves(url.pathname)) {
    // How long it may take is for the other server to say.
    told({ verb: nonResourceVerb(request.method), group: '', resource: 'none', longRunning: true });
    await server.aggregator.pass(server, user, { http: request, response, upgrade }, url.pathname);
    return;
  }
  const resource = path === undefined ? undefined : server.registry.find(path.group, path.version, path.resource);
  if (path === undefined || resource === undefined) {
    if (url.pathname === BACKUP) told({ verb: 'get', group: '', resource: 'none', longRunning: true });
    if (!(await serveNonResource(server, request, response, url))) throw noSuchPath();
    return;
  }
  if (!resource.definition.namespaced && path.namespace !== undefined) throw noSuchPath();
  if (resource.definition.namespaced && path.namespace === undefined && path.name !== undefined) throw noSuchPath();
  const resourceRequest: ResourceRequest = {
    server,
    resource,
    namespace: path.namespace,
    name: path.name,
    subresource: path.subresource,
    query: url.searchParams,
    user,
    http: request,
    response,
    upgrade,
    warnings,
    annotate: (key, value, level) => trail?.annotate(key, value, level),
  };
  const { verb, handler } = handlerFor(resourceRequest);
  told(subjectOf(resourceRequest, verb));
  const reply = await handler(resourceRequest);
  if (reply === undefined) return;
  if (reply.list === undefined) trail?.answers(reply.object);
  else trail?.answersBy(() => reply.object);
  const { format } = negotiate(request.headers.accept, resource.inProtobuf ? builtinOffer : customOffer);
  await sendObject(request, response, {
    code: reply.code,
    ...(reply.list === undefined ? {} : { parts: await server.listBytes.of(resource, reply.list) }),
    get body() {
      return reply.object;
    },
    format,
    warnings: resourceRequest.warnings,
  });
}

/** As long as the store is large. */
const BACKUP = '/backup';
/** Answers that last as long as the client likes. */
const LONG = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

function subjectOf({ resource, subresource }: ResourceRequest, verb: string): Subject {
  const { group, resource: plural } = resource.definition;
  // What follows proxy/ is a path of the client's choice.
  const part = subresource?.split('/', 1)[0] ?? '';
  return {
    verb,
    group,
    resource: part === '' ? plural : `${plural}/${part}`,
    longRunning: verb === 'watch' || LONG.has(part),
  };
}

/** A method of the client's invention must not open a series. */
function nonResourceVerb(method: string | undefined): string {
  const verb = (method ?? '').toLowerCase();
  return ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'].includes(verb) ? verb : 'other';
}

/** As a segment of a path; `URL` would resolve these, and an object's name would lead to another resource. */
const DOTS = /^(\.|%2e){1,2}$/i;

function parseUrl(url: string): URL {
  if (
    url
      .split('?')[0]
      ?.split('/')
      .some((segment) => DOTS.test(segment))
  ) {
    throw badRequest(`the request path ${JSON.stringify(url)} has a segment of dots, which names nothing`);
  }
  try {
    return new URL(url, 'https://apiserver');
  } catch {
    throw badRequest(`the request path ${JSON.stringify(url)} is malformed`);
  }
}

/** The URL is brought into the form that everything else knows. */
function parsePath(url: URL, method: string | undefined): ReturnType<typeof parseResourcePath> {
  try {
    if (method === 'GET') withoutWatchPrefix(url);
    return parseResourcePath(url.pathname);
  } catch {
    throw badRequest(`the request path ${JSON.stringify(url.pathname)} has a malformed escape`);
  }
}

async function fail(
  server: ServerContext,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
  error: unknown,
  { trail, warnings }: Omit<Watchers, 'told'>,
): Promise<void> {
  if (response.headersSent || response.destroyed) {
    server.log.debug({ error: String(error), path: request.url }, 'Request failed after its answer had begun');
    response.end();
    return;
  }
  const status = error instanceof StatusError ? error : error instanceof NoSpaceError ? full(error) : internal(error);
  trail?.fails(status);
  if (status.code >= 500 && status.reason === 'InternalError') {
    server.log.error({ error, method: request.method, path: request.url }, 'Request failed');
  }
  if (status instanceof NoSuchPath) {
    const plain = { 'cache-control': 'no-cache, private', 'x-content-type-options': 'nosniff' };
    await sendBytes(request, response, 404, 'text/plain; charset=utf-8', '404 page not found\n', plain);
  } else await sendError(request, response, status, warnings);
  // A body nobody read would keep an HTTP/1.1 connection from its next request.
  request.resume();
}

/** Upstream answers 500 with etcd's words; the code says beside them that trying again is of no use. */
function full({ message }: NoSpaceError): StatusError {
  return new StatusError(507, 'InsufficientStorage', message, { causes: [{ reason: 'NoSpace', message }] });
}

function internal(error: unknown): StatusError {
  const message = error instanceof Error ? error.message : String(error);
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, {
    causes: [{ reason: '', message }],
  });
}
