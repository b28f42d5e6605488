// Ownership of the one number that a Scale shows of a workload: as owners of the Scale, and back.
// Knows managers and paths. Upstream source: apimachinery/pkg/util/managedfields/scalehandler.go.
import { FieldSet } from './field-set.ts';
import {
  capUpdaters,
  type ManagedFields,
  type Manager,
  managerKey,
  noManagers,
  readManagers,
  writeManagers,
} from './managers.ts';
import { fieldElement } from './path-element.ts';

const SCALE = 'autoscaling/v1';
const IN_SCALE = FieldSet.of([fieldElement('spec'), fieldElement('replicas')]);

/** Where a version of the workload keeps its replicas; undefined for a version that is not known. */
export type ReplicasPath = (apiVersion: string) => readonly string[] | undefined;

/** One writer, whichever kind of object it wrote the number by. */
const identity = ({ name, operation, subresource }: Manager): string => JSON.stringify([name, operation, subresource]);

function setOf(path: readonly string[]): FieldSet {
  return FieldSet.of(path.map(fieldElement));
}

function owns({ apiVersion, fields }: Manager, pathOf: ReplicasPath): boolean {
  const path = pathOf(apiVersion);
  return path !== undefined && fields.has(path.map(fieldElement));
}

/** The managedFields of the Scale: who owns the replicas of the workload. */
export function managersOfScale(workload: ManagedFields | undefined, pathOf: ReplicasPath): ManagedFields | undefined {
  const owners = [...(readManagers(workload) ?? noManagers)].filter(([, manager]) => owns(manager, pathOf));
  return writeManagers(
    new Map(owners.map(([key, manager]) => [key, { ...manager, apiVersion: SCALE, fields: IN_SCALE }])),
  );
}

/**
 * The managedFields of the workload once those of its Scale are `scale`: who does not own the number there any more
 * does not own it here, and who owns it newly has an entry for it in `apiVersion`.
 */
export function managersWithScale(
  workload: ManagedFields | undefined,
  scale: ManagedFields | undefined,
  pathOf: ReplicasPath,
  apiVersion: string,
): ManagedFields | undefined {
  const owners = new Map<string, Manager>();
  for (const manager of (readManagers(scale) ?? noManagers).values()) {
    const fields = manager.fields.intersection(IN_SCALE);
    if (!fields.isEmpty) owners.set(identity(manager), manager);
  }
  const managers = new Map<string, Manager>();
  for (const [key, manager] of readManagers(workload) ?? noManagers) {
    const path = pathOf(manager.apiVersion);
    // Nobody could say any more what such an entry is about.
    if (path === undefined) continue;
    const owner = owners.get(identity(manager));
    const fields = owner === undefined ? manager.fields.difference(setOf(path)) : manager.fields.union(setOf(path));
    if (!fields.isEmpty) managers.set(key, { ...manager, time: owner?.time ?? manager.time, fields });
    owners.delete(identity(manager));
  }
  for (const owner of owners.values()) {
    const manager = { ...owner, apiVersion, fields: setOf(pathOf(apiVersion) ?? []) };
    managers.set(managerKey(manager), manager);
  }
  return writeManagers(capUpdaters(managers));
}
