// What the schemas of the configuration file are made of: leaves that say what they expect, and objects that are strict.
// Knows no field. A message has a `%` where the field is named, and its remedy behind a line break (`refusal.ts`).
import * as v from 'valibot';
import { describe } from '../../manifests/yaml-value.ts';
import { refusal } from './refusal.ts';
import { suggestion } from './suggestion.ts';

/** Whatever the file says, to a `T`. */
export type Schema<T> = v.GenericSchema<unknown, T>;

/** What a leaf makes of a value: the result, or why not. */
export type Parsed<T> = { readonly value: T } | { readonly error: string; readonly remedy?: string };

/** `example` is what a person could write in place of a value that is missing or wrong. */
export function leaf<T>(
  expected: string,
  example: string,
  parse: (value: unknown) => Parsed<T> | undefined,
): Schema<T> {
  const schema: Schema<T> = v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }): T => {
      const parsed = parse(dataset.value);
      if (parsed !== undefined && 'value' in parsed) return parsed.value;
      const message =
        parsed === undefined
          ? refusal(`% is ${describe(dataset.value)}, not ${expected}`, `Write ${example}`)
          : refusal(
              isRecord(dataset.value) ? `%: ${parsed.error}` : `% is ${describe(dataset.value)}: ${parsed.error}`,
              parsed.remedy ?? `Write ${example}`,
            );
      addIssue({ message });
      return NEVER;
    }),
  );
  examples.set(schema, example);
  return schema;
}

/** For the message about a field that is missing. */
const examples = new WeakMap<object, string>();

type Entries = Readonly<Record<string, Schema<unknown> | v.OptionalSchema<Schema<unknown>, undefined>>>;

/** An object with these fields and no others; every unknown one is reported, with the one that was probably meant. */
export function object<const E extends Entries>(entries: E): Schema<v.InferOutput<v.ObjectSchema<E, undefined>>> {
  const known = Object.keys(entries);
  const schema = v.pipe(
    v.looseObject(entries, (issue) => {
      if (issue.expected === 'Object') {
        return refusal(`% is ${describe(issue.input)}, not an object`, `It has the fields ${listed(known)}`);
      }
      const name = String(issue.path?.at(-1)?.key ?? '');
      const example = examples.get(entries[name] ?? {});
      return refusal('% is missing', example === undefined ? 'Add it' : `Add it: write ${example}`);
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      const input = dataset.value as unknown;
      if (!isRecord(input)) return;
      for (const key of Object.keys(input)) {
        if (Object.hasOwn(entries, key)) continue;
        addIssue({
          message: refusal('% does not exist', suggestion(key, known)),
          path: [{ type: 'object', origin: 'key', input, key, value: input[key] }],
        });
      }
    }),
  );
  return schema as unknown as Schema<v.InferOutput<v.ObjectSchema<E, undefined>>>;
}

/**
 * For `satisfies`: entries for every field of a part of the model, so that a field which comes to the model is not
 * forgotten here.
 */
export type EveryField<T, Own extends string = never, Not extends string = never> = Readonly<
  Record<Exclude<keyof Required<T>, Not> | Own, unknown>
>;

export const optional = <T>(schema: Schema<T>): v.OptionalSchema<Schema<T>, undefined> => v.optional(schema);

/** A list; `what` names its items for the message. */
export function list<T>(item: Schema<T>, what: string, { min = 0 }: { readonly min?: number } = {}): Schema<T[]> {
  const items = v.array(item, (issue) =>
    refusal(
      `% is ${describe(issue.input)}, not a list of ${what}`,
      'Write its items in [brackets], or each behind a dash',
    ),
  );
  if (min === 0) return items;
  return v.pipe(
    items,
    v.minLength(min, refusal('% is empty', `It needs at least ${min === 1 ? 'one' : min} of ${what}`)),
  );
}

/** An object of entries that are named freely. */
export function named<T>(
  item: Schema<T>,
  what: string,
  key: v.GenericSchema<string, string> = v.string(),
): Schema<Record<string, T>> {
  return v.record(key, item, (issue) =>
    refusal(`% is ${describe(issue.input)}, not an object of ${what}`, 'Write each with its name in front'),
  );
}

/** One of these words. */
export function oneOf<const W extends string | number>(...words: readonly W[]): Schema<W> {
  const expected = `one of ${words.join(', ')}`;
  return leaf<W>(expected, expected, (value) => {
    const word = words.find((one) => one === value);
    if (word !== undefined) return { value: word };
    if (typeof value !== 'string') return undefined;
    return { error: 'there is no such choice', remedy: suggestion(value, words.map(String)) };
  });
}

/** Two ways to write the same: a short text, or the whole object. */
export function short<T>(text: Schema<T>, whole: Schema<T>): Schema<T> {
  return v.lazy((input) => (isRecord(input) || Array.isArray(input) ? whole : text));
}

/** An object whose `type` says which other fields it has. */
export function byType<T>(schemas: Readonly<Record<string, Schema<T>>>): Schema<T> {
  const types = Object.keys(schemas);
  const type = oneOf(...types);
  const unknownType = v.looseObject({ type }, (issue) =>
    issue.expected === 'Object'
      ? refusal(`% is ${describe(issue.input)}, not an object`, `Write {type: ${types.join(' | ')}}`)
      : refusal('% is missing', `Add it: one of ${types.join(', ')}`),
  );
  return v.lazy((input) => {
    const wanted = isRecord(input) ? input.type : undefined;
    const schema = typeof wanted === 'string' && Object.hasOwn(schemas, wanted) ? schemas[wanted] : undefined;
    return schema ?? (unknownType as unknown as Schema<T>);
  });
}

/** `to` runs only on what is valid. */
export function mapped<A, B>(schema: Schema<A>, to: (value: A) => B): Schema<B> {
  return v.pipe(schema, v.transform(to));
}

/** What two fields say about each other; `undefined` is fine. `field` is below the object. */
export function checked<T extends object>(
  schema: Schema<T>,
  check: (value: T) => { readonly field?: string; readonly error: string; readonly remedy: string } | undefined,
): Schema<T> {
  return v.pipe(
    schema,
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      const found = check(dataset.value);
      if (found === undefined) return;
      const input = dataset.value as Record<string, unknown>;
      const { field, error, remedy } = found;
      addIssue({
        message: refusal(`% ${error}`, remedy),
        ...(field === undefined
          ? {}
          : { path: [{ type: 'object', origin: 'value', input, key: field, value: input[field] }] }),
      });
    }),
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
