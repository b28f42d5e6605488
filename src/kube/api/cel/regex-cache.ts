// Patterns of expressions, compiled once: the same rule meets many objects.
// Knows RE2 by lib/linear-regex; patterns that are no pattern are errors of evaluation.
import { compileRegex } from '#lib/linear-regex.ts';
import { CelError } from './values.ts';

type Regex = Exclude<ReturnType<typeof compileRegex>, { readonly error: string }>;

const MOST = 500;
const known = new Map<string, Regex>();

/** Throws `CelError`. */
export function regexOf(pattern: string): Regex {
  const found = known.get(pattern);
  if (found !== undefined) return found;
  const regex = compileRegex(pattern);
  if ('error' in regex) throw new CelError(`error parsing regexp: ${regex.error}`);
  if (known.size >= MOST) known.clear();
  known.set(pattern, regex);
  return regex;
}
