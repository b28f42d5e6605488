// Where a resource lives on the API server: URL paths and query strings.
// Pure; knows nothing of connections.
import type { ResourceRef } from './client.ts';

/** `/api/v1/namespaces/shop/pods/web-1/status`; a namespaced resource without namespace addresses all of them. */
export function resourcePath(ref: ResourceRef, namespace?: string, name?: string, subresource?: string): string {
  const root = ref.group === '' ? `/api/${ref.version}` : `/apis/${ref.group}/${ref.version}`;
  const inNamespace = ref.namespaced && namespace !== undefined && namespace !== '';
  const parts = [
    ...(inNamespace ? ['namespaces', namespace] : []),
    ref.resource,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `${root}/${parts.map(encodeURIComponent).join('/')}`;
}

/** Appends the parameters that have a value; booleans are sent only when true, as the API server defaults to false. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false || value === '') continue;
    params.set(name, String(value));
  }
  const text = params.toString();
  return text === '' ? path : `${path}?${text}`;
}
