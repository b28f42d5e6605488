// A manifest problem as text: where, what, and what helps.
// Knows no manifest.
import type { ManifestProblem } from './document.ts';

/** `file:line:column: message. Remedy.` */
export function formatProblem({ position, message, remedy }: ManifestProblem): string {
  const end = remedy.endsWith('?') ? '' : '.';
  return `${position.file}:${position.line}:${position.column}: ${message}. ${remedy}${end}`;
}
