// Reads the tags of Go fields: what JSON calls a field, and what it leaves out.
// Knows how Kubernetes tags its types; knows no type.
import type { GoField, GoType } from './go-source.ts';

/** Parts of one key of the tag: `json:"a,omitempty"` is `['a', 'omitempty']`; none when the key is absent. */
export function tagOf(field: GoField, key: string): readonly string[] {
  const match = new RegExp(`(?:^| )${key}:"([^"]*)"`).exec(field.tag);
  return match?.[1] === undefined ? [] : match[1].split(',');
}

export interface JsonField {
  readonly json: string;
  readonly field: GoField;
  /** Left out of the JSON when it is empty. */
  readonly omits: boolean;
}

/** The fields that JSON shows of a struct, those of inlined structs in their place. */
export function jsonFields(type: GoType): JsonField[] {
  return type.fields.flatMap((field) => {
    const [json = '', ...options] = tagOf(field, 'json');
    if (json === '-') return [];
    if (json === '') return jsonFields(target(field.type));
    return [{ json, field, omits: options.includes('omitempty') || options.includes('omitzero') }];
  });
}

/** What a pointer points to, and anything else itself. */
export function target(type: GoType): GoType {
  return type.kind === 'pointer' && type.element !== undefined ? type.element : type;
}
