// Kills a writing process again and again, and looks for every write it had acknowledged.
// Knows the store through a second process only, as a crash does.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { openSqliteStore } from './index.ts';

const ROUNDS = 30;
const writer = fileURLToPath(new URL('../testing/writer.ts', import.meta.url));

let directory: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evenkeel-kill-'));
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

it(`loses no acknowledged write in ${ROUNDS} kills`, { timeout: 120_000 }, async () => {
  const file = join(directory, 'store.db');
  const acknowledged = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    child = spawn(process.execPath, [writer, file, `r${round}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    // Rounds differ in how far the writer gets, so that kills fall on different moments of a commit.
    const stopAfter = 1 + Math.floor(Math.random() * 400);
    let seen = 0;
    lines.on('line', (line) => {
      const [key = '', counter = ''] = line.split(' ');
      acknowledged.set(key, Number(counter));
      if (++seen === stopAfter) child?.kill('SIGKILL');
    });
    await Promise.all([once(child, 'exit'), once(lines, 'close')]);
    expect(child.signalCode).toBe('SIGKILL');

    const store = openSqliteStore(file, { clock: systemClock });
    const found = new Map(store.range('/').records.map((record) => [record.key, record.value]));
    await store.close();
    for (const [key, counter] of acknowledged) {
      const value = JSON.parse(found.get(key) ?? 'null') as { counter: number; padding: string } | null;
      expect(value?.counter, `${key} after round ${round}`).toBeGreaterThanOrEqual(counter);
      expect(value?.padding).toHaveLength(1000);
    }
  }
  expect(acknowledged.size).toBeGreaterThanOrEqual(ROUNDS);
});
