// Whether the file of the access log can be written, before anybody relies on it.
// Knows nothing of lines.
import { closeSync, openSync } from 'node:fs';

/** Each worker opens the file for itself; whether that can work is better known before the first of them fails. Throws. */
export function checkAccessFile(path: string | undefined): void {
  if (path === undefined || path === '-') return;
  try {
    closeSync(openSync(path, 'a', 0o640));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot write the access log "${path}": ${reason}; choose a path that can be written`, {
      cause: error,
    });
  }
}
