// One shell for several programs: what each prints, what each reads, and that the first complaint ends the row.
// Runs small programs of any machine; no IPVS.
import { expect, test } from 'vitest';
import { programsIn } from '../programs.ts';
import { mustRunAll, type Step } from './tools.ts';

const run = programsIn(undefined);
const sh = (script: string, more: Partial<Step> = {}): Step => ({ program: 'sh', args: ['-c', script], ...more });

test('each gets its own input and its own words, and what it prints is its own', async () => {
  const odd = `it's $HOME \`id\` \\n "x"`;
  const steps: Step[] = [
    { program: 'cat', args: [], input: `${odd}\nsecond\n` },
    { program: 'printf', args: ['%s', odd] },
    { program: 'cat', args: [] },
    { program: 'cat', args: [], input: 'no end of line' },
    { program: 'cat', args: [], input: `${'0123456789\n'.repeat(100_000)}` },
  ];
  const said = await mustRunAll(run, steps);
  expect(said.slice(0, 4)).toEqual([`${odd}\nsecond\n`, odd, '', 'no end of line\n']);
  expect(said[4]).toHaveLength(1_100_000);
  expect(await mustRunAll(run, [])).toEqual([]);
});

test('a complaint ends it, with or without an exit code, and what comes after it is not done', async () => {
  const after = sh('echo too far >&2');
  await expect(mustRunAll(run, [sh('exit 3'), after])).rejects.toThrow('sh -c exit 3 failed: exit code 3');
  await expect(mustRunAll(run, [sh('echo refused >&2'), after])).rejects.toThrow(/failed: refused$/);
  await expect(mustRunAll(run, [{ program: 'no-such-program', args: ['-x'] }, after])).rejects.toThrow(
    /^no-such-program -x failed: .*not found/,
  );
  expect(await mustRunAll(run, [sh('echo by the way >&2; echo done', { talks: true })])).toEqual(['done\n']);
  await expect(mustRunAll(run, [sh('echo no >&2; exit 1', { talks: true })])).rejects.toThrow(/failed: no$/);
});
