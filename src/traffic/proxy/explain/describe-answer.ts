// In words, who answers a request in place of a backend.
// Knows no filter.
import type { FilterAnswer } from './explanation.ts';

/** `Filter "body_limit" answers 413: Body is too large`. */
export function describeAnswer({ by, status, reason }: FilterAnswer): string {
  const who = by === 'limits' ? 'The limit on bodies' : by === 'backend' ? 'The gateway' : `Filter "${by}"`;
  return `${who} answers ${status}${reason === '' ? '' : `: ${reason}`}`;
}
