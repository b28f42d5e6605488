// Acting as somebody else: the Impersonate-* headers, and who may.
// Knows headers and the authorizer. Upstream source: apiserver/pkg/endpoints/filters/impersonation.
import { badRequest } from '#kube/api/status.ts';
import { anonymous, type User } from '../http/authn.ts';
import { userPrefix } from '../service-accounts/claims.ts';
import type { ResourceAttributes } from './attributes.ts';
import { type Authorizer, assertAllowed } from './authorizer.ts';

const AUTHENTICATED = 'system:authenticated';
const UNAUTHENTICATED = 'system:unauthenticated';
const EXTRA = 'impersonate-extra-';

interface Wanted {
  name: string;
  uid: string;
  groups: string[];
  extra: Record<string, string[]>;
}

/**
 * Whom the request is to be taken for: `user`, unless its headers name another. `rawHeaders` are names and values in
 * turn, so that a value that comes twice is two. Throws `StatusError` 400, and 403 when `user` may not.
 */
export function impersonated(user: User, rawHeaders: readonly string[], authorizer: Authorizer): User {
  const wanted = read(rawHeaders);
  if (wanted === undefined) return user;
  const { name, uid, extra } = wanted;
  if (name === '') {
    throw badRequest('the request impersonates a group, uid or extra, and no user: send Impersonate-User as well');
  }
  const may = (attributes: Partial<ResourceAttributes>): void =>
    assertAllowed(authorizer, user, { ...IMPERSONATE, ...attributes });
  const [namespace, account] = accountOf(name);
  if (account === undefined) may({ resource: 'users', name });
  else may({ resource: 'serviceaccounts', namespace, name: account });
  for (const group of wanted.groups) may({ resource: 'groups', name: group });
  for (const [key, values] of Object.entries(extra)) {
    for (const value of values) may({ group: ABOUT, resource: 'userextras', subresource: key, name: value });
  }
  if (uid !== '') may({ group: ABOUT, resource: 'uids', name: uid });
  return {
    name,
    groups: groupsOf(wanted, namespace, account),
    ...(uid === '' ? {} : { uid }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
}

const ABOUT = 'authentication.k8s.io';
const IMPERSONATE: ResourceAttributes = {
  kind: 'resource',
  verb: 'impersonate',
  group: '',
  version: 'v1',
  resource: '',
  subresource: '',
  namespace: '',
  name: '',
};

function read(rawHeaders: readonly string[]): Wanted | undefined {
  // A key may be any word, also one that plain objects inherit.
  const wanted: Wanted = { name: '', uid: '', groups: [], extra: Object.create(null) };
  let found = false;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const header = (rawHeaders[at] ?? '').toLowerCase();
    if (!header.startsWith('impersonate-')) continue;
    const value = Buffer.from(rawHeaders[at + 1] ?? '', 'latin1').toString('utf8');
    found = true;
    if (header === 'impersonate-user') wanted.name = value;
    else if (header === 'impersonate-uid') wanted.uid = value;
    else if (header === 'impersonate-group') wanted.groups.push(value);
    else if (header.startsWith(EXTRA)) {
      const key = keyOf(header.slice(EXTRA.length));
      wanted.extra[key] = [...(wanted.extra[key] ?? []), value];
    }
  }
  return found ? wanted : undefined;
}

/** As upstream: what no header may hold is written with percent signs; a malformed one stands for itself. */
function keyOf(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function accountOf(name: string): [namespace: string, account: string | undefined] {
  if (!name.startsWith(userPrefix)) return ['', undefined];
  const [namespace = '', account, ...rest] = name.slice(userPrefix.length).split(':');
  return rest.length > 0 || namespace === '' || account === '' ? ['', undefined] : [namespace, account];
}

function groupsOf({ name, groups }: Wanted, namespace: string, account: string | undefined): string[] {
  const own =
    account !== undefined && groups.length === 0
      ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
      : [...groups];
  if (own.includes(AUTHENTICATED) || own.includes(UNAUTHENTICATED)) return own;
  return [...own, name === anonymous.name ? UNAUTHENTICATED : AUTHENTICATED];
}
