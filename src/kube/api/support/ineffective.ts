// Which fields of a manifest will have no effect, so that people can be told before they wonder.
// Pure; the verdicts are data.
import type { Schema } from '../schema/index.ts';
import { coveredKinds, writtenPart } from './fields.ts';
import { verdictOf } from './verdicts/index.ts';

export interface Ineffective {
  /** e.g. `spec.template.spec.containers[0].resizePolicy`. */
  readonly field: string;
  readonly why: string;
}

/** Fields that are set and neither honoured nor moot; empty for kinds that are not covered. */
export function ineffectiveFields(object: { readonly apiVersion?: string; readonly kind?: string }): Ineffective[] {
  const { apiVersion = '', kind = '' } = object;
  if (!coveredKinds.some(([version, name]) => version === apiVersion && name === kind)) return [];
  const found: Ineffective[] = [];
  const { schema, path } = writtenPart(apiVersion, kind);
  visit(schema, path === 'spec' ? (object as { spec?: unknown }).spec : object, path, found);
  return found;
}

function visit(schema: Schema | undefined, value: unknown, path: string, found: Ineffective[]): void {
  if (schema === undefined || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) visit(schema.items, item, `${path}[${index}]`, found);
    return;
  }
  for (const [name, inner] of Object.entries(value)) {
    const property = schema.properties?.[name];
    if (property === undefined || inner === undefined || inner === null) continue;
    const field = path === '' ? name : `${path}.${name}`;
    const verdict = verdictOf(schema.ref ?? '', name);
    if (verdict !== undefined && (verdict.is === 'ignored' || verdict.is === 'refused')) {
      if (verdict.is === 'refused' || verdict.quiet !== true) found.push({ field, why: verdict.why });
      continue;
    }
    visit(property, inner, field, found);
  }
}
