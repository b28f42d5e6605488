// Who owns which field after a change: updates take what they change, applies claim what they state or conflict.
// Knows sets, schemas and managers; no request and no message. Upstream source: structured-merge-diff merge/update.go.
import type { Json } from '#lib/json.ts';
import type { Schema } from '../schema/schema.ts';
import { merge, removeFields } from './combine.ts';
import { type Comparison, compare } from './compare.ts';
import { fieldsOf, withNamedFields } from './extract.ts';
import { FieldSet } from './field-set.ts';
import { type Manager, type Managers, managerKey } from './managers.ts';

/** Fields that a manager other than the requester owns and that the request would change. */
export interface Conflict {
  readonly manager: Manager;
  readonly fields: FieldSet;
}

interface Ownership {
  readonly managers: Map<string, Manager>;
  readonly conflicts: readonly Conflict[];
}

/** Takes fields that `change` adds, modifies or removes away from every manager but `keep`. */
function yieldFields(managers: Managers, change: Comparison, keep: string | undefined): Ownership {
  const taken = change.modified.union(change.added);
  const conflicts: Conflict[] = [];
  const out = new Map<string, Manager>();
  for (const [key, manager] of managers) {
    let { fields } = manager;
    if (key !== keep) {
      const conflict = fields.intersection(taken);
      if (!conflict.isEmpty) conflicts.push({ manager, fields: conflict });
      fields = fields.difference(conflict).difference(change.removed);
    }
    if (!fields.isEmpty) out.set(key, fields === manager.fields ? manager : { ...manager, fields });
  }
  return { managers: out, conflicts };
}

export interface UpdateRequest {
  readonly before: Json;
  readonly after: Json;
  readonly schema: Schema | undefined;
  readonly managers: Managers;
  /** Who updates; its `fields` are ignored. */
  readonly by: Manager;
  /** Fields that nobody owns. */
  readonly unowned: FieldSet;
}

/** Managers after an update: the updater owns what it changed, and what it owned before and did not remove. */
export function ownAfterUpdate(request: UpdateRequest): Managers {
  const { before, after, schema, by, unowned } = request;
  const change = without(compare(before, after, schema), unowned);
  const { managers } = yieldFields(request.managers, change, undefined);
  const changed = change.modified.union(change.added);
  if (changed.isEmpty) return managers;
  const key = managerKey(by);
  const kept = managers.get(key)?.fields ?? FieldSet.empty;
  managers.set(key, { ...by, fields: kept.union(changed) });
  return managers;
}

function without(change: Comparison, unowned: FieldSet): Comparison {
  return {
    added: change.added.difference(unowned),
    modified: change.modified.difference(unowned),
    removed: change.removed.difference(unowned),
  };
}

export interface ApplyRequest {
  readonly live: Json;
  readonly applied: Json;
  readonly schema: Schema | undefined;
  readonly managers: Managers;
  /** Who applies; its `fields` are ignored. */
  readonly by: Manager;
  readonly unowned: FieldSet;
}

export interface ApplyOutcome {
  readonly object: Json;
  readonly managers: Managers;
  /** Empty when nothing stands against the request; otherwise the outcome is that of a forced one. */
  readonly conflicts: readonly Conflict[];
}

/**
 * Merges `applied` into `live`, removes what its applier stated before and nobody else owns, and counts conflicts.
 * The caller decides whether conflicts refuse the request.
 */
export function applyOwned(request: ApplyRequest): ApplyOutcome {
  const { live, applied, schema, by, unowned } = request;
  const key = managerKey(by);
  const last = request.managers.get(key)?.fields ?? FieldSet.empty;
  const stated = fieldsOf(applied, schema);
  const merged = merge(live, applied, schema);
  // Identity is nobody's to own, and yet the applier states it: it must not go with the fields that do.
  const stating = new Map(request.managers).set(key, { ...by, fields: stated });
  const object = prune(merged, last, stating, schema);
  const claimed = stating.set(key, { ...by, fields: stated.difference(unowned) });
  const { managers, conflicts } = yieldFields(claimed, compare(live, object, schema), key);
  return { object, managers, conflicts };
}

/** Removes what the applier stated last time, except what somebody owns now and what it never owned. */
function prune(merged: Json, last: FieldSet, managers: Managers, schema: Schema | undefined): Json {
  if (last.isEmpty) return merged;
  const named = (set: FieldSet): FieldSet => withNamedFields(set, schema);
  const remove = (set: FieldSet): Json => removeFields(merged, set, schema) ?? {};
  const before = named(fieldsOf(merged, schema));
  let owned = FieldSet.empty;
  for (const { fields } of managers.values()) owned = owned.union(fields);

  const bare = remove(named(last));
  const kept = named(fieldsOf(bare, schema)).union(named(owned));
  const withOwned = remove(before.difference(kept));
  const gone = before.difference(named(fieldsOf(withOwned, schema)));
  return remove(gone.intersection(named(last)));
}
