// Which handler serves a verb on a resource or on one of its subresources: the table of the whole API.
// Knows handlers by name; how they work is in verbs/ and subresources/.
import type { Verb } from '#kube/api/resources.ts';
import { methodNotSupported, StatusError } from '#kube/api/status.ts';
import { reviewAccess, reviewLocalAccess, reviewOwnAccess, reviewOwnRules } from '../authz/reviews.ts';
import { patchApproval, putApproval } from '../certificates/approval.ts';
import type { Handler, ResourceRequest } from '../context.ts';
import { ownHome } from '../metrics/own-home.ts';
import { isMeasured, metricsHandlerOf } from '../metrics/served-metrics.ts';
import { proxyRequest } from '../proxy/proxy.ts';
import { bindPod } from '../subresources/binding.ts';
import { connectAttach, connectExec, connectPortForward } from '../subresources/connect.ts';
import { patchEphemeralContainers, putEphemeralContainers } from '../subresources/ephemeral-containers.ts';
import { evictPod } from '../subresources/eviction.ts';
import { finalizeNamespace } from '../subresources/finalize.ts';
import { readLog } from '../subresources/log.ts';
import { reviewSelf, reviewToken } from '../subresources/reviews.ts';
import { getScale, patchScale, putScale } from '../subresources/scale.ts';
import { createToken } from '../subresources/token.ts';
import { getObject, listObjects } from '../verbs/read.ts';
import { watchObjects } from '../verbs/watch.ts';
import { createFromBody, deleteFromBody, deleteSelected, patchFromBody, updateFromBody } from '../verbs/write.ts';
import { flag } from './parameters.ts';

const verbs: Readonly<Record<Verb, Handler>> = {
  create: createFromBody,
  delete: deleteFromBody,
  deletecollection: deleteSelected,
  get: getObject,
  list: listObjects,
  patch: patchFromBody,
  update: updateFromBody,
  watch: watchObjects,
};

/** Subresource -> verb -> handler; a verb that is missing answers 405. */
const subresources: Readonly<Record<string, Partial<Record<Verb, Handler>>>> = {
  status: { get: getObject, update: updateFromBody, patch: patchFromBody },
  scale: { get: getScale, update: putScale, patch: patchScale },
  binding: { create: bindPod },
  eviction: { create: evictPod },
  ephemeralcontainers: { get: getObject, update: putEphemeralContainers, patch: patchEphemeralContainers },
  log: { get: readLog },
  // The client's choice: GET for WebSocket, POST for SPDY.
  exec: { create: connectExec, get: connectExec },
  attach: { create: connectAttach, get: connectAttach },
  portforward: { create: connectPortForward, get: connectPortForward },
  // Every method goes through; what a client may ask for is the business of what it reaches.
  proxy: { create: proxyRequest, delete: proxyRequest, get: proxyRequest, patch: proxyRequest, update: proxyRequest },
  token: { create: createToken },
  approval: { get: getObject, update: putApproval, patch: patchApproval },
  finalize: { update: finalizeNamespace },
};

/** Kinds that are answered and never stored. */
const answered: Readonly<Record<string, Handler>> = {
  localsubjectaccessreviews: reviewLocalAccess,
  selfsubjectaccessreviews: reviewOwnAccess,
  selfsubjectrulesreviews: reviewOwnRules,
  subjectaccessreviews: reviewAccess,
  selfsubjectreviews: reviewSelf,
  tokenreviews: reviewToken,
};

/** Verbs that a subresource serves, for discovery. */
export function subresourceVerbs(name: string): Verb[] {
  return Object.keys(subresources[name] ?? {}) as Verb[];
}

/** Throws `StatusError` 404, 405. */
export function handlerFor(request: ResourceRequest): { readonly verb: string; readonly handler: Handler } {
  const { definition } = request.resource;
  if (/^proxy(\/|$)/.test(request.subresource ?? '') && definition.subresources.includes('proxy')) {
    return { verb: 'connect', handler: proxyRequest };
  }
  const verb = verbOf(request);
  return { verb, handler: handlerOf(request, verb) };
}

function handlerOf(request: ResourceRequest, verb: Verb): Handler {
  const { definition } = request.resource;
  const metrics = metricsHandler(request, verb);
  if (metrics !== undefined) return metrics;
  if (request.subresource !== undefined) {
    const served = definition.subresources.includes(request.subresource)
      ? subresources[request.subresource]
      : undefined;
    if (served === undefined) throw noSuchPath();
    const handler = served[verb];
    if (handler === undefined) throw notAllowed(request.resource, verb);
    return handler;
  }
  if (!definition.verbs.includes(verb)) throw notAllowed(request.resource, verb);
  return answered[definition.resource] ?? verbs[verb];
}

function metricsHandler({ resource, http }: ResourceRequest, verb: Verb): Handler | undefined {
  const { definition } = resource;
  const handler = metricsHandlerOf(definition, http.method);
  // Of the use of nodes and pods discovery tells which verbs there are.
  if (handler === undefined || (!isMeasured(definition) && !definition.verbs.includes(verb))) return undefined;
  return ({ server, namespace, name, subresource, query }) =>
    handler({ home: ownHome(server), definition, namespace, name, subresource, query, accept: http.headers.accept });
}

function verbOf({ http, name, query, resource, namespace, subresource }: ResourceRequest): Verb {
  switch (http.method) {
    case 'GET':
    case 'HEAD':
      // As upstream: one object is got, whatever else is asked.
      if (name !== undefined) return 'get';
      return flag(query, 'watch') ? 'watch' : 'list';
    case 'POST':
      if (subresource !== undefined) return 'create';
      // As upstream: into one namespace, and the name is in the object only.
      if (name === undefined && (namespace !== undefined || !resource.definition.namespaced)) return 'create';
      break;
    case 'PUT':
      if (name !== undefined) return 'update';
      break;
    case 'PATCH':
      if (name !== undefined) return 'patch';
      break;
    case 'DELETE':
      if (name !== undefined) return 'delete';
      // As upstream: nobody empties every namespace by one request.
      if (namespace !== undefined || !resource.definition.namespaced) return 'deletecollection';
      break;
    default:
  }
  throw notAllowed(resource, VERBS[http.method ?? ''] ?? String(http.method).toLowerCase());
}

/** How the authorizer, and with it a message, calls a method that nothing is served by. */
const VERBS: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', DELETE: 'deletecollection' };

/** As upstream: custom resources are served by a handler of their own, which says more. */
function notAllowed({ definition, custom }: ResourceRequest['resource'], verb: string): StatusError {
  return custom === undefined ? notAllowedHere() : methodNotSupported(definition, verb);
}

/** Upstream's answer where there is something, but not for this method. */
export function notAllowedHere(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

/** Upstream's answer for a path that nothing serves is no Status, but a line of text. */
export class NoSuchPath extends StatusError {
  constructor() {
    super(404, 'NotFound', 'the server could not find the requested resource', {});
  }
}

export function noSuchPath(): StatusError {
  return new NoSuchPath();
}
