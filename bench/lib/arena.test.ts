// Tests of the arena: nothing it started or wrote outlives it, and what does not serve is told at once.
// Starts small programs of the system.

import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '#test/support/eventually.ts';
import { Arena, inArena } from './arena.ts';

describe('an arena', () => {
  it('ends what it started and removes what it wrote, also after an error', async () => {
    let directory = '';
    let pid = 0;
    const run = inArena(async (arena) => {
      directory = arena.directory;
      arena.file('note', 'text');
      pid = arena.start('sleep', ['600']).pid as number;
      expect(existsSync(`/proc/${pid}`)).toBe(true);
      throw new Error('in the middle');
    });
    await expect(run).rejects.toThrow('in the middle');
    expect(existsSync(directory)).toBe(false);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  it('ends a program that does not care for SIGTERM', async () => {
    const arena = new Arena();
    const ready = join(arena.directory, 'ready');
    const child = arena.start('sh', ['-c', `trap "" TERM; touch ${ready}; while :; do sleep 1; done`]);
    await eventually('the program is there', () => expect(existsSync(ready)).toBe(true));
    await arena.close();
    expect(child.signalCode).toBe('SIGKILL');
  });

  it('gives ports that nobody listens on', async () => {
    await inArena(async (arena) => {
      const first = await arena.port();
      const server = createServer().listen(first + 1, '127.0.0.1');
      await new Promise((resolve) => server.on('listening', resolve));
      expect(await arena.port()).toBeGreaterThan(first + 1);
      server.close();
    });
  });

  it('says why a server does not serve', async () => {
    await inArena(async (arena) => {
      const port = await arena.port();
      await expect(arena.serve('sh', ['-c', 'echo "no such thing" >&2; exit 1'], port)).rejects.toThrow(
        'no such thing',
      );
    });
  });

  it('gives the output of a load tool', async () => {
    await inArena(async (arena) => {
      expect(await arena.output('echo', ['42 requests'])).toBe('42 requests\n');
    });
  });
});
