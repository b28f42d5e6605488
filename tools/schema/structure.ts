// Walks the Go types from the served kinds and writes each as a compact row of field types.
// The form of a row is read by src/kube/api/schema/builtin.ts, and only there.
import type { GoField, GoSources, GoType } from './go-source.ts';
import { shortName, structureRoots, typeNamed, WELL_KNOWN } from './names.ts';
import { jsonFields } from './tags.ts';

/** Definition (`core.v1.Container`) -> field (`name!` when required) -> type (`[]core.v1.ContainerPort`). */
export type Structure = Readonly<Record<string, Readonly<Record<string, string>>>>;

const SCALARS: Readonly<Partial<Record<GoType['kind'], string>>> = {
  bool: 'bool',
  int32: 'int32',
  int64: 'int64',
  float64: 'double',
  string: 'string',
};

/** Go types that are text in JSON, and nothing more is known of them. */
const TEXTS: ReadonlySet<string> = new Set([
  'k8s.io/apimachinery/pkg/types.UID',
  'k8s.io/apimachinery/pkg/apis/meta/v1.Duration',
]);

/** Definitions sorted by name, and the fields of each by theirs. */
export function buildStructure(sources: GoSources): Structure {
  const rows = new Map<string, Record<string, string>>();
  const waiting = structureRoots();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (rows.has(name)) continue;
    const entries = jsonFields(typeNamed(sources, name)).map(
      ({ json, field, omits }) =>
        [
          `${json}${isRequired(field, omits) ? '!' : ''}`,
          typeText(field.type, (definition) => waiting.push(definition)),
        ] as const,
    );
    rows.set(name, Object.fromEntries(entries.sort(byKey)));
  }
  return Object.fromEntries([...rows].sort(byKey));
}

/** As the published API has it. */
function isRequired(field: GoField, omits: boolean): boolean {
  if (field.markers.has('required')) return true;
  return !omits && !field.markers.has('optional');
}

function typeText(type: GoType, refer: (definition: string) => void): string {
  const known = WELL_KNOWN[type.name];
  if (known !== undefined) return known.structure;
  if (TEXTS.has(type.name)) return 'string';
  const scalar = SCALARS[type.kind];
  if (scalar !== undefined) return scalar;
  const { element } = type;
  if (element !== undefined) {
    if (type.kind === 'pointer') return typeText(element, refer);
    if (type.kind === 'map') return `{}${typeText(element, refer)}`;
    if (element.name === '.uint8') return 'byte';
    return `[]${typeText(element, refer)}`;
  }
  if (type.kind !== 'struct') throw new Error(`Cannot write the type ${type.name}: name it in names.ts`);
  const name = shortName(type.name);
  refer(name);
  return name;
}

function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1;
}
