// Manifest text to objects: several documents a file, Lists taken apart, every mistake with its place.
// Knows the shape that all objects share; whether a kind's fields are right is for the API server to say.
import { type Alias, type Document, LineCounter, parseAllDocuments, visit } from 'yaml';
import { messageOf } from '../failure.ts';
import { locator, type ManifestObject, type ManifestProblem } from './document.ts';
import { kubernetesYaml } from './yaml-options.ts';

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
    const [error] = document.errors;
    if (error !== undefined) {
      const { line, col } = lines.linePos(error.pos[0]);
      problems.push({
        position: { file, line, column: col },
        message: `Document is not valid YAML: ${firstLine(error.message)}`,
        remedy: remedyFor(error.code),
      });
      continue;
    }
    const resolved = resolve(document);
    if ('mistake' in resolved) {
      const { line, col } = lines.linePos(resolved.offset);
      problems.push({ position: { file, line, column: col }, message: resolved.mistake, remedy: resolved.remedy });
      continue;
    }
    // Only comments, or nothing between two separators.
    if (resolved.value === null || resolved.value === undefined) continue;
    take(resolved.value, file, document, lines, [], objects, problems);
  }
  return { objects, problems };
}

/** The document with its aliases replaced by what they stand for, or what is wrong with one of them. */
function resolve(document: Document): { value: unknown } | { mistake: string; remedy: string; offset: number } {
  let wrong: { mistake: string; alias: Alias } | undefined;
  visit(document, {
    Alias(_, alias, path) {
      const target = alias.resolve(document);
      if (target === undefined) wrong = { alias, mistake: `No anchor "&${alias.source}" stands before this alias` };
      else if (path.includes(target)) wrong = { alias, mistake: `Alias "*${alias.source}" stands for itself` };
      return wrong === undefined ? undefined : visit.BREAK;
    },
  });
  if (wrong !== undefined) {
    const { mistake, alias } = wrong;
    return { mistake, remedy: 'Write the value in its place', offset: alias.range?.[0] ?? 0 };
  }
  try {
    return { value: document.toJS() };
  } catch (error) {
    // Aliases of aliases that would unfold into more than any memory holds.
    const mistake = `Document cannot be unfolded: ${messageOf(error)}`;
    return { mistake, remedy: 'Write the values in place of its aliases', offset: document.range?.[0] ?? 0 };
  }
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

function describe(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `the ${typeof value} ${JSON.stringify(value)}`;
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? text).replace(/ at line \d+, column \d+:?$/, '');
}

function remedyFor(code: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'Indent with spaces, not with tabs';
    case 'DUPLICATE_KEY':
      return 'Remove one of the two';
    case 'BAD_INDENT':
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'Align the line with its neighbours, or close the bracket or quote that is open before it';
    case 'MISSING_CHAR':
      return 'Close the quote or bracket that is still open';
    default:
      return 'Correct the text at this place; the other documents are taken as they are';
  }
}
