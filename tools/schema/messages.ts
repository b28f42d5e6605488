// Walks the Go types from the kinds that travel, and writes each as the row of a message: numbers, marks, types.
// The form of a row is read by src/kube/api/protobuf/messages.ts, and only there.
import type { GoField, GoSources, GoType } from './go-source.ts';
import { messageRoots, shortName, typeNamed, WELL_KNOWN } from './names.ts';
import { tagOf } from './tags.ts';

/** Message -> JSON field -> text. */
export type MessageTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

const SCALARS: Readonly<Partial<Record<GoType['kind'], string>>> = {
  bool: 'bool',
  int32: 'int32',
  int64: 'int64',
  float64: 'double',
  string: 'string',
};

/** Messages sorted by name; their fields as the Go type has them. */
export function buildMessages(sources: GoSources): MessageTable {
  const table = new Map<string, Record<string, string>>();
  const waiting = messageRoots();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (table.has(name)) continue;
    const fields: Record<string, string> = {};
    for (const field of typeNamed(sources, name).fields) {
      const row = fieldRow(field, (message) => waiting.push(message));
      if (row !== undefined) fields[row.json] = row.text;
    }
    table.set(name, fields);
  }
  return Object.fromEntries([...table].sort((a, b) => (a[0] < b[0] ? -1 : 1)));
}

function fieldRow(field: GoField, refer: (message: string) => void): { json: string; text: string } | undefined {
  const [, number] = tagOf(field, 'protobuf');
  const [json = '', ...options] = tagOf(field, 'json');
  // TypeMeta has no number: it travels in the envelope. `-` has a form of its own.
  if (number === undefined) return undefined;
  if (json === '') return { json: `^${field.name}`, text: `${number} ^${typeText(field.type, refer)}` };
  const omits = options.includes('omitempty') || options.includes('omitzero');
  const mark = field.type.kind === 'pointer' ? '*' : !omits ? '!' : options.includes('omitzero') ? '~' : '';
  return { json, text: `${number} ${mark}${typeText(field.type, refer)}` };
}

function typeText(type: GoType, refer: (message: string) => void): string {
  const known = WELL_KNOWN[type.name]?.message;
  if (known !== undefined) return known;
  const scalar = SCALARS[type.kind];
  if (scalar !== undefined) return scalar;
  const { element } = type;
  if (type.kind === 'pointer' && element !== undefined) return typeText(element, refer);
  if (type.kind === 'map' && element !== undefined) return `{}${typeText(element, refer)}`;
  if (type.kind === 'slice' && element !== undefined) {
    if (element.name === '.uint8') return 'bytes';
    // A list with a name of its own that may be null is a message, with the items in field 1.
    return `${type.markers.has('protobuf.nullable') ? '()' : '[]'}${typeText(element, refer)}`;
  }
  if (type.kind === 'struct' && type.name !== '') {
    const name = shortName(type.name);
    refer(name);
    return name;
  }
  throw new Error(`Cannot write the type ${type.name || type.kind} as a field of a message`);
}
