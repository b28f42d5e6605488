// How the versions of a custom resource become each other: by their name only, or by the definition's webhook.
// Knows schemas and versions; how a webhook is asked is converter.ts. Upstream source: apiserver/customresource_handler.go.
import { applyStructuralDefaults, hasDefaults, pruneStructural, type Structural } from '#kube/api/custom/index.ts';
import { apiVersionOf, type ResourceDefinition } from '#kube/api/resources.ts';
import { type AnyObject, deepFreeze, dig, digString, isFields, mutableCopy } from '../registry/any-object.ts';
import type { Conversion } from '../registry/conversion.ts';
import type { ConversionWebhook } from './converter.ts';

/** All versions of one definition, served or not: what is stored may be of any. */
export interface Versions {
  /** As `group/version`. */
  readonly storage: string;
  readonly shapeOf: (apiVersion: string) => Structural | undefined;
  readonly convert: (
    webhook: ConversionWebhook,
    objects: readonly AnyObject[],
    apiVersion: string,
  ) => Promise<readonly AnyObject[]>;
}

export function conversionOf(crd: AnyObject, definition: ResourceDefinition, versions: Versions): Conversion {
  const storageName = `${definition.group}/${definition.resource}`;
  const shown = apiVersionOf(definition);
  const { storage: stored, shapeOf } = versions;
  const webhook = dig(crd, 'spec', 'conversion', 'webhook');
  if (digString(crd, 'spec', 'conversion', 'strategy') !== 'Webhook' || !isFields(webhook)) {
    return {
      storageName,
      toStorage: (object) => renamed(object, stored, shapeOf),
      fromStorage: (object) => deepFreeze(renamed(filled(object, shapeOf), shown, shapeOf)),
    };
  }
  const asking = webhook as unknown as ConversionWebhook;
  return {
    storageName,
    toStorage: (object) => known(object, shapeOf),
    fromStorage: (object) =>
      deepFreeze(known(object.apiVersion === stored ? filled(object, shapeOf) : object, shapeOf)),
    asked: {
      shown,
      stored,
      convert: (objects, apiVersion) =>
        versions.convert(
          asking,
          objects.map((object) => filled(object, shapeOf)),
          apiVersion,
        ),
    },
  };
}

type ShapeOf = Versions['shapeOf'];

/** Conversion strategy `None`: nothing but the name of the version, and what its schema does not know goes. */
function renamed(object: AnyObject, apiVersion: string, shapeOf: ShapeOf): AnyObject {
  return known(object.apiVersion === apiVersion ? object : { ...object, apiVersion }, shapeOf);
}

function known(object: AnyObject, shapeOf: ShapeOf): AnyObject {
  const shape = shapeOf(object.apiVersion ?? '');
  return shape === undefined ? object : pruneStructural(shape, object);
}

/** As upstream reads what is stored: with the defaults of the version that it was stored in. */
function filled(object: AnyObject, shapeOf: ShapeOf): AnyObject {
  const shape = shapeOf(object.apiVersion ?? '');
  if (shape === undefined) return object;
  const pruned = pruneStructural(shape, object);
  if (!hasDefaults(shape)) return pruned;
  const copy = mutableCopy(pruned);
  applyStructuralDefaults(shape, copy);
  return copy;
}
