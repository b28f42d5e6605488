// Programs of the machine: what they print, what they complain about, and a sentence for those that are not there.
// Runs small programs of any machine.
import { expect, test } from 'vitest';
import { privilegedObstacle } from '#lib/sys/testing.ts';
import { kernelAllows } from '#test/support/kernel.ts';

import { programsIn } from './programs.ts';

const run = programsIn(undefined);

test('input goes in, both outputs and the exit code come out', async () => {
  expect(await run('sh', ['-c', 'cat; echo no >&2; exit 3'], 'text\n')).toEqual({
    stdout: 'text\n',
    stderr: 'no\n',
    code: 3,
  });
  expect((await run('sh', ['-c', 'kill -KILL $$'])).code).toBeUndefined();
  // One that does not read what it is given is no failure.
  expect((await run('true', [], 'x'.repeat(1 << 20))).code).toBe(0);
});

test('one that is not installed is named, with its package', async () => {
  await expect(run('ip6tables-none', [])).rejects.toThrow(
    'ip6tables-none is not installed (Debian package "iptables")',
  );
  await expect(run('no-such-program', [])).rejects.toThrow('(Debian package "no-such-program")');
});

test.runIf(kernelAllows(privilegedObstacle(), 'programs in a network namespace'))(
  'so it is in a network namespace, too',
  async () => {
    const inside = programsIn('/proc/self/ns/net');
    await expect(inside('no-such-program', [])).rejects.toThrow('no-such-program is not installed');
    expect((await inside('sh', ['-c', 'exit 127'])).code).toBe(127);
  },
);
