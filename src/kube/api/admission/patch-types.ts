// The types that mutations are written in: `Object` with whatever is below it, and `JSONPatch`.
// Knows names and fields; what a patch does is the server's matter. Upstream source: apiserver/pkg/cel/mutation.
import { DYN, type MessageType, type MessageTypes, STRING, type Type } from '../cel/index.ts';
import type { Field } from '../cel/types.ts';

/** Any field, of any type: what an object may have is said by its kind, which the expression does not know. */
class AnyFields extends Map<string, Field> {
  override get(name: string): Field {
    return { name, type: DYN };
  }
  override has(): boolean {
    return true;
  }
}
const anyFields = new AnyFields();

const part = (name: string): Type => ({ kind: 'object', name, fields: anyFields });

const patchFields: ReadonlyMap<string, Type> = new Map([
  ['op', STRING],
  ['path', STRING],
  ['from', STRING],
  ['value', DYN],
]);
const jsonPatch: MessageType = {
  type: {
    kind: 'object',
    name: 'JSONPatch',
    fields: new Map([...patchFields].map(([name, type]) => [name, { name, type }])),
  },
  field: (name) => patchFields.get(name),
};

export const patchTypes: MessageTypes = (name) => {
  if (name === 'JSONPatch') return jsonPatch;
  if (name !== 'Object' && !name.startsWith('Object.')) return undefined;
  return { type: part(name), field: () => DYN };
};
