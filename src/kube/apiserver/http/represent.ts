// Objects in the representation the client asked for: as they are, as a Table, or their metadata only.
// Knows representations; which objects is the verbs' matter.
import { apiVersionOf } from '#kube/api/resources.ts';
import { type IncludeObject, type Table, tableFor } from '#kube/api/table/index.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import type { Accepted } from './negotiation.ts';

export interface ListMetadata {
  resourceVersion?: string;
  continue?: string;
  remainingItemCount?: number;
}

export interface RepresentOptions {
  readonly accepted: Accepted;
  readonly includeObject: IncludeObject;
  readonly wallMs: number;
}

/** Reads the `includeObject` parameter of Tables. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject');
  return value === 'None' || value === 'Object' ? value : 'Metadata';
}

/** What a representation needs to know of a resource. */
type Shown = Pick<Resource, 'definition' | 'custom'>;

export function representObject(resource: Shown, object: AnyObject, options: RepresentOptions): unknown {
  const { accepted } = options;
  if (accepted.representation === 'table') {
    return tableOf(resource, [object], { resourceVersion: object.metadata?.resourceVersion ?? '' }, options);
  }
  if (accepted.representation === 'partial') return partial(object, accepted.version);
  return object;
}

export function representList(
  resource: Shown,
  objects: readonly AnyObject[],
  metadata: ListMetadata,
  options: RepresentOptions,
): unknown {
  const { accepted } = options;
  if (accepted.representation === 'table') return tableOf(resource, objects, metadata, options);
  if (accepted.representation === 'partial') {
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${accepted.version}`,
      metadata,
      items: objects.map((object) => partial(object, accepted.version)),
    };
  }
  const { definition } = resource;
  return { kind: `${definition.kind}List`, apiVersion: apiVersionOf(definition), metadata, items: objects.map(bare) };
}

export function tableOf(
  resource: Shown,
  objects: readonly AnyObject[],
  metadata: ListMetadata,
  { accepted, includeObject, wallMs }: RepresentOptions,
): Omit<Table, 'apiVersion'> & { apiVersion: string } {
  const made = tableFor(resource.definition, objects, wallMs, {
    includeObject,
    ...(resource.custom === undefined ? {} : { printer: resource.custom.printer }),
  });
  return { ...made, apiVersion: `meta.k8s.io/${accepted.version}`, metadata };
}

/** As upstream: the items of a built-in list do not repeat what the list says. */
export function bare({ apiVersion: _, kind: __, ...rest }: AnyObject): AnyObject {
  return rest;
}

export function partial(object: AnyObject, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}
