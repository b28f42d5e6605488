// Nothing is created in a namespace that is not there or is going away.
// Knows Namespaces only, as upstream's NamespaceLifecycle.
import type { ResourceDefinition } from '#kube/api/resources.ts';
import { notFound, StatusError } from '#kube/api/status.ts';
import type { ServerContext } from '../context.ts';
import type { AnyObject } from '../registry/any-object.ts';

const NAMESPACES = { group: '', resource: 'namespaces' } as const;

/** Throws `StatusError` 404 or 403. */
export function admitNamespace(server: ServerContext, definition: ResourceDefinition, object: AnyObject): void {
  if (!definition.namespaced) return;
  const name = object.metadata?.namespace ?? '';
  const namespace = server.registry.builtin('', 'v1', 'namespaces').collection.get(undefined, name);
  if (namespace === undefined) throw notFound(NAMESPACES, name);
  const { deletionTimestamp } = namespace.object.metadata ?? {};
  if (deletionTimestamp === undefined) return;
  const { group, resource } = definition;
  const target = group === '' ? resource : `${resource}.${group}`;
  const objectName = object.metadata?.name ?? '';
  const why = `unable to create new content in namespace ${name} because it is being terminated`;
  throw new StatusError(403, 'Forbidden', `${target} "${objectName}" is forbidden: ${why}`, {
    name: objectName,
    ...(group === '' ? {} : { group }),
    kind: resource,
    causes: [
      { reason: 'NamespaceTerminating', message: `namespace ${name} is being terminated`, field: 'metadata.namespace' },
    ],
  });
}

/** The namespaces a cluster cannot do without; upstream refuses to delete them. */
export const PROTECTED_NAMESPACES: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);
