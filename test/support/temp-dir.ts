// Temporary directories that go away with the test that made them.
// Knows nothing of what is in them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempDir {
  readonly path: string;
  remove(): void;
}

export function tempDir(name: string): TempDir {
  const path = mkdtempSync(join(tmpdir(), `evenkeel-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}
