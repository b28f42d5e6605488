// Objects inside a custom resource that are resources of their own: type and metadata must be in order.
// Knows `x-kubernetes-embedded-resource`. Upstream source: apiextensions-apiserver schema/objectmeta.
import type { ObjectMeta } from '../object.ts';
import { isRecord } from '../schema/schema.ts';
import type { StatusCause } from '../status.ts';
import { validateMetadata } from '../validation/metadata.ts';
import { dns1035Label, pathSegment } from '../validation/names.ts';
import { Report } from '../validation/report.ts';
import { type Structural, structuralAt } from './structural.ts';
import { childOf } from './value-check.ts';

export function embeddedMistakes(schema: Structural, value: unknown, path: string): StatusCause[] {
  const report = new Report();
  walk(schema, value, path, report);
  return report.causes;
}

function walk(schema: Structural, value: unknown, path: string, report: Report): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      if (schema.items !== undefined) walk(schema.items, item, `${path}[${index}]`, report);
    }
  } else if (isRecord(value)) {
    if (schema.embedded) validateEmbedded(value, path, report);
    for (const [name, inner] of Object.entries(value)) {
      const below = structuralAt(schema, name);
      const place = schema.properties.has(name) ? childOf(path, name) : `${path}[${name}]`;
      if (below !== undefined) walk(below, inner, place, report);
    }
  }
}

function validateEmbedded(value: Record<string, unknown>, path: string, report: Report): void {
  const { apiVersion, kind, metadata } = value;
  for (const [name, text] of Object.entries({ apiVersion, kind })) {
    const field = childOf(path, name);
    if (text === undefined || text === '') report.required(field);
    else if (typeof text !== 'string') report.invalid(field, text, 'must be a string');
  }
  if (typeof apiVersion === 'string' && apiVersion.split('/').length > 2) {
    report.invalid(childOf(path, 'apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  }
  if (typeof kind === 'string' && kind !== '') {
    const messages = dns1035Label(kind.toLowerCase());
    const text = `may have mixed case, but should otherwise match: ${messages.join(',')}`;
    if (messages.length > 0) report.invalid(childOf(path, 'kind'), kind, text);
  }
  if (!isRecord(metadata)) return;
  // The name is whoever's who makes an object of it.
  const named = { ...metadata, name: metadata.name || 'fakename' } as ObjectMeta;
  validateMetadata(named, { nameRule: pathSegment, namespaced: undefined }, childOf(path, 'metadata'), report);
}
