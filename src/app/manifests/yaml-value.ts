// From a YAML document to the plain value it stands for, or to the mistake that a person can put right.
// Knows no manifest and no configuration; only YAML.
import { type Alias, type Document, type LineCounter, visit } from 'yaml';
import { messageOf } from '../failure.ts';
import type { ManifestProblem } from './document.ts';

/** The value of a parsed document, aliases resolved; the first mistake when it is no valid YAML. */
export function yamlValue(
  document: Document,
  file: string,
  lines: LineCounter,
): { readonly value: unknown } | { readonly problem: ManifestProblem } {
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    const message =
      error.code === 'MULTIPLE_DOCS'
        ? 'A second document begins here, and the file is one'
        : `Document is not valid YAML: ${firstLine(error.message)}`;
    return { problem: { position: { file, line, column: col }, message, remedy: remedyFor(error.code) } };
  }
  const resolved = resolve(document);
  if ('value' in resolved) return resolved;
  const { line, col } = lines.linePos(resolved.offset);
  return { problem: { position: { file, line, column: col }, message: resolved.mistake, remedy: resolved.remedy } };
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

/** Characters of a value that a message shows: who gave the wrong file knows it by these. */
const MOST_SHOWN = 200;

/** A value as a message names it: `the string "x"`, `a list`. */
export function describe(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value) ?? '';
  return `the ${typeof value} ${text.length <= MOST_SHOWN ? text : `${text.slice(0, MOST_SHOWN)}..."`}`;
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
    case 'MULTIPLE_DOCS':
      return 'Put everything into one document, without "---" between its parts';
    default:
      return 'Correct the text at this place';
  }
}
