// Path rewrites made ready for requests: what goes to a backend, or into a Location.
// Knows targets as the parser leaves them; the result is a target that the parser would leave as it is.

import { compileRegex } from '#lib/linear-regex.ts';
import { canonicalPath } from '#traffic/model/canonical-path.ts';
import type { PathMatch, PathRewrite } from '#traffic/model/ir.ts';
import { replacePrefix, substitutionParts } from '#traffic/model/path-rewrite.ts';
import { normalisePath } from '../http1/target.ts';

/** Rewrites the path (no query) of a request; undefined when what comes out is no path that could be sent. */
export type PathRewriter = (path: string) => string | undefined;

/** `match` is how the route found its requests. The rewrite must be free of problems (`pathRewriteProblem`). */
export function pathRewriter(rewrite: PathRewrite, match: PathMatch): PathRewriter {
  if (rewrite.type === 'full') {
    const value = canonicalPath(rewrite.value);
    return () => value;
  }
  if (rewrite.type === 'prefix') {
    const value = canonicalPath(rewrite.value);
    return (path) => replacePrefix(path, match.value, value);
  }
  return regexRewriter(rewrite.pattern, rewrite.substitution);
}

function regexRewriter(pattern: string, substitution: string): PathRewriter {
  const regex = compileRegex(pattern);
  if ('error' in regex) return () => undefined;
  const parts = substitutionParts(substitution);
  return (path) => {
    const matcher = regex.matcher(path);
    let out = '';
    let from = 0;
    while (matcher.find()) {
      out += path.slice(from, matcher.start());
      for (const part of parts) out += typeof part === 'string' ? part : (matcher.group(part) ?? '');
      from = matcher.end();
    }
    if (from === 0 && out === '') return path;
    // Pieces put together anew may spell `..` or `//`, which only what routes match has been freed of.
    out = canonicalPath(out + path.slice(from));
    const normal = normalisePath(out.startsWith('/') ? out : `/${out}`);
    return typeof normal === 'string' ? normal : undefined;
  };
}

/** The target with its path rewritten and its query as it was. */
export function rewriteTarget(target: string, rewriter: PathRewriter): string | undefined {
  const queryAt = target.indexOf('?');
  if (queryAt < 0) return rewriter(target);
  const path = rewriter(target.slice(0, queryAt));
  return path === undefined ? undefined : path + target.slice(queryAt);
}
