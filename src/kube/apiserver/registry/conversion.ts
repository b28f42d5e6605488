// Resources that are another view of the same stored objects: events.k8s.io/v1 and core/v1 Events.
// Knows the two shapes of an Event and nothing else.
import type { ResourceDefinition } from '#kube/api/resources.ts';
import type { AnyObject, Fields } from './any-object.ts';
import { deepFreeze } from './any-object.ts';

export interface Conversion {
  readonly storageName: string;
  toStorage(object: AnyObject): AnyObject;
  fromStorage(object: AnyObject): AnyObject;
}

/** events.k8s.io name -> core name, as upstream's conversion pairs them. */
const EVENT_FIELDS = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
  ['reportingController', 'reportingComponent'],
] as const;

const events: Conversion = {
  storageName: 'events',
  toStorage: (object) => rename(object, 'v1', (pair) => pair),
  fromStorage: (object) => deepFreeze(rename(object, 'events.k8s.io/v1', ([newer, core]) => [core, newer])),
};

export function conversionFor(definition: ResourceDefinition): Conversion | undefined {
  return definition.group === 'events.k8s.io' ? events : undefined;
}

type Pair = readonly [from: string, to: string];

function rename(object: AnyObject, apiVersion: string, direction: (pair: Pair) => Pair): AnyObject {
  const names = new Map<string, string>(EVENT_FIELDS.map(direction));
  const renamed: Fields = {};
  for (const [field, value] of Object.entries(object)) renamed[names.get(field) ?? field] = value;
  return { ...renamed, apiVersion };
}
