// What is wrong with a custom object before it is written, by the schema of its version and its scale paths.
// Knows schemas by their door; metadata is everyone's and is looked at elsewhere.
import { blockingCause, checkRules, compileRules, type Structural, validateCustom } from '#kube/api/custom/index.ts';
import type { StatusCause } from '#kube/api/status.ts';
import { type AnyObject, dig } from '../registry/any-object.ts';
import type { CustomResource, ScalePaths } from '../registry/registry.ts';

/** Rules in CEL are compiled when the first object comes, and kept as long as the schema stands. */
export function validatorOf(schema: Structural, scale: ScalePaths | undefined): CustomResource['validate'] {
  let compiled: { readonly rules: ReturnType<typeof compileRules> } | undefined;
  return (next, previous) => {
    const causes = [...validateCustom(schema, next, previous), ...scaleMistakes(next, scale)];
    compiled ??= { rules: compileRules(schema) };
    if (compiled.rules === undefined) return { causes, warnings: [] };
    const blocking = blockingCause(causes);
    if (blocking !== undefined) return { causes: [...causes, blocking], warnings: [] };
    const found = checkRules(compiled.rules, next, previous);
    return { causes: [...causes, ...found.causes], warnings: found.warnings };
  };
}

/** What Scale shows as replicas must be a count. */
function scaleMistakes(object: AnyObject, scale: ScalePaths | undefined): StatusCause[] {
  if (scale === undefined) return [];
  return [scale.specReplicas, scale.statusReplicas].flatMap((path): StatusCause[] => {
    const replicas = dig(object, ...path);
    if (typeof replicas !== 'number' || replicas >= 0) return [];
    const message = `Invalid value: ${replicas}: should be a non-negative integer`;
    return [{ reason: 'FieldValueInvalid', message, field: `.${path.join('.')}` }];
  });
}
