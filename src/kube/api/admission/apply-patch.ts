// What a mutation of a policy makes of an object: the result of its expression, merged in or carried out step by step.
// Knows values, schemas and patches; who asks for it is the server's matter. Upstream source: plugin/policy/mutating/patch.
import type { Json } from '#lib/json.ts';
import { merge } from '../apply/combine.ts';
import { CelError, jsonOf, Message, misnamed, type Value } from '../cel/index.ts';
import type { KubeObject } from '../object.ts';
import { applyPatch } from '../patch/index.ts';
import { type Schema, validateStructure } from '../schema/index.ts';
import { StatusError } from '../status.ts';

/** Why a mutation cannot be made, in upstream's words. */
export class MutationError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MutationError';
  }
}

/** `value` is what an expression of `Object` came to. Throws `MutationError`. */
export function applyConfiguration<T extends KubeObject>(object: T, value: Value, schema: Schema | undefined): T {
  if (!(value instanceof Message)) {
    throw new MutationError('unsupported return type from ApplyConfiguration expression');
  }
  assertNames(value);
  const patch = json(value) as Record<string, Json>;
  const given = { ...patch, apiVersion: object.apiVersion ?? '', kind: object.kind ?? '' };
  const unknown =
    schema === undefined ? [] : validateStructure(schema, given).filter(({ kind }) => kind !== 'required');
  if (unknown.length > 0) {
    const texts = unknown.map(({ kind, path, message }) =>
      kind === 'unknown' ? `.${path}: field not declared in schema` : `.${path}: ${message}`,
    );
    const all = texts.length === 1 ? texts[0] : `errors:\n  ${texts.join('\n  ')}`;
    throw new MutationError(`error applying patch: failed to convert patch object to typed object: ${all}`);
  }
  const atomic = atomics(given, schema, '');
  if (atomic.length > 0) {
    throw new MutationError(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${atomic.join(', ')}`,
    );
  }
  return merge(object as unknown as Json, given, schema) as unknown as T;
}

/** Whoever sets one field of something atomic would remove all its others. */
function atomics(value: Json, schema: Schema | undefined, path: string): string[] {
  if (schema === undefined || value === null || typeof value !== 'object') return [];
  if (Array.isArray(value)) {
    const own = schema.type === 'array' && (schema.listType ?? 'atomic') === 'atomic' ? [path] : [];
    return [...own, ...value.flatMap((item, index) => atomics(item, schema.items, `${path}[${index}]`))];
  }
  const found = schema.mapType === 'atomic' ? [path] : [];
  for (const [name, member] of Object.entries(value)) {
    const { properties = {}, additionalProperties } = schema;
    const below = Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
    found.push(...atomics(member as Json, below, `${path}.${name}`));
  }
  return found;
}

/** `value` is what an expression of `list(JSONPatch)` came to. A patch whose test fails changes nothing. Throws `MutationError`. */
export function applyJsonPatch<T extends KubeObject>(object: T, value: Value): T {
  if (!Array.isArray(value)) {
    throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array');
  }
  const operations = (value as readonly Value[]).map((operation) => {
    if (!(operation instanceof Message) || operation.typeName !== 'JSONPatch') {
      throw new MutationError('type mismatch: JSONPatchType.expression should evaluate to array of JSONPatch');
    }
    const part = operation.get('value');
    if (part instanceof Message) assertNames(part);
    return json(operation);
  });
  try {
    return applyPatch('json', object, operations, undefined) as T;
  } catch (error) {
    const message = reasonOf(error);
    if (message.endsWith('test failed')) return object;
    throw new MutationError(`JSONPath: ${message}`);
  }
}

/** A patch that does not apply says why beside its message. */
function reasonOf(error: unknown): string {
  const cause = error instanceof StatusError ? error.toStatus().details?.causes?.[0]?.message : undefined;
  return cause ?? (error instanceof Error ? error.message : String(error));
}

/** An object that stands below `spec` of an `Object` must be of the type `Object.spec`. */
function assertNames(value: Message): void {
  const wrong = misnamed(value, value.typeName);
  if (wrong.length > 0) throw new MutationError(`type mismatch: ${wrong.join('\n')}`);
}

function json(value: Value): Json {
  try {
    return jsonOf(value) as Json;
  } catch (error) {
    if (error instanceof CelError) throw new MutationError(error.message);
    throw error;
  }
}
