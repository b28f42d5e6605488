// Managers and what they own: read from and written to `metadata.managedFields`.
// Knows no schema. Upstream source: apimachinery/pkg/util/managedfields/internal/managedfields.go.
import type { ManagedFieldsEntry } from 'kubernetes-types/meta/v1.js';
import type { Json } from '#lib/json.ts';
import { FieldSet } from './field-set.ts';

export type ManagedFields = ManagedFieldsEntry[];

export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  /** RFC 3339; when its set last changed by a request of its own. */
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** Managers by identity. */
export type Managers = ReadonlyMap<string, Manager>;

export const noManagers: Managers = new Map();

/**
 * What makes two requests one manager. An applier stays the same when it moves to another version of the API.
 */
export function managerKey(of: Pick<Manager, 'name' | 'operation' | 'apiVersion' | 'subresource'>): string {
  const version = of.operation === 'Apply' ? '' : of.apiVersion;
  return JSON.stringify([of.name, of.operation, version, of.subresource]);
}

/** Reads `managedFields`; undefined when an entry is malformed. */
export function readManagers(entries: ManagedFields | undefined): Managers | undefined {
  const managers = new Map<string, Manager>();
  for (const entry of entries ?? []) {
    const manager = readEntry(entry);
    if (manager === undefined) return undefined;
    managers.set(managerKey(manager), manager);
  }
  return managers;
}

function readEntry(entry: ManagedFieldsEntry): Manager | undefined {
  const { operation, fieldsType } = entry;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (fieldsType !== undefined && fieldsType !== 'FieldsV1') return undefined;
  try {
    return {
      name: entry.manager ?? '',
      operation,
      apiVersion: entry.apiVersion ?? '',
      subresource: (entry as { subresource?: string }).subresource ?? '',
      time: (entry.time ?? undefined) as unknown as string | undefined,
      fields: FieldSet.fromFieldsV1((entry.fieldsV1 ?? {}) as unknown as Json),
    };
  } catch {
    // A set that cannot be read owns nothing that could be named: the caller decides what stands in for it.
    return undefined;
  }
}

/** Writes managers in upstream's order: appliers first, then by time, name, version and subresource. */
export function writeManagers(managers: Managers): ManagedFields | undefined {
  if (managers.size === 0) return undefined;
  return [...managers.values()].sort(compareManagers).map(
    ({ name, operation, apiVersion, subresource, time, fields }) =>
      ({
        manager: name,
        operation,
        apiVersion,
        ...(time === undefined ? {} : { time }),
        fieldsType: 'FieldsV1',
        fieldsV1: fields.toFieldsV1(),
        ...(subresource === '' ? {} : { subresource }),
      }) as unknown as ManagedFieldsEntry,
  );
}

function compareManagers(a: Manager, b: Manager): number {
  return (
    compareText(a.operation, b.operation) ||
    seconds(a.time) - seconds(b.time) ||
    compareText(a.name, b.name) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource, b.subresource)
  );
}

function seconds(time: string | undefined): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Upstream keeps ten updaters and folds older ones together, so that managedFields cannot grow without end. */
export const mostUpdaters = 10;
const ancient = 'ancient-changes';

/** Folds the oldest updaters of each version into `ancient-changes` until at most ten entries are left. */
export function capUpdaters(managers: Managers): Managers {
  const updaters = [...managers.entries()].filter(([, { operation }]) => operation === 'Update');
  if (updaters.length <= mostUpdaters) return managers;
  updaters.sort(([, a], [, b]) => seconds(a.time) - seconds(b.time) || compareManagers(a, b));
  const out = new Map(managers);
  let count = updaters.length;
  const folded = new Set<string>();
  for (const [key, manager] of updaters) {
    // A first folding of a version changes a name only; each further one saves an entry.
    if (count <= mostUpdaters) break;
    const bucketKey = managerKey({ ...manager, name: ancient, subresource: '' });
    if (key === bucketKey) continue;
    const bucket = out.get(bucketKey);
    out.delete(key);
    if (bucket !== undefined) count--;
    folded.add(bucketKey);
    out.set(bucketKey, {
      ...manager,
      name: ancient,
      subresource: '',
      fields: manager.fields.union(bucket?.fields ?? FieldSet.empty),
    });
  }
  return out;
}
