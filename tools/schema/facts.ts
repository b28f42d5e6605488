// Writes what the Go sources say of a field beyond its type: how it merges, its words, what is assumed for it.
// Markers (`+listType`) and tags (`patchStrategy`) say it; the reader is src/kube/api/schema/builtin.ts.
import type { FieldFacts, PatchStrategy } from '#kube/api/schema/index.ts';
import type { GoField, GoSources, GoType, Markers } from './go-source.ts';
import { shortName, typeNamed } from './names.ts';
import { jsonFields, tagOf, target } from './tags.ts';

/** `definition.field`, or `definition` for what holds wherever the type is used. */
export type FactTable = Readonly<Record<string, FieldFacts>>;

/** Facts of the definitions named; a field that says nothing has no row. */
export function buildFacts(sources: GoSources, definitions: readonly string[]): FactTable {
  const table: Record<string, FieldFacts> = {};
  const keep = (key: string, facts: FieldFacts): void => {
    if (Object.keys(facts).length > 0) table[key] = facts;
  };
  for (const definition of definitions) {
    const type = typeNamed(sources, definition);
    keep(definition, mapFacts(type.markers));
    for (const { json, field } of jsonFields(type)) keep(`${definition}.${json}`, fieldFacts(field));
  }
  return table;
}

function fieldFacts(field: GoField): FieldFacts {
  const { markers, type } = field;
  const strategies = tagOf(field, 'patchStrategy') as readonly PatchStrategy[];
  const [mergeKey] = tagOf(field, 'patchMergeKey');
  const [listType] = markers.get('listType') ?? [];
  const keys = markers.get('listMapKey');
  return {
    ...(listType === undefined ? {} : { listType: listType as NonNullable<FieldFacts['listType']> }),
    ...(keys === undefined ? {} : { listMapKeys: keys }),
    ...mapFacts(markers),
    ...(strategies.length === 0 ? {} : { patchStrategy: strategies }),
    ...(mergeKey === undefined ? {} : { patchMergeKey: mergeKey }),
    ...enumFacts(target(type)),
    ...defaultFacts(field),
  };
}

/** The two markers are one statement: of a type with named fields, and of one with free keys. */
function mapFacts(markers: Markers): FieldFacts {
  const [mapType] = markers.get('structType') ?? markers.get('mapType') ?? [];
  return mapType === undefined ? {} : { mapType: mapType as NonNullable<FieldFacts['mapType']> };
}

function enumFacts(type: GoType): FieldFacts {
  return type.markers.has('enum') ? { enum: [...new Set(type.constants.values())].sort() } : {};
}

function defaultFacts({ markers, type }: GoField): FieldFacts {
  const [text] = markers.get('default') ?? [];
  if (text === undefined) return {};
  const constant = /^ref\((\w+)\)$/.exec(text)?.[1];
  const value = constant === undefined ? JSON.parse(text) : constantOf(target(type), constant);
  return { default: value as NonNullable<FieldFacts['default']> };
}

function constantOf(type: GoType, constant: string): string {
  const found = type.constants.get(constant);
  if (found === undefined) throw new Error(`Cannot find the constant ${constant} beside ${shortName(type.name)}`);
  return found;
}
