// Text that must never be printed: keys, and nothing else so far.
// Knows nothing of who holds it.
import type { PrivateText } from './ir.ts';

const REDACTED = '[redacted]';
const redacted = (): string => REDACTED;

/**
 * Wraps `value` so that JSON, string conversion and `console.log` show `[redacted]`.
 * Structured clone keeps `value` and drops the disguise: whoever receives a clone wraps it again.
 */
export function privateText(value: string): PrivateText {
  const hidden = { value: redacted, enumerable: false };
  return Object.defineProperties(
    { value, private: true as const },
    {
      toJSON: hidden,
      toString: hidden,
      [Symbol.for('nodejs.util.inspect.custom')]: hidden,
    },
  );
}
