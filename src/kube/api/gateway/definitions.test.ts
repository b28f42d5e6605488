// The definitions beside the published ones: same structure, defaults, enums and limits, in the same versions.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { publishedBundle } from '#test/support/published.ts';
import { gatewayDefinitions, gatewayResource } from './resources.ts';
import type { Definition } from './schema-parts.ts';

const bundle = publishedBundle('experimental', 'the definitions of the Gateway API beside the published ones');

function published(): Map<string, Definition> {
  const documents = parseAllDocuments(readFileSync(bundle ?? '', 'utf8')).map((one) => one.toJS());
  return new Map(
    documents.filter((one) => one?.kind === 'CustomResourceDefinition').map((one) => [one.spec.names.kind, one]),
  );
}

/** A schema without its words and without its rules, whose wording is our own. */
function bare(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(bare);
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node)
    .filter(
      ([key, value]) => key !== 'x-kubernetes-validations' && !(key === 'description' && typeof value === 'string'),
    )
    .map(([key, value]) => [key, key === 'required' ? [...(value as string[])].sort() : bare(value)]);
  return Object.fromEntries(entries);
}

/** Patterns by what they accept is beyond a test; these two are the same up to how a dot or a slash is escaped. */
const unescaped = (node: unknown): unknown => JSON.parse(JSON.stringify(node).replaceAll('\\\\/', '/'));

describe.skipIf(bundle === undefined)('definitions of the Gateway API', () => {
  it.each(gatewayDefinitions.map((definition) => [definition.spec.names.kind, definition] as const))(
    'of %s are as published',
    (kind, own) => {
      const other = published().get(kind) as Definition;
      expect(own.spec.names).toEqual(other.spec.names);
      expect(own.spec.scope).toBe(other.spec.scope);
      const facts = (versions: Definition['spec']['versions']) =>
        versions
          .map(({ name, served, storage, deprecated = false }) => ({ name, served, storage, deprecated }))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
      expect(facts(own.spec.versions)).toEqual(facts(other.spec.versions));
      const spoken = gatewayResource(kind).version;
      const read = (definition: Definition) => definition.spec.versions.find(({ name }) => name === spoken);
      expect(unescaped(bare(read(own)?.schema))).toEqual(unescaped(bare(read(other)?.schema)));
      expect(read(own)?.additionalPrinterColumns).toEqual(read(other)?.additionalPrinterColumns);
      expect(read(own)?.subresources ?? {}).toEqual(read(other)?.subresources ?? {});
    },
  );
});

describe('rules of the definitions', () => {
  it('say something to whoever breaks them, and speak of fields that exist', () => {
    const walk = (node: unknown, at: string): string[] => {
      if (typeof node !== 'object' || node === null) return [];
      const rules = (node as { 'x-kubernetes-validations'?: { rule: string; message: string }[] })[
        'x-kubernetes-validations'
      ];
      const mute = (rules ?? []).filter(({ rule, message }) => rule === '' || message === '').map(() => at);
      return [...mute, ...Object.entries(node).flatMap(([key, child]) => walk(child, `${at}.${key}`))];
    };
    expect(gatewayDefinitions.flatMap((definition) => walk(definition.spec, definition.spec.names.kind))).toEqual([]);
  });
});
