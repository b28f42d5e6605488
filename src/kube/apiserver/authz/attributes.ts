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
  /** What a list or watch is narrowed to, as the request has it. */
  readonly fieldSelector?: string;
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
  if (single === 'get' && name === '') verb = isTrue(url.searchParams.get('watch')) ? 'watch' : 'list';
  const fieldSelector = url.searchParams.get('fieldSelector') ?? '';
  if (verb === 'list' || verb === 'watch') name ||= selected(fieldSelector, 'metadata.name') ?? '';
  else if (single === 'delete' && name === '') verb = 'deletecollection';
  // A Namespace is in itself: who may read what is in it may be given the right to read it as well.
  const namespace = path.namespace ?? (group === '' && resource === 'namespaces' ? (path.name ?? '') : '');
  const subresource = path.subresource?.split('/')[0] ?? '';
  const about = { kind: 'resource', verb, group, version, resource, subresource, namespace, name } as const;
  return fieldSelector === '' ? about : { ...about, fieldSelector };
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1';
}

/** The value that a field selector asks of a field; a list by `metadata.name` can only yield one object. */
export function selected(fieldSelector: string, field: string): string | undefined {
  for (const term of fieldSelector.split(',')) {
    const match = /^([^=!]+)==?([^=]+)$/.exec(term);
    if (match?.[1] === field) return match[2];
  }
  return undefined;
}
