// Rewrites of paths as configured: what may stand in one, and what becomes of a prefix.
// Pure text; knows nothing of requests beyond the path, which comes without its query.

import { compileRegex } from '#lib/linear-regex.ts';
import { canonicalPath } from './canonical-path.ts';
import type { PathMatch, PathRewrite } from './ir-route.ts';

/**
 * Puts `replacement` in place of the prefix that matched, element by element as in Gateway API's `ReplacePrefixMatch`:
 * a slash at the end of either does not count, and what follows the prefix stays as it is.
 */
export function replacePrefix(path: string, prefix: string, replacement: string): string {
  const rest = path.slice(withoutSlash(prefix).length);
  const head = withoutSlash(replacement);
  if (rest === '') return replacement === '' ? '/' : replacement;
  // `/foo/` with the prefix taken away is `/`, and never the `//` that a backend could read as a host.
  return head + rest;
}

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** A substitution as literal texts and numbers of groups; `\\` is a backslash. */
export function substitutionParts(substitution: string): readonly (string | number)[] {
  const parts: (string | number)[] = [];
  let literal = '';
  for (let at = 0; at < substitution.length; at++) {
    const next = substitution[at + 1] ?? '';
    if (substitution[at] !== '\\') {
      literal += substitution[at];
    } else if (/[0-9]/.test(next)) {
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(Number(next));
      at++;
    } else {
      literal += next === '' ? '\\' : next;
      at++;
    }
  }
  if (literal !== '') parts.push(literal);
  return parts;
}

/** What speaks against a rewrite on a route that matches `match`; undefined when nothing does. */
export function pathRewriteProblem(rewrite: PathRewrite, match: PathMatch): string | undefined {
  if (rewrite.type === 'full') return valueProblem(rewrite.value, false);
  if (rewrite.type === 'prefix') {
    if (match.type === 'regex')
      return `A prefix rewrite needs a route that matches a prefix, not the regex "${match.value}": use a regex rewrite`;
    return valueProblem(rewrite.value, true);
  }
  const regex = compileRegex(rewrite.pattern);
  if ('error' in regex)
    return `Pattern "${rewrite.pattern}" of a path rewrite is not a regular expression: ${regex.error}`;
  for (const part of substitutionParts(rewrite.substitution)) {
    if (typeof part === 'number' && part > regex.groupCount())
      return `Substitution "${rewrite.substitution}" names group ${part}, but pattern "${rewrite.pattern}" has ${regex.groupCount()}`;
    if (typeof part === 'string' && !isPathText(part)) return badCharacters(rewrite.substitution);
  }
  return undefined;
}

function valueProblem(value: string, mayBeEmpty: boolean): string | undefined {
  if (value === '' && mayBeEmpty) return undefined;
  if (!value.startsWith('/')) return `Path "${value}" of a rewrite must begin with "/"`;
  if (!isPathText(value)) return badCharacters(value);
  if (value.includes('//') || /\/\.\.?(\/|$)/.test(canonicalPath(value)))
    return `Path "${value}" of a rewrite has an empty, "." or ".." segment: write the path that is meant`;
  return undefined;
}

function badCharacters(value: string): string {
  return `Path "${value}" of a rewrite has a character that no path has: leave out "?", "#", "\\", spaces and controls`;
}

/** What `canonicalPath` can spell as a path: it has no query, and nothing that ends a request line. */
function isPathText(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code <= 32 || code === 127 || code === 35 || code === 63 || code === 92) return false;
  }
  return text.isWellFormed() && !/%(?![0-9a-f]{2})|%00/i.test(text);
}
