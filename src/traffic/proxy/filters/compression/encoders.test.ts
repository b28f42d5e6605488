// How many compressors a worker may have open.

import { afterEach, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { type Encoder, MAX_OPEN, openEncoder } from './encoders.ts';

const opened: Encoder[] = [];
afterEach(() => {
  for (const encoder of opened.splice(0)) encoder.destroy();
});

function open(): boolean {
  const encoder = openEncoder('gzip');
  if (encoder !== undefined) opened.push(encoder);
  return encoder !== undefined;
}

it('are opened up to a limit, and again when one is closed, however it ends', async () => {
  for (let i = 0; i < MAX_OPEN; i++) expect(open()).toBe(true);
  expect(open()).toBe(false);
  opened[0]?.destroy();
  await eventually('one given up to leave room', () => expect(open()).toBe(true));
  opened[1]?.resume().end('whole');
  await eventually('one that came to its end to leave room', () => expect(open()).toBe(true));
  expect(open()).toBe(false);
});
