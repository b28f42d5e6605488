// Holds an object against its schema: unknown fields, values of a wrong type, required fields that are missing.
// Knows no kind and no meaning of a field; what values make sense together is semantic validation.
import type { StatusCause } from '../status.ts';
import { type GoContext, typeMistake } from './go-text.ts';
import { absenceIsEmpty, requiredIsEnforced } from './required.ts';
import { isRecord, type Schema } from './schema.ts';
import { schemaForValue } from './variants.ts';

/**
 * One thing that does not fit.
 * `unknown` is an error under strict field validation, a warning under `Warn`, and dropped otherwise;
 * `type` makes the object undecodable (400); `required` makes it invalid (422).
 */
export interface StructuralIssue {
  readonly kind: 'unknown' | 'type' | 'required';
  /** Path with indices, e.g. `spec.ports[0].port`. */
  readonly path: string;
  /** Kubernetes' text, e.g. `unknown field "spec.foo"`, or `Required value`. */
  readonly message: string;
}

/** As deep as a schema may lead: a CustomResourceDefinition's schema may nest in itself. */
const maxDepth = 500;

/** All that does not fit, in document order (the first `type` issue is the one that upstream reports). Never throws. */
export function validateStructure(schema: Schema, object: unknown): StructuralIssue[] {
  const issues: StructuralIssue[] = [];
  const name = schema.ref?.split('.').at(-1) ?? '';
  walk({ schema, value: object, path: '', go: { struct: name, path: '' }, depth: 0, inStatus: false }, issues);
  return issues;
}

/** Causes of a 422 answer for the `required` issues. */
export function requiredCauses(issues: readonly StructuralIssue[]): StatusCause[] {
  return issues
    .filter((issue) => issue.kind === 'required')
    .map((issue) => ({ reason: 'FieldValueRequired', message: issue.message, field: issue.path }));
}

interface Step {
  readonly schema: Schema;
  readonly value: unknown;
  readonly path: string;
  readonly go: GoContext;
  readonly depth: number;
  /** Below `status` the writer is a controller that reports what it knows; nothing is required of it. */
  readonly inStatus: boolean;
}

function walk(step: Step, issues: StructuralIssue[]): void {
  const { value, path } = step;
  if (value === null || value === undefined) return;
  const schema = schemaForValue(step.schema, value);
  if (step.depth > maxDepth) {
    issues.push({ kind: 'type', path, message: 'json: exceeded max depth' });
    return;
  }
  const mistake = typeMistake(schema, value, step.go);
  if (mistake !== undefined) {
    issues.push({ kind: 'type', path, message: mistake });
    return;
  }
  if (Array.isArray(value)) walkArray({ ...step, schema }, value, issues);
  else if (isRecord(value)) walkObject({ ...step, schema }, value, issues);
}

function walkArray(step: Step, values: readonly unknown[], issues: StructuralIssue[]): void {
  const items = step.schema.items;
  if (items === undefined) return;
  values.forEach((value, index) => {
    walk({ ...step, schema: items, value, path: `${step.path}[${index}]`, depth: step.depth + 1 }, issues);
  });
}

function walkObject(step: Step, value: Readonly<Record<string, unknown>>, issues: StructuralIssue[]): void {
  const { schema, path, depth } = step;
  const properties = schema.properties;
  if (properties === undefined && schema.additionalProperties === undefined) return;
  const struct = schema.ref?.split('.').at(-1) ?? step.go.struct;
  for (const [name, inner] of Object.entries(value)) {
    const innerPath = path === '' ? name : `${path}.${name}`;
    const property = properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property !== undefined) {
      const go = { struct, path: step.go.path === '' ? name : `${step.go.path}.${name}` };
      const inStatus = step.inStatus || (depth === 0 && name === 'status');
      walk({ schema: property, value: inner, path: innerPath, go, depth: depth + 1, inStatus }, issues);
    } else if (schema.additionalProperties !== undefined) {
      // The decoder does not name map keys in the path of a type mistake.
      walk({ ...step, schema: schema.additionalProperties, value: inner, path: innerPath, depth: depth + 1 }, issues);
    } else if (schema.preserveUnknownFields !== true) {
      issues.push({ kind: 'unknown', path: innerPath, message: `unknown field ${JSON.stringify(innerPath)}` });
    }
  }
  if (!step.inStatus) missing(step, value, issues);
}

function missing(step: Step, value: Readonly<Record<string, unknown>>, issues: StructuralIssue[]): void {
  const { schema, path, depth } = step;
  if (schema.properties === undefined) return;
  for (const name of schema.ref === undefined ? (schema.required ?? []) : Object.keys(schema.properties)) {
    const inner = Object.hasOwn(value, name) ? value[name] : undefined;
    if (inner !== undefined && inner !== null && !(inner === '' && schema.ref !== undefined)) continue;
    const innerPath = path === '' ? name : `${path}.${name}`;
    const property = schema.properties[name];
    if (property !== undefined && absenceIsEmpty(schema, name)) {
      walk({ ...step, schema: property, value: {}, path: innerPath, depth: depth + 1 }, issues);
    } else if (schema.required?.includes(name) === true && requiredIsEnforced(schema, name)) {
      issues.push({ kind: 'required', path: innerPath, message: 'Required value' });
    }
  }
}
