// Regular expressions of RE2's syntax, matched in time linear in the text: safe with patterns that users write.
// Knows nothing of what is matched. Syntax: https://github.com/google/re2/wiki/Syntax.
import { RE2JS } from 're2js';

export type Matches = (text: string) => boolean;

/** A test whether a whole text matches, as if the pattern stood between `^(?:` and `)$`; or what is wrong with the pattern. */
export function wholeMatch(pattern: string): Matches | { readonly error: string } {
  const regex = compileRegex(pattern);
  return 'error' in regex ? regex : (text) => regex.testExact(text);
}

/** The compiled pattern, or what is wrong with it, fit for a message: `missing closing )`. */
export function compileRegex(pattern: string): RE2JS | { readonly error: string } {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { error: message.replace(/^error parsing regexp: /, '') };
  }
}
