// What a printer is: columns, and the cells of one object. Helpers that many printers share.
// Knows no kind.
import type { KubeObject } from '../object.ts';
import { ageOf } from './duration.ts';

/** A column of a meta.k8s.io/v1 Table; priority 0 is always shown, 1 with `-o wide` only. */
export interface Column {
  name: string;
  type: 'string' | 'integer' | 'boolean' | 'date' | 'number';
  format: string;
  description: string;
  priority: number;
}

export type Cell = string | number | boolean | null;

export interface RowCondition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

/** The cells of one object, in the order of the columns. */
export interface PrintedRow {
  cells: Cell[];
  conditions?: RowCondition[];
}

/** How one kind is printed. `now` is in ms since the epoch. */
export interface Printer {
  readonly columns: readonly Column[];
  print(object: KubeObject, now: number): Cell[] | PrintedRow;
}

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace; it identifies the object within its resource',
  priority: 0,
};

export function column(name: string, description: string, extra: Partial<Column> = {}): Column {
  return { name, type: 'string', format: '', description, priority: 0, ...extra };
}

export function wide(name: string, description: string, extra: Partial<Column> = {}): Column {
  return column(name, description, { priority: 1, ...extra });
}

export const ageColumn = column('Age', 'Time since the object was created');

/** A typed printer for one kind; the cast is safe because the table of printers is keyed by kind. */
export function printer<T extends KubeObject>(
  columns: readonly Column[],
  print: (object: T, now: number) => Cell[] | PrintedRow,
): Printer {
  return { columns, print: print as Printer['print'] };
}

export function nameOf(object: KubeObject): string {
  return object.metadata?.name ?? '';
}

export function objectAge(object: KubeObject, now: number): string {
  return ageOf(object.metadata?.creationTimestamp as unknown as string | undefined, now);
}

/** `a=1,b=2` in key order, `<none>` when empty. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const keys = Object.keys(labels ?? {}).sort();
  return keys.length === 0 ? '<none>' : keys.map((key) => `${key}=${labels?.[key]}`).join(',');
}

interface Requirement {
  key: string;
  operator: string;
  values?: string[];
}

/** A label selector as kubectl prints it: `app=web,tier in (a,b),!old`; `<none>` when it selects everything. */
export function selectorText(
  selector: { matchLabels?: Record<string, string>; matchExpressions?: Requirement[] } | undefined,
): string {
  const parts = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const list = `(${[...values].sort().join(',')})`;
    const text =
      operator === 'In'
        ? `${key} in ${list}`
        : operator === 'NotIn'
          ? `${key} notin ${list}`
          : operator === 'Exists'
            ? key
            : `!${key}`;
    parts.push({ key, text });
  }
  if (parts.length === 0) return '<none>';
  parts.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return parts.map(({ text }) => text).join(',');
}

/** Names and images of containers, comma-separated: the two wide columns of every workload. */
export function containerTexts(
  spec: { containers?: { name: string; image?: string }[] } | undefined,
): [string, string] {
  const containers = spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(','), containers.map(({ image = '' }) => image).join(',')];
}
