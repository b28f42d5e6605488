// Patterns of expressions: those that are no pattern are errors of evaluation.
// Knows RE2 by lib/linear-regex, which compiles each once.
import { compileRegex } from '#lib/linear-regex.ts';
import { CelError } from './values.ts';

type Regex = Exclude<ReturnType<typeof compileRegex>, { readonly error: string }>;

/** Throws `CelError`. */
export function regexOf(pattern: string): Regex {
  const regex = compileRegex(pattern);
  if ('error' in regex) throw new CelError(`error parsing regexp: ${regex.error}`);
  return regex;
}
