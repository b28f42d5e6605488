// Turns Go structs with `json` and `protobuf` tags into the table of messages that the codec reads.
// Knows how Kubernetes tags its types; takes names, numbers and types only, never a description.
import type { GoField, GoType } from './go-types.ts';

/** Message -> JSON field -> text, as src/kube/api/protobuf/messages.ts reads it. */
export type MessageTable = Record<string, Record<string, string>>;

/** Types with a form of their own on one of the wires, by Go name. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  'k8s.io/apimachinery/pkg/apis/meta/v1.Time': 'time',
  'k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime': 'microTime',
  'k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1': 'json',
  'k8s.io/apimachinery/pkg/api/resource.Quantity': 'quantity',
  'k8s.io/apimachinery/pkg/util/intstr.IntOrString': 'intOrString',
  'k8s.io/apimachinery/pkg/runtime.RawExtension': 'json',
  'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSON': 'json',
  'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrArray': 'schemaOrArray',
  'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrBool': 'schemaOrBool',
  'k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1.JSONSchemaPropsOrStringArray': 'schemaOrStrings',
};

const SCALARS: Readonly<Partial<Record<GoType['kind'], string>>> = {
  bool: 'bool',
  int32: 'int32',
  int64: 'int64',
  float64: 'double',
  string: 'string',
};

/** Lists that are messages, with the items in field 1. The label of a field's tag does not tell: some say `opt` for plain lists. */
const WRAPPED: ReadonlySet<string> = new Set([
  'authentication.v1.ExtraValue',
  'authorization.v1.ExtraValue',
  'certificates.v1.ExtraValue',
  'meta.v1.Verbs',
]);

/** `k8s.io/api/core/v1.Pod` -> `core.v1.Pod`. */
function shortName(goName: string): string {
  const dot = goName.lastIndexOf('.');
  return `${goName.slice(0, dot).split('/').slice(-2).join('.')}.${goName.slice(dot + 1)}`;
}

/** What has left its beta after the programs were made keeps its fields and their numbers. */
function stable(name: string): string {
  return name.replace(/\.v1(?:alpha|beta)\d+\./, '.v1.');
}

/** The messages of `roots` (short names) and all they refer to. Throws when a root or a form is missing. */
export function buildMessages(structs: Iterable<GoType>, roots: readonly string[]): MessageTable {
  const byShortName = new Map<string, GoType>();
  for (const type of structs) {
    if (/^k8s\.io\/(api|apimachinery|apiextensions-apiserver)\//.test(type.name))
      byShortName.set(shortName(type.name), type);
  }
  const table: MessageTable = {};
  const waiting = [...roots];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (table[name] !== undefined) continue;
    const type = byShortName.get(name) ?? byShortName.get(name.replace('.v1.', '.v1beta1.'));
    if (type === undefined) throw new Error(`Cannot find the type ${name}: none of the programs carries it`);
    const fields: Record<string, string> = {};
    for (const field of type.fields) {
      const row = fieldRow(field, (message) => waiting.push(message));
      if (row !== undefined) fields[row.json] = row.text;
    }
    table[name] = fields;
  }
  return table;
}

function tagOf(field: GoField, key: string): string[] {
  const match = new RegExp(`(?:^| )${key}:"([^"]*)"`).exec(field.tag);
  return match?.[1] === undefined ? [] : match[1].split(',');
}

function fieldRow(field: GoField, refer: (message: string) => void): { json: string; text: string } | undefined {
  const [, number] = tagOf(field, 'protobuf');
  const [json = '', ...options] = tagOf(field, 'json');
  // TypeMeta has no number: it travels in the envelope. `-` has a form of its own.
  if (number === undefined) return undefined;
  if (json === '') {
    const text = `${number} ^${typeText(field.type, refer)}`;
    return { json: `^${field.name}`, text };
  }
  const pointer = field.type.kind === 'pointer';
  const omits = options.includes('omitempty') || options.includes('omitzero');
  const mark = pointer ? '*' : !omits ? '!' : options.includes('omitzero') ? '~' : '';
  return { json, text: `${number} ${mark}${typeText(field.type, refer)}` };
}

function typeText(type: GoType, refer: (message: string) => void): string {
  const known = WELL_KNOWN[type.name];
  if (known !== undefined) return known;
  const scalar = SCALARS[type.kind];
  if (scalar !== undefined) return scalar;
  const { element } = type;
  if (type.kind === 'pointer' && element !== undefined) return typeText(element, refer);
  if (type.kind === 'map' && element !== undefined) return `{}${typeText(element, refer)}`;
  if (type.kind === 'slice' && element !== undefined) {
    if (element.name === '.uint8') return 'bytes';
    return `${WRAPPED.has(shortName(type.name)) ? '()' : '[]'}${typeText(element, refer)}`;
  }
  if (type.kind === 'struct' && type.name !== '') {
    const name = stable(shortName(type.name));
    refer(name);
    return name;
  }
  throw new Error(`Cannot write the type ${type.name || type.kind} as a field of a message`);
}

/** One message a line, sorted, so that a change of one kind is a change of one line. */
export function printMessages(table: MessageTable): string {
  const names = Object.keys(table).sort();
  return `{\n${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(table[name])}`).join(',\n')}\n}\n`;
}
