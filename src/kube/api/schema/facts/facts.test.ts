// Facts of merging must be of fields that exist, complete for lists, and consistent with the types.
import { expect, test } from 'vitest';
import { definition, definitionNames } from '../builtin.ts';
import type { Schema } from '../schema.ts';
import { fieldFacts } from './index.ts';

/** Definition and field of a key; no field for facts of the type itself. */
function split(key: string): { short: string; field: string | undefined } {
  const [group, version, kind, ...rest] = key.split('.');
  return { short: `${group}.${version}.${kind}`, field: rest.length === 0 ? undefined : rest.join('.') };
}

const entries = Object.entries(fieldFacts).map(([key, facts]) => ({ key, facts, ...split(key) }));

function schemaOf(short: string, field: string | undefined): Schema | undefined {
  const found = definition(short);
  return field === undefined ? found : found?.properties?.[field];
}

test('every fact belongs to a definition and a field of the generated structure', () => {
  expect(entries.filter(({ short, field }) => schemaOf(short, field) === undefined).map(({ key }) => key)).toEqual([]);
});

test('every list says how it merges', () => {
  const silent = definitionNames().flatMap((name) =>
    Object.entries(definition(name)?.properties ?? {})
      .filter(([, schema]) => schema.type === 'array' && schema.listType === undefined)
      .map(([field]) => `${name}.${field}`),
  );
  expect(silent).toEqual([]);
});

test('list facts stand on lists, and keys are fields of the items', () => {
  const wrong = entries.filter(({ short, field, facts }) => {
    const schema = schemaOf(short, field);
    const keys = [...(facts.listMapKeys ?? []), ...(facts.patchMergeKey === undefined ? [] : [facts.patchMergeKey])];
    if (keys.length === 0) return facts.listType !== undefined && schema?.type !== 'array';
    return keys.some((key) => schema?.items?.properties?.[key] === undefined);
  });
  expect(wrong.map(({ key }) => key)).toEqual([]);
});

test('map types stand on objects, and words on text', () => {
  const wrong = entries.filter(({ short, field, facts }) => {
    const type = schemaOf(short, field)?.type;
    return (facts.mapType !== undefined && type !== 'object') || (facts.enum !== undefined && type !== 'string');
  });
  expect(wrong.map(({ key }) => key)).toEqual([]);
});

test('a field may say more than its type does', () => {
  expect(definition('core.v1.PodSpec')?.properties?.volumes).toMatchObject({
    listType: 'map',
    listMapKeys: ['name'],
    patchStrategy: ['merge', 'retainKeys'],
    patchMergeKey: 'name',
  });
  expect(definition('core.v1.Container')?.properties?.ports?.items?.properties?.protocol?.default).toBe('TCP');
  expect(definition('apps.v1.DeploymentSpec')?.properties?.selector?.mapType).toBe('atomic');
});
