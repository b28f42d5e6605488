// How custom resources are printed: the additionalPrinterColumns of their definition.
// Knows the JSON paths that such columns use; not what a path means.
import type { CustomResourceColumnDefinition } from 'kubernetes-types/apiextensions/v1.js';
import { isJsonObject, type Json, own } from '#lib/json.ts';
import { ageOf } from './duration.ts';
import { ageColumn, type Cell, type Column, nameColumn, nameOf, objectAge, type Printer } from './printer.ts';

/** A printer for the columns of one version; name and age when it declares none. */
export function customPrinter(definitions: readonly CustomResourceColumnDefinition[] | undefined): Printer {
  if (definitions === undefined || definitions.length === 0) {
    return { columns: [nameColumn, ageColumn], print: (object, now) => [nameOf(object), objectAge(object, now)] };
  }
  const readers = definitions.map(({ jsonPath, type }) => ({ steps: parsePath(jsonPath), type }));
  return {
    columns: [nameColumn, ...definitions.map(columnOf)],
    print: (object, now) => [
      nameOf(object),
      ...readers.map(({ steps, type }) => cell(read([object as unknown as Json], steps), type, now)),
    ],
  };
}

function columnOf(definition: CustomResourceColumnDefinition): Column {
  return {
    name: definition.name,
    type: definition.type as Column['type'],
    format: definition.format ?? '',
    description:
      definition.description ?? `Custom resource definition column (in JSONPath format): ${definition.jsonPath}`,
    priority: definition.priority ?? 0,
  };
}

/** Values that do not fit the declared type are shown as nothing, as upstream does. */
function cell(values: readonly Json[], type: string, now: number): Cell {
  const [value] = values;
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? ageOf(value, now) : '<invalid>';
    default:
      return values.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join(',');
  }
}

/** Stands for `\\.` while a path is taken apart: a character of private use, which no field name holds. */
const escapedDot = '\uE000';

type Step = (value: Json) => Json[];

const stepPattern =
  /\.([A-Za-z0-9_\-/\uE000]+|\*)|\['([^']+)'\]|\[(\d+|\*)\]|\[\?\(@\.([A-Za-z0-9_\-.]+)\s*==\s*["']([^"']*)["']\)\]/y;

/** Steps of `.status.conditions[?(@.type=="Ready")].status`; a path in a form that is not served leads nowhere. */
function parsePath(path: string): Step[] {
  const text = path.replace(/^\{|\}$/g, '').replace(/\\\./g, escapedDot);
  const steps: Step[] = [];
  let at = 0;
  while (at < text.length) {
    stepPattern.lastIndex = at;
    const match = stepPattern.exec(text);
    if (match === null) return [() => []];
    at = stepPattern.lastIndex;
    const [, name, quoted, index, filterField, filterValue] = match;
    const field = (quoted ?? name)?.replaceAll(escapedDot, '.');
    if (field === '*' || index === '*') steps.push(children);
    else if (field !== undefined) steps.push((value) => member(value, field));
    else if (index !== undefined)
      steps.push((value) => (Array.isArray(value) ? value.slice(Number(index)).slice(0, 1) : []));
    else if (filterField !== undefined) {
      const inner = filterField.split('.');
      steps.push((value) =>
        children(value).filter((item) => String(inner.reduce<Json>(descend, item)) === filterValue),
      );
    }
  }
  return steps;
}

function descend(value: Json, name: string): Json {
  return member(value, name)[0] ?? null;
}

function member(value: Json, name: string): Json[] {
  const found = isJsonObject(value) ? own(value, name) : undefined;
  return found === undefined ? [] : [found];
}

function children(value: Json): Json[] {
  if (Array.isArray(value)) return value;
  return isJsonObject(value) ? Object.values(value).filter((each) => each !== undefined) : [];
}

function read(values: Json[], steps: readonly Step[]): Json[] {
  return steps.reduce<Json[]>((found, step) => found.flatMap(step), values);
}
