// Every field that a manifest of some kind may hold, type by type, as the schema has them.
// Knows schemas; has no opinion about a field.
import { type Schema, schemaFor } from '../schema/index.ts';

/** The kinds that are looked through, in this order. */
export const coveredKinds: readonly (readonly [apiVersion: string, kind: string])[] = [
  ['v1', 'Pod'],
  ['apps/v1', 'Deployment'],
  ['apps/v1', 'ReplicaSet'],
  ['apps/v1', 'StatefulSet'],
  ['apps/v1', 'DaemonSet'],
  ['batch/v1', 'Job'],
  ['batch/v1', 'CronJob'],
  ['v1', 'Service'],
  ['discovery.k8s.io/v1', 'EndpointSlice'],
  ['networking.k8s.io/v1', 'Ingress'],
  ['v1', 'Node'],
  ['autoscaling/v2', 'HorizontalPodAutoscaler'],
  ['autoscaling/v1', 'HorizontalPodAutoscaler'],
];

/** What every object has, and its status. */
const OF_ALL = ['apiVersion', 'kind', 'metadata', 'status'];

/** What people write of a kind: its spec, or the fields of the object itself where there is none. */
export function writtenPart(apiVersion: string, kind: string): { schema: Schema | undefined; path: 'spec' | '' } {
  const schema = schemaFor(apiVersion, kind);
  const spec = schema?.properties?.spec;
  if (schema === undefined || spec !== undefined) return { schema: spec, path: 'spec' };
  const own = Object.entries(schema.properties ?? {}).filter(([name]) => !OF_ALL.includes(name));
  return { schema: { ...schema, properties: Object.fromEntries(own) }, path: '' };
}

/** Types that say nothing of their own: metadata and what a server writes. */
const LEFT_OUT = /^meta\.v1\.(ObjectMeta|OwnerReference|ManagedFieldsEntry)$|Status$|Condition$/;

/** Names of fields by type, each type where it is met first. */
export function fieldsByType(): ReadonlyMap<string, readonly string[]> {
  const types = new Map<string, readonly string[]>();
  const visit = (schema: Schema | undefined): void => {
    if (schema === undefined) return;
    visit(schema.items);
    if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties);
    const { ref = '', properties } = schema;
    if (properties === undefined || types.has(ref) || LEFT_OUT.test(ref)) return;
    types.set(ref, Object.keys(properties));
    for (const property of Object.values(properties)) visit(property);
  };
  for (const [apiVersion, kind] of coveredKinds) visit(writtenPart(apiVersion, kind).schema);
  return types;
}
