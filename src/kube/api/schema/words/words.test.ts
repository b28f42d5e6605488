// Descriptions must be of fields that exist, and every kind that is served must have one.
import { expect, test } from 'vitest';
import { apiVersionOf, builtinResources } from '../../resources.ts';
import { definition, definitionNameOf } from '../builtin.ts';
import { describe, words } from './index.ts';

test('every description belongs to a definition and a field of the generated structure', () => {
  const strays: string[] = [];
  for (const [packageName, kinds] of Object.entries(words)) {
    for (const [kind, fields] of Object.entries(kinds)) {
      const schema = definition(`${packageName}.${kind}`);
      if (schema === undefined) strays.push(`${packageName}.${kind}`);
      for (const field of Object.keys(fields)) {
        if (field !== 'about' && schema?.properties?.[field] === undefined)
          strays.push(`${packageName}.${kind}.${field}`);
      }
    }
  }
  expect(strays).toEqual([]);
});

test('every served kind says what it is', () => {
  const silent = builtinResources
    .filter((resource) => resource.verbs.includes('list'))
    .map((resource) => definitionNameOf(apiVersionOf(resource), resource.kind))
    .filter((name) => describe(name) === undefined);
  expect(silent).toEqual([]);
});

test('descriptions are one sentence, not a heading', () => {
  const texts = Object.values(words).flatMap((kinds) =>
    Object.values(kinds).flatMap((fields) => Object.values(fields)),
  );
  expect(texts.length).toBeGreaterThan(500);
  expect(texts.filter((text) => text.length > 160 || /\n/.test(text))).toEqual([]);
});
