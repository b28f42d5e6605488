// The last look at an object before it is written: required fields, semantic rules, metadata.
// Knows validation only; it changes nothing.
import { structuralCauses, validateStructure } from '#kube/api/schema/index.ts';
import { invalid, type StatusCause } from '#kube/api/status.ts';
import { validateObject } from '#kube/api/validation/index.ts';
import type { ServerContext } from '../context.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';

/** Throws `StatusError` 422 that names every cause at once. What is let go with a warning is added to `warnings`. */
export function assertValid(
  server: ServerContext,
  resource: Resource,
  next: AnyObject,
  previous: AnyObject | undefined,
  warnings: string[] = [],
): void {
  const schema = resource.schema();
  const missing: StatusCause[] = schema === undefined ? [] : structuralCauses(validateStructure(schema, next));
  const named = new Set(missing.map((cause) => cause.field));
  const { conversion } = resource;
  const judged = (object: AnyObject): AnyObject =>
    conversion?.validatesStored === true ? conversion.toStorage(object) : object;
  const wrong = validateObject(judged(next), previous && judged(previous), { admitLoopback: server.admitLoopback });
  const custom = resource.custom?.validate(next, previous);
  for (const warning of custom?.warnings ?? []) if (!warnings.includes(warning)) warnings.push(warning);
  const causes = [...missing, ...wrong.filter((cause) => !named.has(cause.field)), ...(custom?.causes ?? [])];
  if (causes.length === 0) return;
  const { group, kind } = resource.definition;
  throw invalid(group, kind, next.metadata?.name ?? '', causes);
}
