// From apiVersion and kind to the resource that serves them, as the server's discovery says.
// Knows discovery documents; knows no kind by name.

import { StatusError } from '#kube/api/status.ts';
import type { Client, ResourceRef } from '#kube/client/client.ts';

/** One entry of an APIResourceList. */
export interface ApiResource {
  readonly name: string;
  readonly singularName?: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly verbs: readonly string[];
}

export interface ServedResource extends ResourceRef {
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly singular: string;
  readonly verbs: readonly string[];
}

interface GroupList {
  readonly groups: ReadonlyArray<{ readonly versions: ReadonlyArray<{ readonly groupVersion: string }> }>;
}

export interface Mapper {
  /** `undefined` when the server does not serve it; asks again each time it is not known. */
  byKind(apiVersion: string, kind: string): Promise<ServedResource | undefined>;
  /** Plural, singular, short name, or `resource.group`; a category (`all`) yields several. */
  byName(name: string): Promise<readonly ServedResource[]>;
}

export function createMapper(client: Client): Mapper {
  const known = new Map<string, readonly ServedResource[]>();

  async function inGroupVersion(groupVersion: string, fresh: boolean): Promise<readonly ServedResource[]> {
    const kept = known.get(groupVersion);
    if (kept !== undefined && !fresh) return kept;
    const found = await fetchResources(client, groupVersion);
    if (found.length > 0) known.set(groupVersion, found);
    return found;
  }

  return {
    async byKind(apiVersion, kind) {
      const find = (resources: readonly ServedResource[]): ServedResource | undefined =>
        resources.find((resource) => resource.kind === kind);
      return find(await inGroupVersion(apiVersion, false)) ?? find(await inGroupVersion(apiVersion, true));
    },

    async byName(name) {
      const wanted = name.toLowerCase();
      const { groups } = (await client.raw('GET', '/apis')) as GroupList;
      const versions = ['v1', ...groups.flatMap((group) => group.versions.map((version) => version.groupVersion))];
      const all = (await Promise.all(versions.map((version) => inGroupVersion(version, false)))).flat();
      const first = all.find(
        ({ resource, singular, shortNames, group }) =>
          resource === wanted ||
          singular === wanted ||
          shortNames.includes(wanted) ||
          `${resource}.${group}` === wanted,
      );
      return first === undefined ? all.filter(({ categories }) => categories.includes(wanted)) : [first];
    },
  };
}

async function fetchResources(client: Client, groupVersion: string): Promise<readonly ServedResource[]> {
  const slash = groupVersion.indexOf('/');
  const [group, version] =
    slash < 0 ? ['', groupVersion] : [groupVersion.slice(0, slash), groupVersion.slice(slash + 1)];
  try {
    const path = group === '' ? `/api/${version}` : `/apis/${groupVersion}`;
    const { resources } = (await client.raw('GET', path)) as { resources: readonly ApiResource[] };
    return resources
      .filter((resource) => !resource.name.includes('/'))
      .map((resource) => ({
        group,
        version,
        resource: resource.name,
        kind: resource.kind,
        namespaced: resource.namespaced,
        shortNames: resource.shortNames ?? [],
        categories: resource.categories ?? [],
        singular: resource.singularName || resource.kind.toLowerCase(),
        verbs: resource.verbs,
      }));
  } catch (error) {
    if (error instanceof StatusError && error.code === 404) return [];
    throw error;
  }
}
