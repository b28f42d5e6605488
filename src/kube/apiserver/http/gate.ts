// The way in: who asks, whom they act as, whether it is their turn, and whether they may; what is noted of it on the way.
// Knows the order of these steps; each is a file of its own.
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { StatusError, unauthorized } from '#kube/api/status.ts';
import type { Trail } from '../audit/trail.ts';
import { type Attributes, attributesOf } from '../authz/attributes.ts';
import { refusal } from '../authz/authorizer.ts';
import { impersonated } from '../authz/impersonation.ts';
import type { ServerContext } from '../context.ts';
import { isHealth } from '../discovery/nonresource.ts';
import type { EndTurn } from '../flow/control.ts';
import { anonymous, authenticate, type User } from './authn.ts';
import type { ResourcePath } from './paths.ts';

export interface Asked {
  readonly request: Http2ServerRequest;
  readonly response: Http2ServerResponse;
  readonly url: URL;
  readonly path: ResourcePath | undefined;
}

export interface Entered {
  readonly user: User;
  /** To be called when the request has been served, or has failed. */
  readonly leave: EndTurn;
}

/** As upstream, before anything is said of what is there. Throws `StatusError` 400, 401, 403, 429. */
export async function enter(
  server: ServerContext,
  { request, response, url, path }: Asked,
  trail: Trail | undefined,
): Promise<Entered> {
  const attributes = attributesOf(request.method ?? '', url, path);
  const self = identify(server, request, url, attributes, trail);
  const user = impersonated(self, request.rawHeaders, server.authorizer);
  trail?.actsAs(user);
  const turn = server.flows.admit(user, attributes, (gone) => response.once('close', gone));
  const { end, headers } = turn instanceof Promise ? await turn : turn;
  try {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    authorize(server, user, attributes, trail);
  } catch (error) {
    end();
    throw error;
  }
  return { user, leave: end };
}

function authorize(server: ServerContext, user: User, attributes: Attributes, trail: Trail | undefined): void {
  decide(server, user, attributes, trail);
  // A GET that opens a stream into a pod is no reading: who may only read must not get a shell by it.
  if (opensStream(attributes)) decide(server, user, { ...attributes, verb: 'create' }, trail);
}

function identify(
  server: ServerContext,
  request: Http2ServerRequest,
  url: URL,
  attributes: Attributes,
  trail: Trail | undefined,
): User {
  try {
    const user = authenticate(request, server.tokens);
    if (user === anonymous && server.roles === undefined && !isHealth(url.pathname)) throw unauthorized();
    trail?.asks(user, attributes);
    return user;
  } catch (error) {
    if (error instanceof StatusError && error.code === 401) trail?.asks({ name: '', groups: [] }, attributes);
    throw error;
  }
}

function decide({ authorizer }: ServerContext, user: User, attributes: Attributes, trail: Trail | undefined): void {
  const decision = authorizer.authorize(user, attributes);
  trail?.decided(decision);
  if (!decision.allowed) throw refusal(user, attributes, decision.reason);
}

function opensStream(attributes: Attributes): boolean {
  if (attributes.kind === 'path' || attributes.resource !== 'pods' || attributes.verb !== 'get') return false;
  return ['attach', 'exec', 'portforward'].includes(attributes.subresource);
}
