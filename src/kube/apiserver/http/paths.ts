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
