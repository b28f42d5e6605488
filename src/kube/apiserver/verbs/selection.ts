// Which objects a list, watch or deletecollection is about: label and field selectors together.
// Knows selectors; fields beyond name and namespace come from the strategy.
import { type FieldQuery, parseFieldSelector, parseLabelSelector } from '#kube/api/selector.ts';
import { badRequest } from '#kube/api/status.ts';
import type { ResourceRequest } from '../context.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Strategy } from '../strategies/strategy.ts';

export interface Selection {
  readonly empty: boolean;
  matches(object: AnyObject): boolean;
}

/** Throws `StatusError` 400 for a selector that cannot be read or names a field that cannot be selected by. */
export function selectionOf({ resource, query, name }: ResourceRequest): Selection {
  return selectionIn(resource.strategy.selectableFields, query, name);
}

/** `readers`: fields to select by, besides name and namespace; undefined where the kind has none of its own. */
export function selectionIn(
  readers: Strategy['selectableFields'],
  query: URLSearchParams,
  name: string | undefined,
): Selection {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  assertSelectable(readers, fields);
  const read = (object: AnyObject, field: string): string => {
    if (field === 'metadata.name') return object.metadata?.name ?? '';
    if (field === 'metadata.namespace') return object.metadata?.namespace ?? '';
    return readers?.[field]?.(object) ?? '';
  };
  return {
    empty: labels.empty && fields.empty && name === undefined,
    matches: (object) =>
      (name === undefined || object.metadata?.name === name) &&
      (labels.empty || labels.matches(object.metadata?.labels)) &&
      (fields.empty || fields.matches((field) => read(object, field))),
  };
}

function assertSelectable(readers: Strategy['selectableFields'], fields: FieldQuery): void {
  for (const { field } of fields.requirements) {
    const known = field === 'metadata.name' || field === 'metadata.namespace' || Object.hasOwn(readers ?? {}, field);
    if (known) continue;
    // Kinds with fields of their own have a list of their own upstream, and words of their own.
    throw badRequest(
      readers === undefined
        ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
        : `field label not supported: ${field}`,
    );
  }
}
