// Regular expressions of RE2's syntax, matched in time linear in the text: safe with patterns that users write.
// Knows nothing of what is matched. Syntax: https://github.com/google/re2/wiki/Syntax.
import { RE2JS } from 're2js';

export type Matches = (text: string) => boolean;

/** A test whether a whole text matches, as if the pattern stood between `^(?:` and `)$`; or what is wrong with the pattern. */
export function wholeMatch(pattern: string): Matches | { readonly error: string } {
  const regex = compileRegex(pattern);
  return 'error' in regex ? regex : (text) => regex.testExact(text);
}

/** Compiling costs far more than matching, and the same few patterns stand in many places. */
const known = new Map<string, RE2JS>();
const MOST_KNOWN = 1000;

/** The compiled pattern, or what is wrong with it, fit for a message: `missing closing )`. */
export function compileRegex(pattern: string): RE2JS | { readonly error: string } {
  const found = known.get(pattern);
  if (found !== undefined) return found;
  const regex = compileAnew(pattern);
  if ('error' in regex) return regex;
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(pattern, regex);
  return regex;
}

function compileAnew(pattern: string): RE2JS | { readonly error: string } {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { error: message.replace(/^error parsing regexp: /, '') };
  }
}
