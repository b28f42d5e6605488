// Walks the models from the served kinds and writes each as a compact row of field types.
// The form of a row is read by src/kube/api/schema/structure.ts, and only there.
import { builtinResources, type ResourceDefinition } from '#kube/api/resources.ts';
import { type ModelField, readModel } from './models.ts';
import {
  bareKind,
  coreKinds,
  extraRoots,
  metaKinds,
  modelOf,
  namedAnyFields,
  packageOf,
  quantityFields,
  type RootModel,
} from './names.ts';

/** Definition (`core.v1.Container`) -> field (`name!` when required) -> type (`[]core.v1.ContainerPort`). */
export type Structure = Record<string, Record<string, string>>;

const scalars: Readonly<Record<string, string>> = {
  'string:': 'string',
  'string:byte': 'byte',
  'string:date-time': 'time',
  'Date:date-time': 'time',
  'Date:': 'time',
  'V1MicroTime:date-time-micro': 'microTime',
  'V1MicroTime:': 'microTime',
  'boolean:': 'bool',
  'number:int32': 'int32',
  'number:int64': 'int64',
  'number:double': 'double',
  'number:': 'double',
  'IntOrString:int-or-string': 'intOrString',
  'IntOrString:': 'intOrString',
};

export function buildStructure(directory: string): Structure {
  const owners = new Map<string, string>();
  const rows = new Map<string, Record<string, string>>();

  const refer = (model: string, packageName: string): string => {
    const kind = bareKind(model);
    const owner = owners.get(model) ?? fixedOwner(kind) ?? packageName;
    if (!owners.has(model)) {
      owners.set(model, owner);
      const row: Record<string, string> = {};
      rows.set(`${owner}.${kind}`, row);
      for (const field of readModel(directory, model)) {
        row[`${field.name}${field.required ? '!' : ''}`] = typeOf(kind, field, (ref) => refer(ref, owner));
      }
    }
    return `${owner}.${kind}`;
  };

  for (const root of roots()) refer(root.model, root.packageName);
  return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Core first: what several groups refer to is core's (meta's types are listed by name). */
function roots(): RootModel[] {
  const named: (readonly [string, string])[] = [
    ...builtinResources
      .filter((each) => !isBetaOfStable(each))
      .map((each) => [packageOf(each.group, each.version), each.kind] as const),
    ...extraRoots,
  ];
  named.sort(([a], [b]) => Number(b === 'core.v1') - Number(a === 'core.v1'));
  return named.map(([packageName, kind]) => ({ packageName, model: modelOf(packageName, kind) }));
}

/** A beta that is served beside its successor has the successor's structure. */
function isBetaOfStable({ group, version, kind }: ResourceDefinition): boolean {
  if (!/beta|alpha/.test(version)) return false;
  return builtinResources.some((other) => other.group === group && other.kind === kind && other.version === 'v1');
}

function fixedOwner(kind: string): string | undefined {
  if (metaKinds.has(kind)) return 'meta.v1';
  if (coreKinds.has(kind)) return 'core.v1';
  return undefined;
}

function typeOf(kind: string, field: ModelField, refer: (model: string) => string): string {
  const path = `${kind}.${field.name}`;
  const named = namedAnyFields[path];
  if (named !== undefined) return named;
  const text = translate(path, field.type, field.format, refer);
  if (!quantityFields.has(path)) return text;
  return text.replace(/string$/, 'quantity');
}

function translate(path: string, type: string, format: string, refer: (model: string) => string): string {
  const array = /^Array<(.*)>$/.exec(type);
  if (array?.[1] !== undefined) return `[]${translate(path, array[1], format, refer)}`;
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(type);
  if (map?.[1] !== undefined) return `{}${translate(path, map[1], format, refer)}`;
  const scalar = scalars[`${type}:${format}`];
  if (scalar !== undefined) return scalar;
  if (/^[A-Z]\w*V\d+[A-Z]|^V\d+[A-Z]/.test(type)) return refer(type);
  throw new Error(`Cannot translate the type ${type} (format "${format}") of ${path}: name it in names.ts`);
}

/** One definition a line: small to diff, quick to parse. */
export function printStructure(structure: Structure): string {
  const lines = Object.entries(structure).map(([name, row]) => `${JSON.stringify(name)}:${JSON.stringify(row)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}
