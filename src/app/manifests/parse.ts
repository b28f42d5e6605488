// Manifest text to objects: several documents a file, Lists taken apart, every mistake with its place.
// Knows the shape that all objects share; whether a kind's fields are right is for the API server to say.
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { locator, type ManifestObject, type ManifestProblem } from './document.ts';
import { kubernetesYaml } from './yaml-options.ts';
import { describe, yamlValue } from './yaml-value.ts';

export interface ParsedManifests {
  readonly objects: readonly ManifestObject[];
  readonly problems: readonly ManifestProblem[];
}

/** Reads every document of `text`; a bad one becomes a problem, and the others go in. JSON is YAML, too. */
export function parseManifests(text: string, file: string): ParsedManifests {
  const lines = new LineCounter();
  const objects: ManifestObject[] = [];
  const problems: ManifestProblem[] = [];
  const documents = parseAllDocuments(text, { ...kubernetesYaml, lineCounter: lines });
  if (!Array.isArray(documents)) return { objects, problems };
  for (const document of documents as Document[]) {
    const resolved = yamlValue(document, file, lines);
    if ('problem' in resolved) {
      problems.push(resolved.problem);
      continue;
    }
    // Only comments, or nothing between two separators.
    if (resolved.value === null || resolved.value === undefined) continue;
    take(resolved.value, file, document, lines, [], objects, problems);
  }
  return { objects, problems };
}

function take(
  value: unknown,
  file: string,
  document: Document,
  lines: LineCounter,
  prefix: ReadonlyArray<string | number>,
  objects: ManifestObject[],
  problems: ManifestProblem[],
): void {
  const locate = locator(file, document, lines, prefix);
  const mistake = findMistake(value);
  if (mistake !== undefined) {
    problems.push({ position: locate(mistake.field ?? ''), ...mistake });
    return;
  }
  const object = value as ManifestObject['object'] & { items?: unknown };
  if (object.kind.endsWith('List') && Array.isArray(object.items)) {
    object.items.forEach((item: unknown, index) => {
      take(item, file, document, lines, [...prefix, 'items', index], objects, problems);
    });
    return;
  }
  objects.push({ object, position: locate(''), locate });
}

/** What every object must have, whatever its kind. */
function findMistake(value: unknown): Omit<ManifestProblem, 'position'> | undefined {
  if (!isRecord(value)) {
    return { message: `Document is ${describe(value)}, not an object`, remedy: 'Start it with apiVersion and kind' };
  }
  for (const field of ['apiVersion', 'kind'] as const) {
    const text = value[field];
    if (typeof text === 'string' && text !== '') continue;
    const message =
      text === undefined ? `Field "${field}" is missing` : `Field "${field}" is ${describe(text)}, not text`;
    return { field, message, remedy: field === 'kind' ? 'Add e.g. "kind: Service"' : 'Add e.g. "apiVersion: v1"' };
  }
  if (String(value.kind).endsWith('List') && Array.isArray(value.items)) return undefined;
  const { metadata } = value;
  if (!isRecord(metadata)) {
    const message = 'Field "metadata" is missing or not an object';
    return { field: 'metadata', message, remedy: 'Add "metadata:" with a "name:" below it' };
  }
  if (typeof metadata.name !== 'string' || metadata.name === '') {
    if (metadata.name === undefined || metadata.name === '') {
      const message = 'Field "metadata.name" is missing';
      return { field: 'metadata.name', message, remedy: 'Give the object a name' };
    }
    const message = `Field "metadata.name" is ${describe(metadata.name)}, not text`;
    return { field: 'metadata.name', message, remedy: 'Write it in quotes' };
  }
  if (metadata.namespace !== undefined && typeof metadata.namespace !== 'string') {
    const message = `Field "metadata.namespace" is ${describe(metadata.namespace)}, not text`;
    return { field: 'metadata.namespace', message, remedy: 'Write it in quotes' };
  }
  return undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
