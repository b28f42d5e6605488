// How a value takes part in ownership: as one leaf, as fields, as free keys, or as items told apart by key or value.
// Knows schemas, not objects' meaning. Upstream source: structured-merge-diff typed/helpers.go.
import { isJsonObject, type Json, type JsonObject, own } from '#lib/json.ts';
import type { Schema } from '../schema/schema.ts';
import { fieldElement, fieldName, keyElement, type PathElement, valueElement } from './path-element.ts';

export type Shape = 'leaf' | 'map' | 'list';

/** `undefined` as schema means that nothing is known: maps then merge by key, and lists are leaves. */
export function shapeOf(value: Json | undefined, schema: Schema | undefined): Shape {
  if (isJsonObject(value)) return schema?.mapType === 'atomic' || isOpaque(schema) ? 'leaf' : 'map';
  if (Array.isArray(value)) return isMergedList(schema) ? 'list' : 'leaf';
  return 'leaf';
}

/** Types whose insides have no schema of their own and that upstream owns whole: JSON and sets of fields. */
function isOpaque(schema: Schema | undefined): boolean {
  return schema?.format === 'json' || schema?.format === 'fields';
}

function isMergedList(schema: Schema | undefined): boolean {
  return schema?.listType === 'map' || schema?.listType === 'set';
}

/** Whether the schema declares this field by name, as opposed to a free key of a map. */
export function declares(schema: Schema | undefined, name: string): boolean {
  return schema?.properties !== undefined && Object.hasOwn(schema.properties, name);
}

/** Schema of what lies below one step. */
export function schemaBelow(schema: Schema | undefined, element: PathElement): Schema | undefined {
  const name = fieldName(element);
  if (name === undefined) return schema?.items;
  return declares(schema, name) ? schema?.properties?.[name] : schema?.additionalProperties;
}

/** The members of a map or list with the step that leads to each; duplicates in a list share a step. */
export function stepsOf(value: Json | undefined, schema: Schema | undefined): [PathElement, Json][] {
  if (isJsonObject(value)) {
    return Object.keys(value).flatMap((key): [PathElement, Json][] => {
      const member = own(value, key);
      return member === undefined ? [] : [[fieldElement(key), member]];
    });
  }
  if (Array.isArray(value)) return value.map((item) => [itemElement(item, schema), item]);
  return [];
}

function itemElement(item: Json, schema: Schema | undefined): PathElement {
  const keys = schema?.listMapKeys;
  if (schema?.listType !== 'map' || keys === undefined || !isJsonObject(item)) return valueElement(item);
  const values: JsonObject = {};
  for (const key of keys) {
    const value = own(item, key) ?? schema.items?.properties?.[key]?.default;
    if (value !== undefined) values[key] = value;
  }
  return keyElement(values as Record<string, Json>);
}
