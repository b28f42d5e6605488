// How long a failing backend asks to be left alone (RFC 9110, 10.2.3).
// Knows nothing of what becomes of it; a policy may believe less.

import type { ResponseHead } from '../http1/response-head.ts';
import { fieldValue } from './head-edits.ts';

/** Milliseconds, 0 when the response does not say; `wall` is milliseconds since the Unix epoch. */
export function retryAfterMs(head: ResponseHead, wall: number): number {
  const value = fieldValue(head, 'retry-after');
  if (value === undefined) return 0;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? 0 : Math.max(0, date - wall);
}
