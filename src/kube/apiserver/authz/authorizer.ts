// The question "may this user do that?", its answer, and the answer that a refused client reads.
// Knows no rules; who answers is in the files beside it. Upstream source of the words: endpoints/handlers/responsewriters.
import { StatusError } from '#kube/api/status.ts';
import type { User } from '../http/authn.ts';
import type { Attributes } from './attributes.ts';

export interface Decision {
  readonly allowed: boolean;
  /** Which rule allows it, or what went wrong as it was looked for; `''` when there is nothing to say. */
  readonly reason: string;
}

export interface Authorizer {
  authorize(user: User, attributes: Attributes): Decision;
}

/** Whoever is in it may do everything, whatever roles say: the way back in when all of them are gone. */
export const MASTERS = 'system:masters';

export type AuthorizationMode = 'RBAC' | 'AlwaysAllow';

export const allowAll: Authorizer = { authorize: () => ({ allowed: true, reason: '' }) };

/** Asks `inner` about everybody who is not in `system:masters`. */
export function exceptMasters(inner: Authorizer): Authorizer {
  return {
    authorize: (user, attributes) =>
      user.groups.includes(MASTERS) ? { allowed: true, reason: '' } : inner.authorize(user, attributes),
  };
}

/** Throws `StatusError` 403 in upstream's words. */
export function assertAllowed(authorizer: Authorizer, user: User, attributes: Attributes): void {
  const { allowed, reason } = authorizer.authorize(user, attributes);
  if (!allowed) throw refusal(user, attributes, reason);
}

export function refusal(user: User, attributes: Attributes, reason: string): StatusError {
  const why = `${wish(user, attributes)}${reason === '' ? '' : `: ${reason}`}`;
  if (attributes.kind === 'path') return new StatusError(403, 'Forbidden', `forbidden: ${why}`, {});
  const { group, resource, name } = attributes;
  const target = `${resource}${group === '' ? '' : `.${group}`}${name === '' ? '' : ` ${JSON.stringify(name)}`}`;
  return new StatusError(403, 'Forbidden', `${target} is forbidden: ${why}`, {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind: resource,
  });
}

function wish(user: User, attributes: Attributes): string {
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`;
  if (attributes.kind === 'path') return `${who} path ${JSON.stringify(attributes.path)}`;
  const { group, resource, subresource, namespace } = attributes;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  return `${who} resource ${JSON.stringify(what)} in API group ${JSON.stringify(group)} ${where}`;
}
