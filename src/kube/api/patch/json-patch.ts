// JSON patch (RFC 6902) with the failures of the Kubernetes API: 400 for what is no patch, 422 for what does not apply.
// Knows no schema and no kind.
import { applyPatch as applyOperations, type Operation } from 'rfc6902';
import { cloneJson, isJsonObject, type Json, type JsonObject, own, setOwn } from '#lib/json.ts';
import { badRequest, StatusError } from '../status.ts';

/** Upstream's bound on the work one request may ask for (maxJSONPatchOperations). */
const maxOperations = 10_000;

/** Upstream's bound on what the copies of one patch may add (JSONPatchMaxCopyBytes): each can double the document. */
const maxCopied = 3 * 1024 * 1024;

const needsValue = new Set(['add', 'replace', 'test']);
const needsFrom = new Set(['move', 'copy']);
const needsTarget = new Set(['remove', 'replace']);

/**
 * Applies `patch` to `current` and returns the result; neither argument is changed.
 * Throws a StatusError: 400 for a malformed patch, 413 for too many operations, 422 for an operation that does not apply.
 */
export function jsonPatch(current: Json, patch: Json): Json {
  if (!Array.isArray(patch)) {
    throw badRequest('json: cannot unmarshal object into a JSON patch: a list of operations is expected');
  }
  if (patch.length > maxOperations) {
    const text = `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`;
    throw new StatusError(413, 'RequestEntityTooLarge', `Request entity is too large: ${text}`);
  }
  const operations = patch.map(parseOperation);
  // The document hangs below a member of a holder, because the library cannot replace a root.
  const holder: JsonObject = { root: cloneJson(current) };
  let copied = 0;
  for (const operation of operations) {
    if (operation.op === 'copy') copied += sizeOf(locate(holder, String(operation.from)));
    if (copied > maxCopied) {
      throw rejected(
        `Unable to complete the copy, the accumulated size increase of copy is ${copied}, exceeding the limit ${maxCopied}`,
      );
    }
    const problem = run(holder, operation);
    if (problem !== undefined) throw rejected(problem);
  }
  const result = holder.root;
  if (result === undefined) throw rejected('remove operation does not apply: the whole document cannot be removed');
  return result;
}

function parseOperation(value: Json, index: number): JsonObject {
  if (!isJsonObject(value)) throw badRequest(`JSON patch operation ${index} is not an object`);
  const { op, path, from } = value;
  if (typeof op !== 'string') throw badRequest(`JSON patch operation ${index} has no "op"`);
  if (!needsValue.has(op) && !needsFrom.has(op) && op !== 'remove') {
    throw badRequest(`Unexpected kind: ${op}`);
  }
  if (!isPointer(path)) throw badRequest(`JSON patch operation ${index}: "path" must be a JSON pointer`);
  if (needsFrom.has(op) && !isPointer(from)) {
    throw badRequest(`JSON patch operation ${index}: "from" must be a JSON pointer`);
  }
  return value;
}

function isPointer(value: Json | undefined): value is string {
  return typeof value === 'string' && (value === '' || value.startsWith('/'));
}

/** What hinders the operation, or undefined when it is done. */
function run(holder: JsonObject, operation: JsonObject): string | undefined {
  const { op, path, from } = operation as { op: string; path: string; from: string | undefined };
  if (needsValue.has(op) && operation.value === undefined && op !== 'test') {
    return `${op} operation does not apply: "value" is missing at path "${path}"`;
  }
  const target = locate(holder, path);
  // A test for null holds where there is nothing, as upstream's library has it.
  if (op === 'test' && (target === undefined || target === 'absent')) {
    return (operation.value ?? null) === null ? undefined : `testing value ${path} failed: test failed`;
  }
  if (target === undefined) return `${op} operation does not apply: doc is missing path: "${path}": missing value`;
  if (target === 'absent' && needsTarget.has(op)) {
    return `${op} operation does not apply: doc is missing key: ${path}: missing value`;
  }
  if (from !== undefined && needsFrom.has(op)) {
    const source = locate(holder, from);
    if (source === undefined || source === 'absent') {
      return `${op} operation does not apply: doc is missing from path: "${from}": missing value`;
    }
    if (op === 'move' && path.startsWith(`${from}/`)) {
      return `move operation does not apply: "${from}" cannot move into itself at "${path}"`;
    }
  }
  const given = op === 'add' || op === 'replace' ? operation.value : undefined;
  // The library's copy of a value loses members called `__proto__`: it makes the place, and the value is put there.
  const below = {
    ...operation,
    ...(given === undefined ? {} : { value: 0 }),
    path: `/root${path}`,
    ...(from === undefined ? {} : { from: `/root${from}` }),
  };
  const [error] = applyOperations(holder, [below as unknown as Operation]);
  if (error === null) {
    if (given !== undefined) put(holder, `/root${path}`, cloneJson(given));
    return undefined;
  }
  return op === 'test' ? `testing value ${path} failed: test failed` : `${op} operation does not apply: ${path}`;
}

/** Sets what stands at a pointer whose target is there; `-` is the last item. */
function put(holder: JsonObject, pointer: string, value: Json): void {
  const tokens = pointer.split('/').slice(1).map(decodeToken);
  const last = tokens.pop() ?? '';
  let parent: Json | undefined = holder;
  for (const token of tokens) parent = Array.isArray(parent) ? parent[Number(token)] : own(parent as JsonObject, token);
  if (Array.isArray(parent)) parent[last === '-' ? parent.length - 1 : Number(last)] = value;
  else setOwn(parent as JsonObject, last, value);
}

function decodeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** As JSON, in characters. */
function sizeOf(place: Place): number {
  return place === undefined || place === 'absent' ? 0 : JSON.stringify(place.value).length;
}

/** What stands at a pointer; `absent` when it could be added, undefined when not even that. */
type Place = { readonly value: Json } | 'absent' | undefined;

/**
 * Finds what a pointer points to.
 * Walks own members only: the library would follow `/toString` into a prototype.
 */
function locate(holder: JsonObject, path: string): Place {
  const tokens = path.split('/').slice(1);
  let value: Json | undefined = holder.root;
  for (const [depth, raw] of tokens.entries()) {
    const token = decodeToken(raw);
    const last = depth === tokens.length - 1;
    if (Array.isArray(value)) {
      if (token === '-') return last ? 'absent' : undefined;
      if (!/^(0|[1-9][0-9]*)$/.test(token)) return undefined;
      const index = Number(token);
      if (last && index === value.length) return 'absent';
      if (index >= value.length) return undefined;
      value = value[index];
    } else if (isJsonObject(value)) {
      if (token === '__proto__') return undefined;
      if (own(value, token) === undefined) return last ? 'absent' : undefined;
      value = own(value, token);
    } else {
      return undefined;
    }
  }
  return value === undefined ? undefined : { value };
}

function rejected(why: string): StatusError {
  const message = 'the server rejected our request due to an error in our request';
  return new StatusError(422, 'Invalid', message, {
    causes: [{ reason: 'UnexpectedServerResponse', message: why, field: 'patch' }],
  });
}
