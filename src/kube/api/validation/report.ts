// Collects what is wrong with an object, in upstream's words: one method for each kind of field error.
// Knows no kind. Upstream source: k8s.io/apimachinery/pkg/util/validation/field.
import type { StatusCause } from '../status.ts';

/** A path in an object as messages show it: `spec.ports[0].name`, `metadata.labels`. */
export type FieldPath = string;

export function child(path: FieldPath, ...names: readonly string[]): FieldPath {
  return [path, ...names].filter((name) => name !== '').join('.');
}

/** `path[3]`, or `path[key]` for members of a map. */
export function at(path: FieldPath, indexOrKey: number | string): FieldPath {
  return `${path}[${indexOrKey}]`;
}

export class Report {
  readonly causes: StatusCause[] = [];

  /** The value is there but wrong: `Invalid value: "x": must be ...`. */
  invalid(field: FieldPath, value: unknown, detail: string): void {
    this.#add('FieldValueInvalid', field, `Invalid value: ${shown(value)}: ${detail}`);
  }

  /** The parts are each fine, but not together: the value is not shown. */
  invalidAsWhole(field: FieldPath, detail: string): void {
    this.#add('FieldValueInvalid', field, `Invalid value: ${detail}`);
  }

  required(field: FieldPath, detail = ''): void {
    this.#add('FieldValueRequired', field, detail === '' ? 'Required value' : `Required value: ${detail}`);
  }

  /** `supported` appears in the order given, as upstream's callers sort it. */
  notSupported(field: FieldPath, value: unknown, supported: readonly string[]): void {
    const list = supported.map((text) => JSON.stringify(text)).join(', ');
    const detail = list === '' ? '' : `: supported values: ${list}`;
    this.#add('FieldValueNotSupported', field, `Unsupported value: ${shown(value)}${detail}`);
  }

  duplicate(field: FieldPath, value: unknown, detail = ''): void {
    this.#add('FieldValueDuplicate', field, `Duplicate value: ${shown(value)}${detail === '' ? '' : `: ${detail}`}`);
  }

  forbidden(field: FieldPath, detail: string): void {
    this.#add('FieldValueForbidden', field, `Forbidden: ${detail}`);
  }

  notFound(field: FieldPath, value: unknown): void {
    this.#add('FieldValueNotFound', field, `Not found: ${shown(value)}`);
  }

  tooLong(field: FieldPath, bytes: number): void {
    this.#add('FieldValueTooLong', field, `Too long: may not be more than ${bytes} bytes`);
  }

  tooMany(field: FieldPath, actual: number, most: number): void {
    this.#add('FieldValueTooMany', field, `Too many: ${actual}: must have at most ${most} items`);
  }

  /** Reports the value once for each message, which is how upstream's name checks answer. */
  each(field: FieldPath, value: unknown, messages: readonly string[]): void {
    for (const message of messages) this.invalid(field, value, message);
  }

  #add(reason: string, field: FieldPath, message: string): void {
    this.causes.push({ reason, message, field });
  }
}

function shown(value: unknown): string {
  return value === undefined || value === null ? 'null' : JSON.stringify(value);
}
