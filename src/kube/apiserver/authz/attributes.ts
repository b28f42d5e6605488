// What a request wants, in the words that rules are written in: verb, group, resource, subresource, namespace, name.
// Knows paths and methods; nothing of who may do it. Upstream source: apiserver/pkg/endpoints/request/requestinfo.go.
import type { ResourcePath } from '../http/paths.ts';

/** A request for a resource, whether it is served or not. */
export interface ResourceAttributes {
  readonly kind: 'resource';
  /** `get`, `list`, ..., or a verb of its own such as `use`, `bind`, `escalate`, `impersonate`, `approve`. */
  readonly verb: string;
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** `''` for the object itself. */
  readonly subresource: string;
  /** `''` for the cluster's scope, and for all namespaces at once. */
  readonly namespace: string;
  /** `''` when the request names no object. */
  readonly name: string;
}

/** A request for anything else, e.g. `/version`. */
export interface PathAttributes {
  readonly kind: 'path';
  /** The method in small letters. */
  readonly verb: string;
  readonly path: string;
}

export type Attributes = ResourceAttributes | PathAttributes;

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

export function attributesOf(method: string, url: URL, path: ResourcePath | undefined): Attributes {
  if (path === undefined) return { kind: 'path', verb: method.toLowerCase(), path: url.pathname };
  const { group, version, resource } = path;
  const single = VERBS[method] ?? '';
  let name = path.name ?? '';
  let verb = single;
  if (single === 'get' && isTrue(url.searchParams.get('watch'))) verb = 'watch';
  else if (single === 'get' && name === '') verb = 'list';
  if (verb === 'list' || verb === 'watch') name ||= namedBySelector(url.searchParams.get('fieldSelector'));
  else if (single === 'delete' && name === '') verb = 'deletecollection';
  // A Namespace is in itself: who may read what is in it may be given the right to read it as well.
  const namespace = path.namespace ?? (group === '' && resource === 'namespaces' ? (path.name ?? '') : '');
  const subresource = path.subresource?.split('/')[0] ?? '';
  return { kind: 'resource', verb, group, version, resource, subresource, namespace, name };
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

/** A list that can only yield one object is a request for that one. */
function namedBySelector(selector: string | null): string {
  for (const term of (selector ?? '').split(',')) {
    const match = /^metadata\.name==?([^=]+)$/.exec(term);
    if (match?.[1] !== undefined) return match[1];
  }
  return '';
}
