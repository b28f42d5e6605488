// Which of the fields that the published API calls required a server really insists on.
// Go's decoder fills what is missing with zero values; only validation complains, and only about some.
import type { Schema } from './schema.ts';

/** Where the zero value is fine, or where semantic validation has a better text of its own. */
const lenient: ReadonlySet<string> = new Set([
  'apiextensions.v1.CustomResourceDefinitionNames.kind',
  'apiextensions.v1.CustomResourceDefinitionNames.plural',
  'authentication.v1.TokenReviewSpec.token',
  'core.v1.Event.metadata',
  'core.v1.HTTPHeader.value',
  'core.v1.Sysctl.value',
  'core.v1.Taint.effect',
  'core.v1.GlusterfsVolumeSource.path',
  'core.v1.GlusterfsPersistentVolumeSource.path',
  'events.v1.Event.eventTime',
  'meta.v1.OwnerReference.apiVersion',
  'meta.v1.OwnerReference.kind',
  'meta.v1.OwnerReference.name',
  'meta.v1.OwnerReference.uid',
]);

/** Types that only ever stand in what a controller reports. */
const reported = /(Status|Condition|State\w*|SystemInfo|AttachedVolume|DaemonEndpoint)$/;

/** Structs that are there for the decoder even when nobody wrote them, though the published API does not say so. */
const alwaysThere: ReadonlySet<string> = new Set(['apps.v1.ReplicaSetSpec.template']);

/**
 * True when an absent field stands for an empty object: then its own required fields are what is missing.
 * A pointer is really absent; among required fields that is the label selector alone.
 */
function absenceIsEmpty(schema: Schema, name: string): boolean {
  const field = schema.properties?.[name];
  if (schema.ref === undefined || field?.type !== 'object' || field.ref === undefined) return false;
  if (field.ref === 'meta.v1.LabelSelector') return false;
  return name === 'spec' || schema.required?.includes(name) === true || alwaysThere.has(`${schema.ref}.${name}`);
}

/** True when the absence of `schema`'s required field `name` makes an object invalid. */
function requiredIsEnforced(schema: Schema, name: string): boolean {
  // A custom resource's schema means what it says.
  if (schema.ref === undefined) return true;
  if (reported.test(schema.ref) || lenient.has(`${schema.ref}.${name}`)) return false;
  const type = schema.properties?.[name]?.type;
  return type === 'string' || type === 'array' || type === 'object';
}

/** A field whose absence matters. */
export interface NeededField {
  readonly name: string;
  /** The object that stands in for it; undefined when it is simply missing. */
  readonly standIn: Schema | undefined;
}

/** By the fields, which all places that refer to one definition share: found once, used for every object. */
const known = new WeakMap<object, readonly NeededField[]>();

/** The few fields of an object that have to be looked for. */
export function neededFields(schema: Schema): readonly NeededField[] {
  const { properties } = schema;
  if (properties === undefined) return [];
  const found = known.get(properties);
  if (found !== undefined) return found;
  const required = new Set(schema.required ?? []);
  const needed = [...new Set([...Object.keys(properties), ...required])].flatMap((name): NeededField[] => {
    if (absenceIsEmpty(schema, name)) return [{ name, standIn: properties[name] }];
    return required.has(name) && requiredIsEnforced(schema, name) ? [{ name, standIn: undefined }] : [];
  });
  known.set(properties, needed);
  return needed;
}
