// An informer of a custom resource that may not be defined yet, or never: it is empty until then.
// Knows definitions and informers; no resource by name.
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { ResourceRef } from '#kube/client/client.ts';
import type { ChangeHandler, Informer, Informers } from '#kube/client/informer.ts';

export type CustomInformer<T> = Pick<Informer<T>, 'get' | 'list' | 'synced'> & {
  /** As an informer's, but for good. */
  onChange(handler: ChangeHandler<T>): void;
};

/**
 * Watches the resource from the moment in which the server serves it, in the first version of those that can be read. `synced` resolves once it is known that it does
 * not, or its first list is in: nobody waits for what may never come.
 */
export function customInformer<T extends KubeObject>(
  informers: Informers,
  ref: ResourceRef & { readonly otherVersions?: readonly string[] },
): CustomInformer<T> {
  const definitions = informers.of<CustomResourceDefinition>(builtin('CustomResourceDefinition'));
  const name = `${ref.resource}.${ref.group}`;
  const handlers = new Set<ChangeHandler<T>>();
  let inner: Informer<T> | undefined;
  definitions.onChange((key, now) => {
    if (key !== name || now === undefined || inner !== undefined) return;
    const version = [ref.version, ...(ref.otherVersions ?? [])].find((one) => isServed(now, one));
    if (version === undefined) return;
    inner = informers.of<T>({ ...ref, version });
    for (const handler of handlers) inner.onChange(handler);
  });
  return {
    get: (key) => inner?.get(key),
    list: (namespace) => inner?.list(namespace) ?? [],
    onChange(handler) {
      handlers.add(handler);
      inner?.onChange(handler);
    },
    async synced() {
      await definitions.synced();
      await inner?.synced();
    },
  };
}

function isServed({ spec, status }: CustomResourceDefinition, version: string): boolean {
  const established = status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True');
  return established === true && spec.versions.some(({ name, served }) => name === version && served);
}
