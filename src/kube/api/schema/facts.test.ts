// The generated facts belong to fields that exist, are complete for lists, and agree with the types.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { definition, definitionNames } from './builtin.ts';
import type { FieldFacts, Schema } from './schema.ts';

const table = JSON.parse(readFileSync(new URL('./gen/facts.json', import.meta.url), 'utf8')) as Record<
  string,
  FieldFacts
>;
const entries = Object.entries(table).map(([key, facts]) => ({ key, facts, schema: schemaOf(key) }));

/** Of `core.v1.Pod` or `core.v1.Pod.spec`. */
function schemaOf(key: string): Schema | undefined {
  const [group, version, kind, ...field] = key.split('.');
  const found = definition(`${group}.${version}.${kind}`);
  return field.length === 0 ? found : found?.properties?.[field.join('.')];
}

test('every fact belongs to a definition and a field of the generated structure', () => {
  expect(entries.length).toBeGreaterThan(300);
  expect(entries.filter(({ schema }) => schema === undefined).map(({ key }) => key)).toEqual([]);
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
  const wrong = entries.filter(({ facts, schema }) => {
    const keys = [...(facts.listMapKeys ?? []), ...(facts.patchMergeKey === undefined ? [] : [facts.patchMergeKey])];
    if (keys.length === 0) return facts.listType !== undefined && schema?.type !== 'array';
    return keys.some((key) => schema?.items?.properties?.[key] === undefined);
  });
  expect(wrong.map(({ key }) => key)).toEqual([]);
});

test('map types stand on objects, and words on text; each has some', () => {
  const wrong = entries.filter(({ facts, schema }) => {
    if (facts.enum?.length === 0) return true;
    return (
      (facts.mapType !== undefined && schema?.type !== 'object') ||
      (facts.enum !== undefined && schema?.type !== 'string')
    );
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
  // What an autoscaler scales has one owner, who names all of it.
  const target = definition('autoscaling.v1.HorizontalPodAutoscalerSpec')?.properties?.scaleTargetRef;
  expect(target?.mapType).toBe('atomic');
});
