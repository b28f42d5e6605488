// Turns anything thrown into something that can be told.
// Knows no part that throws.
import { Failure } from '../failure.ts';

/** `logFile`: where what led to it is found. */
export function asFailure(error: unknown, logFile: string): Failure {
  if (error instanceof Failure) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new Failure(message, `See ${logFile} for what led to it`, { cause: error });
}
