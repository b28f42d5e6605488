// Reads the type map and the optional marks of one generated model of the client package.
// Takes field names and types only; never a description.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ModelField {
  /** Name on the wire. */
  readonly name: string;
  /** TypeScript type as the package writes it, e.g. `Array<V1Container>`. */
  readonly type: string;
  /** OpenAPI format, or empty. */
  readonly format: string;
  readonly required: boolean;
}

interface Attribute {
  name: string;
  baseName: string;
  type: string;
  format: string;
}

/** Throws when the file is not of the expected form: better no schema than half a schema. */
export function readModel(directory: string, model: string): ModelField[] {
  const file = join(directory, `${model}.js`);
  const code = readFileSync(file, 'utf8');
  const start = code.indexOf('attributeTypeMap = [');
  const end = code.indexOf('\n];', start);
  if (start < 0 || (end < 0 && !code.includes('attributeTypeMap = [];'))) {
    throw new Error(`Cannot find the type map in ${file}: does the package still have this form?`);
  }
  if (code.includes('attributeTypeMap = [];')) return [];
  const attributes = JSON.parse(code.slice(code.indexOf('[', start), end + 2)) as Attribute[];
  const types = readFileSync(join(directory, `${model}.d.ts`), 'utf8');
  return attributes.map((attribute) => ({
    name: attribute.baseName,
    type: attribute.type,
    format: attribute.format,
    required: !isOptional(types, attribute.name, file),
  }));
}

function isOptional(types: string, property: string, file: string): boolean {
  if (types.includes(`\n    '${property}'?: `)) return true;
  if (types.includes(`\n    '${property}': `)) return false;
  throw new Error(`Cannot find property ${property} beside ${file}: does the package still have this form?`);
}
