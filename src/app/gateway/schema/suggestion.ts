// What was probably meant by a word that does not exist.
// Knows no words of its own.
import { nearest } from '#lib/nearest.ts';

/** A remedy: the nearest known word, or all of them. */
export function suggestion(word: string, known: readonly string[]): string {
  const meant = nearest(word, known);
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  if (known.length === 0) return 'Remove it: there are none';
  return `Use ${known.length === 1 ? '' : 'one of '}${known.map((name) => `"${name}"`).join(', ')}`;
}
