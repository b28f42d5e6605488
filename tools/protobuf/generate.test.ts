// The committed table of messages is what the types of kubectl yield.
// Knows kubectl only: the messages of apiextensions need helm, which tests do not fetch.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findKubectl } from '#test/support/kubectl.ts';
import { readGoStructs } from './go-types.ts';
import { buildMessages } from './messages.ts';

const isExtension = (name: string): boolean => name.startsWith('apiextensions.');

test('the generated table of messages is up to date', { timeout: 130_000 }, async ({ skip }) => {
  const kubectl = await findKubectl('current');
  if ('missing' in kubectl) return skip(kubectl.missing);
  const url = new URL('../../src/kube/api/protobuf/gen/messages.json', import.meta.url);
  const committed = JSON.parse(readFileSync(url, 'utf8')) as Record<string, unknown>;
  const names = Object.keys(committed).filter((name) => !isExtension(name));
  const built = buildMessages(readGoStructs(readFileSync(kubectl.path)).values(), names);
  expect(built).toEqual(Object.fromEntries(names.map((name) => [name, committed[name]])));
});

test('a file that is no Go program is refused', () => {
  expect(() => readGoStructs(Buffer.alloc(64))).toThrow('not a 64-bit little-endian ELF file');
});
