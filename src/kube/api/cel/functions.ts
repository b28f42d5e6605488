// Every function that an expression may call, by its name.
// Knows the libraries; what an expression may see besides is its caller's matter.
import { conversionLibrary } from './library/convert.ts';
import { formatLibrary } from './library/formats.ts';
import { kubernetesLibrary } from './library/kubernetes.ts';
import { listLibrary } from './library/lists.ts';
import { networkLibrary } from './library/network.ts';
import { standardLibrary } from './library/standard.ts';
import { stringLibrary } from './library/strings.ts';
import type { Overload } from './signature.ts';

export type FunctionTable = ReadonlyMap<string, readonly Overload[]>;

/** Methods and plain functions of one name are kept apart by a dot before the former. */
export function tableOf(overloads: readonly Overload[]): FunctionTable {
  const table = new Map<string, Overload[]>();
  for (const overload of overloads) {
    const key = overload.isMethod ? `.${overload.name}` : overload.name;
    table.set(key, [...(table.get(key) ?? []), overload]);
  }
  return table;
}

const base: readonly Overload[] = [
  ...standardLibrary,
  ...conversionLibrary,
  ...stringLibrary,
  ...listLibrary,
  ...networkLibrary,
  ...kubernetesLibrary,
  ...formatLibrary,
];

export const baseFunctions: FunctionTable = tableOf(base);

/** The base functions, and those that only some expressions have. */
export function withFunctions(more: readonly Overload[]): FunctionTable {
  return tableOf([...base, ...more]);
}
