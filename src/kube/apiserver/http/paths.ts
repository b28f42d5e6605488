// The path grammar of the Kubernetes API: which resource, namespace, name and subresource a path means.
// Knows the grammar only, not which resources exist.

export interface ResourcePath {
  /** `''` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly namespace: string | undefined;
  readonly resource: string;
  readonly name: string | undefined;
  /** What follows the name, e.g. `status`; undefined for the object itself. */
  readonly subresource: string | undefined;
}

/** Names below `/namespaces/{name}/` that belong to the Namespace itself. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

/** Undefined when the path is not one of a resource, e.g. discovery. Throws `URIError` on a malformed escape. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = path.split('/').slice(1).map(decodeURIComponent);
  if (parts.at(-1) === '') parts.pop();
  const root = parts.shift();
  const group = root === 'api' ? '' : root === 'apis' ? parts.shift() : undefined;
  const version = parts.shift();
  if (group === undefined || version === undefined || parts.length === 0 || parts.includes('')) return undefined;
  const [first = '', second, third, ...more] = parts;
  const inNamespace = first === 'namespaces' && third !== undefined && !NAMESPACE_SUBRESOURCES.has(third);
  if (inNamespace) return { group, version, namespace: second, resource: third, ...nameAndRest(more) };
  return { group, version, namespace: undefined, resource: first, ...nameAndRest(parts.slice(1)) };
}

function nameAndRest([name, ...rest]: readonly string[]): Pick<ResourcePath, 'name' | 'subresource'> {
  return { name, subresource: rest.length === 0 ? undefined : rest.join('/') };
}

const WATCH = /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)\/watch(\/.+)$/;

/**
 * The old form of a watch, which the API still has: `/api/v1/watch/namespaces/default/pods/web` becomes
 * `/api/v1/namespaces/default/pods?watch=true&fieldSelector=metadata.name=web`. Others are left as they are. Throws
 * `URIError` on a malformed escape.
 */
export function withoutWatchPrefix(url: URL): void {
  const [, root, rest] = WATCH.exec(url.pathname) ?? [];
  const path = rest === undefined ? undefined : parseResourcePath(`${root}${rest}`);
  if (path === undefined || path.subresource !== undefined) return;
  url.pathname = `${root}${path.name === undefined ? rest : rest?.replace(/\/[^/]+\/?$/, '')}`;
  url.searchParams.set('watch', 'true');
  if (path.name === undefined) return;
  const others = url.searchParams.get('fieldSelector') ?? '';
  url.searchParams.set('fieldSelector', `${others === '' ? '' : `${others},`}metadata.name=${path.name}`);
}
