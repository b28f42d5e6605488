// The defaults that the API's types state literally are filled in wherever such a field stands.
// Walks the schemas of all kinds; defaults that depend on other fields are in testdata.
import { expect, test } from 'vitest';
import type { KubeObject } from '../object.ts';
import { messageNamed } from '../protobuf/messages.ts';
import { apiVersionOf, builtinResources, type ResourceDefinition } from '../resources.ts';
import { type Schema, schemaFor } from '../schema/index.ts';
import { applyDefaults } from './index.ts';

interface Place {
  /** Names of fields, and 0 for the one item of a list. */
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** Where a default is stated, each definition once on the way there. */
function* places(schema: Schema, path: readonly (string | number)[], within: readonly string[]): Generator<Place> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const at = [...path, name];
    if (field.default !== undefined && isVisible(schema.ref ?? '', name, field.default)) {
      yield { path: at, value: field.default };
    }
    const inner = field.items ?? field;
    if (inner.ref === undefined || within.includes(inner.ref)) continue;
    yield* places(inner, field.items === undefined ? at : [...at, 0], [...within, inner.ref]);
  }
}

/** A zero that Go's type holds anyway shows nowhere; that of a pointer does. */
function isVisible(definition: string, field: string, value: unknown): boolean {
  if (value !== '' && value !== 0 && value !== false) return true;
  const fields = messageNamed(definition)?.descending ?? [];
  return fields.some(({ json, keepsZero }) => json === field && keepsZero);
}

/** The least object that has the parent of the field. */
function objectWith({ group, version, kind }: ResourceDefinition, path: Place['path']): KubeObject {
  const object: KubeObject = { apiVersion: apiVersionOf({ group, version }), kind, metadata: { name: 'a' } };
  let at = object as unknown as Record<string | number, unknown>;
  path.slice(0, -1).forEach((step, index) => {
    at[step] ??= path[index + 1] === 0 ? [] : {};
    at = at[step] as Record<string | number, unknown>;
  });
  return object;
}

const kinds = builtinResources.filter((each) => {
  const schema = schemaFor(apiVersionOf(each), each.kind);
  return schema !== undefined && !places(schema, [], []).next().done;
});

test.each(kinds.map((each) => [`${apiVersionOf(each)} ${each.kind}`, each] as const))('%s', (_, each) => {
  const wrong: string[] = [];
  for (const { path, value } of places(schemaFor(apiVersionOf(each), each.kind) as Schema, [], [])) {
    const object = objectWith(each, path);
    applyDefaults(object);
    const got = path.reduce<unknown>(
      (at, step) => (at as Record<string | number, unknown> | undefined)?.[step],
      object,
    );
    if (got !== value) wrong.push(`${path.join('.')} is ${JSON.stringify(got)} and not ${JSON.stringify(value)}`);
  }
  expect(wrong).toEqual([]);
});

test('the kinds with pods in them are among these', () => {
  expect(kinds.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['Pod', 'Deployment', 'CronJob', 'Service']));
});
