// OpenAPI v3: an index of group versions and one document for each, as /openapi/v3 serves them.
// Knows nothing of HTTP; documents are made on first use and kept until a custom kind of theirs changes.
import { createHash } from 'node:crypto';
import { apiVersionOf, builtinResources } from '../resources.ts';
import type { CustomKind } from './custom.ts';
import { basePath } from './operations.ts';
import { buildV3, type OpenApiV3Document } from './v3-document.ts';

/** The index: path without a leading slash -> where its document is, with a hash for caches. */
export interface OpenApiV3Index {
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

/** A document, and the custom kinds that it was made with. */
interface Kept {
  readonly custom: readonly CustomKind[];
  readonly document: OpenApiV3Document;
  hash: string | undefined;
}

const kept = new Map<string, Kept>();

/** The index of all group versions that are built in, and of those that `custom` adds. */
export function openApiV3Root(custom: readonly CustomKind[] = []): OpenApiV3Index {
  const versions = new Map<string, string>();
  for (const resource of [...builtinResources, ...custom.map((each) => each.resource)]) {
    versions.set(basePath(resource).slice(1), apiVersionOf(resource));
  }
  const entries = [...versions].map(([path, groupVersion]) => {
    const hash = hashOf(groupVersion, custom);
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
  });
  return { paths: Object.fromEntries(entries) };
}

/** The document of `v1`, `apps/v1`, ...; undefined when nothing of that group version is served. Do not change it. */
export function openApiV3(groupVersion: string, custom: readonly CustomKind[] = []): OpenApiV3Document | undefined {
  return documentOf(groupVersion, custom)?.document;
}

function documentOf(groupVersion: string, allCustom: readonly CustomKind[]): Kept | undefined {
  const custom = allCustom.filter((each) => apiVersionOf(each.resource) === groupVersion);
  const known = kept.get(groupVersion);
  if (known !== undefined && sameKinds(known.custom, custom)) return known;
  const resources = builtinResources.filter((each) => apiVersionOf(each) === groupVersion);
  if (resources.length === 0 && custom.length === 0) {
    kept.delete(groupVersion);
    return undefined;
  }
  const made: Kept = { custom, document: buildV3(resources, custom), hash: undefined };
  kept.set(groupVersion, made);
  return made;
}

/** By identity: a changed definition brings a new schema object. */
function sameKinds(a: readonly CustomKind[], b: readonly CustomKind[]): boolean {
  return (
    a.length === b.length &&
    a.every((kind, index) => kind.resource === b[index]?.resource && kind.openApiSchema === b[index]?.openApiSchema)
  );
}

function hashOf(groupVersion: string, custom: readonly CustomKind[]): string {
  const found = documentOf(groupVersion, custom);
  if (found === undefined) return '';
  found.hash ??= createHash('sha256').update(JSON.stringify(found.document)).digest('hex').toUpperCase();
  return found.hash;
}
