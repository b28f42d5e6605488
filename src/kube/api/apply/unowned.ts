// Fields that nobody owns, and the empty object that a creation is compared with.
// Knows the shape of every object, and nothing of a kind. Upstream source: managedfields/internal/stripmeta.go.
import { isJsonObject, type Json, type JsonObject } from '#lib/json.ts';
import { FieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';

const metadataFields = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'clusterName',
  'generation',
  'managedFields',
  'resourceVersion',
];

/** Identity and bookkeeping of the server: never owned. */
export const serverFields = FieldSet.of(
  ...[['apiVersion'], ['kind'], ['metadata'], ...metadataFields.map((name) => ['metadata', name])].map((path) =>
    path.map(fieldElement),
  ),
);

/** Structs that upstream writes even when they are empty; without them their mere presence would look like a change. */
const alwaysThere: JsonObject = {
  metadata: {},
  spec: {
    strategy: {},
    updateStrategy: {},
    template: { metadata: {}, spec: { containers: null } },
    jobTemplate: { metadata: {}, spec: { template: { metadata: {}, spec: { containers: null } } } },
    scaleTargetRef: {},
    podSelector: {},
    containers: null,
  },
  template: { metadata: {}, spec: { containers: null } },
  status: { loadBalancer: {} },
};

/** The object that was there before `created`: nothing but the structs that are always there. */
export function beforeCreation(created: Json): JsonObject {
  return common(created, alwaysThere) as JsonObject;
}

/** Empty forms of what `shape` names and `value` has; a list's empty form is null. */
function common(value: Json, shape: JsonObject): Json {
  const out: JsonObject = {};
  if (!isJsonObject(value)) return out;
  for (const [name, below] of Object.entries(shape)) {
    const member = value[name];
    if (member === undefined) continue;
    if (isJsonObject(below) && isJsonObject(member)) out[name] = common(member, below);
    else if (below === null && Array.isArray(member)) out[name] = null;
  }
  return out;
}
