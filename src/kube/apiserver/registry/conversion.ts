// Resources that are another view of the same stored objects: Events of two groups, autoscalers and ranges of Services of two versions.
// Knows the two shapes of an Event; those of an autoscaler are beside it.
import type { ResourceDefinition } from '#kube/api/resources.ts';
import type { AnyObject, Fields } from './any-object.ts';
import { deepFreeze } from './any-object.ts';
import { toOlder, toStored } from './autoscaler-conversion.ts';

export interface Conversion {
  readonly storageName: string;
  toStorage(object: AnyObject): AnyObject;
  fromStorage(object: AnyObject): AnyObject;
  /**
   * Where objects are converted by somebody who has to be asked. `fromStorage` then takes objects of the version that is
   * shown, and `toStorage` those of the version that is stored.
   */
  readonly asked?: {
    readonly shown: string;
    readonly stored: string;
    /** Rejects with `StatusError`. */
    convert(objects: readonly AnyObject[], apiVersion: string): Promise<readonly AnyObject[]>;
  };
  /** What is wrong with an object is said of its stored form, which says more. */
  readonly validatesStored?: true;
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

const olderAutoscalers: Conversion = {
  storageName: 'autoscaling/horizontalpodautoscalers',
  toStorage: toStored,
  fromStorage: toOlder,
  validatesStored: true,
};

const SERVICE_RANGES = 'networking.k8s.io';

function olderServiceRanges(resource: string): Conversion {
  return {
    storageName: `${SERVICE_RANGES}/${resource}`,
    toStorage: (object) => ({ ...object, apiVersion: `${SERVICE_RANGES}/v1` }),
    fromStorage: (object) => deepFreeze({ ...object, apiVersion: `${SERVICE_RANGES}/v1beta1` }),
    validatesStored: true,
  };
}

export function conversionFor({ group, version, resource }: ResourceDefinition): Conversion | undefined {
  if (group === SERVICE_RANGES && version === 'v1beta1') return olderServiceRanges(resource);
  if (group === 'events.k8s.io') return events;
  return group === 'autoscaling' && version === 'v1' ? olderAutoscalers : undefined;
}

type Pair = readonly [from: string, to: string];

function rename(object: AnyObject, apiVersion: string, direction: (pair: Pair) => Pair): AnyObject {
  const names = new Map<string, string>(EVENT_FIELDS.map(direction));
  const renamed: Fields = {};
  for (const [field, value] of Object.entries(object)) renamed[names.get(field) ?? field] = value;
  return { ...renamed, apiVersion };
}
