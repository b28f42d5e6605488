// Changes of files are noticed, also where the system tells nothing: then by looking.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { FakeClock, systemClock } from '#lib/clock.ts';
import { eventually } from '#test/support/eventually.ts';
import { tempDir } from '#test/support/temp-dir.ts';
import { type FileWatch, watchFiles } from './watch-files.ts';

const dir = tempDir('watch');
let watching: FileWatch | undefined;
afterEach(() => {
  watching?.close();
  dir.remove();
});

it('a file that comes into a directory which was not there is found by looking', () => {
  const clock = new FakeClock();
  const file = join(dir.path, 'later', 'gateway.yaml');
  let changes = 0;
  watching = watchFiles([file], clock, () => changes++);
  clock.advance(10_000);
  expect(changes).toBe(0);
  mkdirSync(join(dir.path, 'later'));
  writeFileSync(file, 'x');
  clock.advance(2_100);
  expect(changes).toBe(1);
});

it('a write is told, and none is after the end', async () => {
  mkdirSync(dir.path, { recursive: true });
  const file = join(dir.path, 'gateway.yaml');
  writeFileSync(file, '1');
  let changes = 0;
  watching = watchFiles([file], systemClock, () => changes++);
  for (const text of ['2', '3', '4']) writeFileSync(file, text);
  await eventually('the change is told', () => expect(changes).toBeGreaterThan(0));
  watching.close();
  const told = changes;
  writeFileSync(file, '5');
  // Whatever was still on its way has arrived when another watch has told of a later write.
  let later = 0;
  watching = watchFiles([file], systemClock, () => later++);
  writeFileSync(file, '6');
  await eventually('the later change is told', () => expect(later).toBeGreaterThan(0));
  expect(changes).toBe(told);
});
