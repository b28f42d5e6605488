// How an object that client-side apply made moves to server-side apply without conflicts.
// Knows the annotation of kubectl. Upstream source: managedfields/internal/lastapplied.go.
import { isJsonObject, type Json, type JsonObject } from '#lib/json.ts';
import type { Schema } from '../schema/schema.ts';
import { compare } from './compare.ts';
import { fieldsOf } from './extract.ts';
import { FieldSet } from './field-set.ts';
import type { Conflict } from './ownership.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** Upstream migrates only for this manager; any other opts out. */
export const migratingManager = 'kubectl';

/**
 * Conflicts that remain once the fields that client-side apply last set, and that still hold those values, are granted.
 */
export function conflictsBeyondLastApplied(
  conflicts: readonly Conflict[],
  live: Json,
  schema: Schema | undefined,
): Conflict[] {
  const granted = fieldsLastApplied(live, schema);
  return conflicts
    .map((conflict) => ({ ...conflict, fields: conflict.fields.difference(granted) }))
    .filter(({ fields }) => !fields.isEmpty);
}

function fieldsLastApplied(live: Json, schema: Schema | undefined): FieldSet {
  const text = annotationsOf(live)?.[annotation];
  if (typeof text !== 'string' || text === '') return FieldSet.empty;
  let config: Json;
  try {
    config = JSON.parse(text) as Json;
  } catch {
    // An annotation that is no JSON grants nothing, and the conflicts themselves tell the user what stands in the way.
    return FieldSet.empty;
  }
  const { added, modified, removed } = compare(config, live, schema);
  return fieldsOf(config, schema).difference(added).difference(modified).difference(removed);
}

/** Keeps the annotation of client-side apply in step, so that a later `kubectl apply` without --server-side still works. */
export function syncLastApplied(object: JsonObject, applied: JsonObject): void {
  const annotations = annotationsOf(object);
  if (annotations?.[annotation] === undefined) return;
  const config = structuredClone(applied);
  const metadata = isJsonObject(config.metadata) ? config.metadata : {};
  delete metadata.managedFields;
  if (isJsonObject(metadata.annotations)) delete metadata.annotations[annotation];
  annotations[annotation] = `${JSON.stringify(config)}\n`;
}

function annotationsOf(object: Json): JsonObject | undefined {
  if (!isJsonObject(object) || !isJsonObject(object.metadata)) return undefined;
  return isJsonObject(object.metadata.annotations) ? object.metadata.annotations : undefined;
}
