// The programs as text, so that a change of one shows what the kernel will run. `vitest -u` writes the files anew.
// Whether they do what they should is tried by sockets (driver/ebpf-driver.test.ts).
import { expect, it } from 'vitest';
import { disassemble } from '../assembler/disassemble.ts';
import { CALLS, programOf } from './programs.ts';

it.each(CALLS)('%s', async (call) => {
  const { instructions, maps } = programOf(call, 0x1234n);
  await expect(`${disassemble(instructions, maps).join('\n')}\n`).toMatchFileSnapshot(`testdata/${call}.txt`);
});
