// Objects that expressions write out by a type's name: `Object.spec{replicas: 3}`. Which types there are is the caller's matter.
// Knows fields by name and values; nothing of what becomes of the object.
import type { Type } from './types.ts';
import { Fields, isList, type Value } from './values.ts';

/** A type that expressions may write objects of. */
export interface MessageType {
  readonly type: Type;
  /** Undefined for a field that the type does not have. */
  field(name: string): Type | undefined;
}

/** The type of that name, if an expression may use it. */
export type MessageTypes = (name: string) => MessageType | undefined;

export class Message extends Fields {
  readonly isMap = false;
  override readonly typeName: string;
  readonly fields: ReadonlyMap<string, Value>;

  constructor(typeName: string, fields: ReadonlyMap<string, Value>) {
    super();
    this.typeName = typeName;
    this.fields = fields;
  }
  get(name: string): Value | undefined {
    return this.fields.get(name);
  }
  keys(): readonly string[] {
    return [...this.fields.keys()];
  }
}

/** Where the name of a message's type is not that of the place where it stands; lists and maps on the way have no name. */
export function misnamed(value: Value, path: string): string[] {
  if (value instanceof Message) {
    const own =
      value.typeName === path
        ? []
        : [
            `unexpected type name ${JSON.stringify(value.typeName)}, expected ${JSON.stringify(path)}, which matches field name path from root Object type`,
          ];
    return [...own, ...[...value.fields].flatMap(([name, field]) => misnamed(field, `${path}.${name}`))];
  }
  if (isList(value)) return value.flatMap((item) => misnamed(item, path));
  if (value instanceof Map) return [...value.values()].flatMap((item) => misnamed(item, path));
  return [];
}
