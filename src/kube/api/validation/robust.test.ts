// The rules answer whatever fields an object lacks: a missing part is a cause, or none of their business, never a throw.
// Takes good objects apart at random places.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cloneJson, isJsonObject, type Json } from '#lib/json.ts';
import type { KubeObject } from '../object.ts';
import { apiVersionOf, builtinResources } from '../resources.ts';
import { tableFor } from '../table/index.ts';
import { goodObjects, richObjects } from './good-objects.ts';
import { validateObject } from './index.ts';

/** Every place of a document that holds a map or a list, and the keys in it. */
function places(value: Json, found: [Json, string | number][] = []): [Json, string | number][] {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      found.push([value, index]);
      places(item, found);
    }
  } else if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      found.push([value, key]);
      if (member !== undefined) places(member, found);
    }
  }
  return found;
}

/** Removes a member, or empties it: what a structurally sound object may always look like. */
function spoil(object: Json, at: number, how: 'remove' | 'empty'): void {
  const all = places(object);
  const [holder, key] = all[at % all.length] ?? [null, ''];
  if (Array.isArray(holder)) {
    holder.splice(Number(key), 1);
  } else if (isJsonObject(holder) && key !== 'apiVersion' && key !== 'kind') {
    const member = holder[key];
    if (how === 'remove') delete holder[key];
    else if (Array.isArray(member)) holder[key] = [];
    else if (isJsonObject(member)) holder[key] = {};
    else if (typeof member === 'string') holder[key] = '';
    else if (typeof member === 'number') holder[key] = 0;
  }
}

describe('validateObject() and tableFor()', () => {
  const whole = fc.constantFrom(...[...Object.values(goodObjects), ...Object.values(richObjects)]);
  const damage = fc.tuple(fc.nat(), fc.constantFrom('remove' as const, 'empty' as const));
  it.each(Object.keys(richObjects))('find nothing wrong with a rich %s', (kind) => {
    const object = richObjects[kind] as KubeObject;
    expect(validateObject(object)).toEqual([]);
    expect(validateObject(object, object)).toEqual([]);
  });

  it('answer for objects that lack anything', () => {
    fc.assert(
      fc.property(whole, fc.array(damage, { minLength: 1, maxLength: 4 }), (object, damages) => {
        const good = object as KubeObject;
        const broken = cloneJson(good);
        for (const [at, how] of damages) spoil(broken as Json, at, how);
        for (const { reason, message, field } of [
          ...validateObject(broken),
          ...validateObject(broken, good),
          ...validateObject(good, broken),
        ]) {
          expect(reason).toMatch(/^FieldValue/);
          expect(message).not.toMatch(/undefined|\[object/);
          expect(field).not.toMatch(/undefined/);
        }
        const definition = builtinResources.find(
          (known) => known.kind === good.kind && apiVersionOf(known) === good.apiVersion,
        );
        if (definition === undefined) throw new Error(`${good.kind} is not served`);
        const table = tableFor(definition, [broken], Date.parse('2026-05-01T12:00:00Z'));
        expect(table.rows[0]?.cells).toHaveLength(table.columnDefinitions.length);
      }),
      { numRuns: 1500 },
    );
  });
});
