// The messages of the Kubernetes API, from the generated table: numbers, JSON names, types, and what JSON omits.
// Knows no bytes and no objects. A message is read from the table on first use.
import { readFileSync } from 'node:fs';
import { definitionNameOf } from '../schema/index.ts';

export interface Field {
  readonly number: number;
  /** Name in JSON; empty for a message whose fields stand in its parent. */
  readonly json: string;
  /** `wrapped`: a list that is a message of its own, with the items in field 1. */
  readonly shape: 'one' | 'list' | 'map' | 'wrapped';
  /** A scalar, a well-known type, or the name of a message. */
  readonly type: string;
  /** The Go field is a pointer, or its JSON has no omitempty: zero is a value. */
  readonly keepsZero: boolean;
  /** An empty message is left out of the JSON. */
  readonly omitsEmpty: boolean;
}

export interface Message {
  readonly name: string;
  readonly byNumber: ReadonlyMap<number, Field>;
  /** Highest number first: the order of writing. */
  readonly descending: readonly Field[];
}

/** Message -> JSON field -> `number mark type`; written by tools/schema/generate.ts. */
type Table = Readonly<Record<string, Readonly<Record<string, string>>>>;

let table: Table | undefined;
const known = new Map<string, Message>();

function loadTable(): Table {
  table ??= JSON.parse(readFileSync(new URL('./gen/messages.json', import.meta.url), 'utf8')) as Table;
  return table;
}

/** Names of all messages, e.g. `core.v1.Container`; the same as the definitions of the schemas. */
export function messageNames(): string[] {
  return Object.keys(loadTable());
}

export function messageNamed(name: string): Message | undefined {
  const found = known.get(name);
  if (found !== undefined) return found;
  const all = loadTable();
  const row = Object.hasOwn(all, name) ? all[name] : undefined;
  if (row === undefined) return undefined;
  const fields = Object.entries(row).map(([json, text]) => parseField(json, text));
  const message: Message = {
    name,
    byNumber: new Map(fields.map((field) => [field.number, field])),
    descending: fields.sort((a, b) => b.number - a.number),
  };
  known.set(name, message);
  return message;
}

/** The message of a kind; undefined when it has no form in protocol buffers, as custom resources and Tables. */
export function messageOf(apiVersion: string, kind: string): Message | undefined {
  // The older version of the metadata-only objects has the same fields.
  const version = apiVersion === 'meta.k8s.io/v1beta1' ? 'meta.k8s.io/v1' : apiVersion;
  return messageNamed(definitionNameOf(version, kind));
}

const SHAPES: Readonly<Record<string, Field['shape']>> = { '[]': 'list', '{}': 'map', '()': 'wrapped' };

/** `mark` is `*` pointer, `!` always in JSON, `~` left out when empty, `^` inline, or nothing: left out when zero. */
function parseField(json: string, text: string): Field {
  const match = /^(\d+) ([*!~^]?)(\[\]|\{\}|\(\))?((?:\(\))?[\w.]+)$/.exec(text);
  if (match === null)
    throw new Error(`Cannot read the field ${json}: ${JSON.stringify(text)} in the table of messages`);
  const [, number, mark, shape = '', type = ''] = match;
  return {
    number: Number(number),
    json: mark === '^' ? '' : json,
    shape: SHAPES[shape] ?? 'one',
    type,
    keepsZero: mark === '*' || mark === '!',
    omitsEmpty: mark === '~',
  };
}
