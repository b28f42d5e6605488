// Directories of pods on a node that starts again.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sweepPodDirs } from './pod-dirs.ts';

test('what pods left that are gone is removed, and nothing else', () => {
  const dir = mkdtempSync(join(tmpdir(), 'evenkeel-pods-'));
  try {
    expect(sweepPodDirs(dir, new Set())).toBe(0);
    for (const uid of ['gone', 'here']) {
      mkdirSync(join(dir, 'pods', uid, 'logs'), { recursive: true });
      writeFileSync(join(dir, 'pods', uid, 'logs', '0.log'), 'x');
    }
    mkdirSync(join(dir, 'claims'));
    expect(sweepPodDirs(dir, new Set(['here', 'new']))).toBe(1);
    expect(readdirSync(join(dir, 'pods'))).toEqual(['here']);
    expect(existsSync(join(dir, 'pods', 'here', 'logs', '0.log'))).toBe(true);
    expect(readdirSync(dir).toSorted()).toEqual(['claims', 'pods']);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
