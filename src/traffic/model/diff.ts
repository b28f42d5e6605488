// What changed between two models, or between two versions of a part of one.
// Compares by structure, so that a translation that says the same again changes nothing.
import { jsonEqual } from '#lib/json.ts';
import type { TrafficModel, TrafficUpdate } from './ir.ts';

type Changes = Omit<TrafficUpdate, 'version'>;

/** Tables left out of both are not compared. Undefined when nothing changed. */
export function diffTraffic(before: Partial<TrafficModel>, after: Partial<TrafficModel>): Changes | undefined {
  const changes = {
    ...named('listeners', diffTable(before.listeners, after.listeners)),
    ...named('certificates', diffTable(before.certificates, after.certificates)),
    ...named('virtualHosts', diffTable(before.virtualHosts, after.virtualHosts)),
    ...named('clusters', diffTable(before.clusters, after.clusters)),
    ...named('endpoints', diffTable(before.endpoints, after.endpoints)),
    ...named('services', diffTable(before.services, after.services)),
    ...named('clients', diffTable(before.clients, after.clients)),
  };
  return Object.keys(changes).length === 0 ? undefined : changes;
}

function diffTable<T>(
  before: ReadonlyMap<string, T> = new Map(),
  after: ReadonlyMap<string, T> = new Map(),
): ReadonlyMap<string, T | undefined> {
  const changes = new Map<string, T | undefined>();
  if (before === after) return changes;
  for (const [name, value] of after) if (!jsonEqual(before.get(name), value)) changes.set(name, value);
  for (const name of before.keys()) if (!after.has(name)) changes.set(name, undefined);
  return changes;
}

function named<Name extends string, T>(
  name: Name,
  changes: ReadonlyMap<string, T>,
): { [Key in Name]?: ReadonlyMap<string, T> } {
  return changes.size === 0 ? {} : ({ [name]: changes } as { [Key in Name]?: ReadonlyMap<string, T> });
}
