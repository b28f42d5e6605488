// Numbers of one's own, taken by processes that start in the same moment.
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from './eventually.ts';
import { ownNumber } from './own-number.ts';
import { start } from './run.ts';
import { type TempDir, tempDir } from './temp-dir.ts';

let dir: TempDir;
beforeEach(() => {
  dir = tempDir('numbers');
});
afterEach(() => dir.remove());

const module = fileURLToPath(new URL('./own-number.ts', import.meta.url));

test('processes side by side never get the same, and the number of one that was killed is free again', async () => {
  // Ten numbers each, so that they meet; then they stay until their input ends.
  const script = `import { ownNumber } from ${JSON.stringify(module)};
    console.log(Array.from({ length: 10 }, () => ownNumber(${JSON.stringify(dir.path)})).join());
    process.stdin.resume();`;
  const takers = Array.from({ length: 4 }, () =>
    start(process.execPath, ['--input-type=module', '-e', script], { openInput: true }),
  );
  try {
    const numbers = await eventually('all have their numbers', () => {
      const lists = takers.map((taker) => taker.output().stdout.trim());
      if (lists.some((list) => list === '')) throw new Error(takers.map((taker) => taker.output().stderr).join('\n'));
      return lists.flatMap((list) => list.split(',').map(Number));
    });
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, at) => at + 1));
    expect(ownNumber(dir.path)).toBe(41);
    const [killed, ...others] = takers;
    const first = Math.min(...(killed?.output().stdout.trim().split(',').map(Number) ?? []));
    killed?.child.kill('SIGKILL');
    await killed?.finished;
    expect(ownNumber(dir.path)).toBe(first);
    for (const other of others) other.child.stdin?.end();
    await Promise.all(others.map(({ finished }) => finished));
  } finally {
    for (const { child } of takers) child.kill('SIGKILL');
  }
});
