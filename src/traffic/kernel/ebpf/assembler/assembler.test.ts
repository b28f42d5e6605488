// The assembler against known bytes, against its own disassembler, and against the kernel that runs what it makes.
// Knows no program of ours.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kernelAllows } from '#test/support/kernel.ts';
import { closeProgram, loadProgram, testRun } from '../bpf/program.ts';
import { bpfObstacle } from '../testing/obstacle.ts';
import { type Arithmetic, Assembler, type Comparison, link, type Operand, type Width } from './assembler.ts';
import { disassemble } from './disassemble.ts';
import { decode, encode, type Instruction, type Register } from './instruction.ts';

const hex = (bytes: Uint8Array): string[] => Buffer.from(bytes).toString('hex').match(/.{16}/g) ?? [];

const everything = new Assembler()
  .mov('r6', 'r1')
  .mov('r0', -1, 32)
  .alu('add', 'r2', 'r3')
  .alu('lsh', 'r2', 32)
  .alu('arsh', 'r2', 3, 32)
  .neg('r2')
  .networkOrder('r2', 16)
  .load('u32', 'r2', 'r6', 24)
  .store('u64', 'r10', -8, 'r2')
  .store('u16', 'r10', -16, 7)
  .atomicAdd('u64', 'r0', 0, 'r1')
  .imm64('r3', 0xffff_0000_0000_0001n)
  .map('r1', 'services')
  .label('again')
  .call('map_lookup_elem')
  .jumpIf('r0', '==', 0, 'none')
  .jumpIf('r2', 's>', 'r3', 'again', 32)
  .jump('none')
  .label('none')
  .exit()
  .program();

describe('the assembler', () => {
  it('writes the bytes of the instruction set', () => {
    expect(hex(link(everything, { services: 5 }))).toEqual([
      'bf16000000000000',
      'b4000000ffffffff',
      '0f32000000000000',
      '6702000020000000',
      'c402000003000000',
      '8702000000000000',
      'dc02000010000000',
      '6162180000000000',
      '7b2af8ff00000000',
      '6a0af0ff07000000',
      'db10000000000000',
      '1803000001000000',
      '000000000000ffff',
      '1811000005000000',
      '0000000000000000',
      '8500000001000000',
      '1500020000000000',
      '6e32fdff00000000',
      '0500000000000000',
      '9500000000000000',
    ]);
  });

  it('is read back as text', () => {
    expect(disassemble(everything.instructions, everything.maps)).toEqual([
      '0: r6 = r1',
      '1: w0 = -1',
      '2: r2 += r3',
      '3: r2 <<= 32',
      '4: w2 s>>= 3',
      '5: r2 = -r2',
      '6: r2 = be16 r2',
      '7: r2 = *(u32 *)(r6 + 24)',
      '8: *(u64 *)(r10 - 8) = r2',
      '9: *(u16 *)(r10 - 16) = 7',
      '10: lock *(u64 *)(r0 + 0) += r1',
      '11: r3 = 0xffff000000000001 ll',
      '13: r1 = map services',
      '15: call map_lookup_elem',
      '16: if r0 == 0 goto 19',
      '17: if w2 s> w3 goto 15',
      '18: goto 19',
      '19: exit',
    ]);
  });

  it('says what cannot be', () => {
    const asm = (): Assembler => new Assembler();
    expect(() => asm().jump('nowhere').program()).toThrow('Jump to label "nowhere", which is not set');
    expect(() => asm().label('a').label('a')).toThrow('Label "a" is set twice');
    expect(() => asm().mov('r0', 2 ** 31)).toThrow('Number 2147483648 does not fit into 32 signed bits');
    expect(() => asm().load('u8', 'r0', 'r1', 40_000)).toThrow('Offset 40000 does not fit into 16 signed bits');
    expect(() => link(asm().map('r1', 'services').program(), {})).toThrow('map "services", which it was not given');
    const far = asm().jump('end');
    for (let at = 0; at < 40_000; at++) far.mov('r0', 0);
    expect(() => far.label('end').exit().program()).toThrow('Jump to label "end" 40000 does not fit');
    expect(() => decode(new Uint8Array(9))).toThrow(RangeError);
  });

  const instructions: fc.Arbitrary<Instruction> = fc.record({
    opcode: fc.nat(255),
    dst: fc.nat(15),
    src: fc.nat(15),
    offset: fc.integer({ min: -32_768, max: 32_767 }),
    imm: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  });

  it('decodes what it encodes, and shows any bytes', () => {
    fc.assert(
      fc.property(fc.array(instructions), (list) => {
        expect(decode(encode(list))).toEqual(list);
        expect(disassemble(list).every((line) => /^\d+: ./.test(line))).toBe(true);
      }),
    );
  });
});

/** What a straight program does: the registers r0 and r2 to r5. */
interface Step {
  readonly operation: Arithmetic | 'mov' | 'be16' | 'be32' | 'neg';
  readonly dst: Register;
  readonly from: Operand;
  readonly width: Width;
}

const NUMBERED: readonly Register[] = ['r0', 'r2', 'r3', 'r4', 'r5'];
const COMPARISONS: readonly Comparison[] = ['==', '!=', '>', '>=', '<', '<=', 's>', 's>=', 's<', 's<=', '&'];

/** The instruction set's rules in BigInt, written apart from the encoder. */
function interpret(steps: readonly Step[], start: readonly bigint[]): Map<Register, bigint> {
  const registers = new Map(NUMBERED.map((name, index) => [name, BigInt.asUintN(64, start[index] ?? 0n)]));
  const value = (from: Operand): bigint =>
    typeof from === 'number' ? BigInt.asUintN(64, BigInt(from)) : (registers.get(from) ?? 0n);
  for (const { operation, dst, from, width } of steps) {
    const a = BigInt.asUintN(width, value(dst));
    const b = BigInt.asUintN(width, value(from));
    const shift = b & BigInt(width - 1);
    const results: Record<Step['operation'], () => bigint> = {
      add: () => a + b,
      sub: () => a - b,
      mul: () => a * b,
      // Division by zero gives zero, its remainder leaves what was there.
      div: () => (b === 0n ? 0n : a / b),
      mod: () => (b === 0n ? a : a % b),
      or: () => a | b,
      and: () => a & b,
      xor: () => a ^ b,
      lsh: () => a << shift,
      rsh: () => a >> shift,
      arsh: () => BigInt.asIntN(width, a) >> shift,
      mov: () => b,
      neg: () => -a,
      be16: () => ((a & 0xffn) << 8n) | ((a >> 8n) & 0xffn),
      be32: () => BigInt(Buffer.from(new Uint32Array([Number(a & 0xffffffffn)]).buffer).readUInt32BE()),
    };
    registers.set(dst, BigInt.asUintN(width, results[operation]()));
  }
  return registers;
}

const number32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const step: fc.Arbitrary<Step> = fc
  .record({
    operation: fc.constantFrom<Step['operation'][]>(
      ...(['add', 'sub', 'mul', 'div', 'mod', 'or', 'and', 'xor'] as const),
      ...(['lsh', 'rsh', 'arsh', 'mov', 'neg', 'be16', 'be32'] as const),
    ),
    dst: fc.constantFrom(...NUMBERED),
    from: fc.oneof(number32, fc.constantFrom(...NUMBERED)),
    width: fc.constantFrom<Width[]>(32, 64),
  })
  .map((one) => {
    // The verifier refuses what can be seen to be wrong: a shift too far, a division by the number zero.
    if (typeof one.from !== 'number') return one;
    if (['lsh', 'rsh', 'arsh'].includes(one.operation)) return { ...one, from: one.from & (one.width - 1) };
    return ['div', 'mod'].includes(one.operation) && one.from === 0 ? { ...one, from: 1 } : one;
  });

function write(asm: Assembler, { operation, dst, from, width }: Step): void {
  if (operation === 'mov') asm.mov(dst, from, width);
  else if (operation === 'neg') asm.neg(dst, width);
  else if (operation === 'be16') asm.networkOrder(dst, 16);
  else if (operation === 'be32') asm.networkOrder(dst, 32);
  else asm.alu(operation, dst, from, width);
}

function compare(comparison: Comparison, a: bigint, b: bigint, width: Width): boolean {
  const [ua, ub] = [BigInt.asUintN(width, a), BigInt.asUintN(width, b)];
  const [sa, sb] = [BigInt.asIntN(width, a), BigInt.asIntN(width, b)];
  const answers: Record<Comparison, boolean> = {
    '==': ua === ub,
    '!=': ua !== ub,
    '>': ua > ub,
    '>=': ua >= ub,
    '<': ua < ub,
    '<=': ua <= ub,
    's>': sa > sb,
    's>=': sa >= sb,
    's<': sa < sb,
    's<=': sa <= sb,
    '&': (ua & ub) !== 0n,
  };
  return answers[comparison];
}

describe.runIf(kernelAllows(bpfObstacle(), 'assembled programs run by the kernel'))('in the kernel', () => {
  const run = (asm: Assembler): number => {
    const fd = loadProgram(asm.program(), { name: 'sums', type: 'socket_filter', maps: {} });
    try {
      return testRun(fd, new Uint8Array(64));
    } finally {
      closeProgram(fd);
    }
  };

  it('every operation means what it says', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 24 }),
        fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { minLength: 5, maxLength: 5 }),
        (steps, start) => {
          const asm = new Assembler();
          for (const [index, name] of NUMBERED.entries()) asm.imm64(name, start[index] ?? 0n);
          for (const one of steps) write(asm, one);
          // All registers and both halves count.
          for (const name of NUMBERED.slice(1)) asm.alu('xor', 'r0', name);
          asm.mov('r1', 'r0').alu('rsh', 'r1', 32).alu('xor', 'r0', 'r1').exit();
          const whole = [...interpret(steps, start).values()].reduce((sum, one) => sum ^ one, 0n);
          expect(run(asm)).toBe(Number((whole ^ (whole >> 32n)) & 0xffffffffn));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('every jump goes where it should', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...COMPARISONS),
        fc.bigInt(0n, 2n ** 64n - 1n),
        fc.oneof(number32, fc.bigInt(0n, 2n ** 64n - 1n)),
        fc.constantFrom<Width[]>(32, 64),
        (comparison, a, b, width) => {
          const asm = new Assembler().imm64('r2', a).imm64('r3', BigInt(b));
          asm.jumpIf('r2', comparison, typeof b === 'number' ? b : 'r3', 'yes', width);
          asm.mov('r0', 1).exit().label('yes').mov('r0', 2).exit();
          expect(run(asm)).toBe(compare(comparison, a, BigInt(b), width) ? 2 : 1);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('memory keeps what is stored, in each size', () => {
    const asm = new Assembler()
      .imm64('r2', 0x1122_3344_5566_7788n)
      .store('u64', 'r10', -8, 'r2')
      .store('u16', 'r10', -8, 'r2')
      .store('u8', 'r10', -1, 0x7f)
      .mov('r3', 1)
      .atomicAdd('u32', 'r10', -8, 'r3')
      .load('u32', 'r0', 'r10', -8)
      .load('u8', 'r1', 'r10', -1)
      .load('u16', 'r2', 'r10', -4)
      .alu('add', 'r0', 'r1')
      .alu('add', 'r0', 'r2')
      .exit();
    expect(run(asm)).toBe(0x55667789 + 0x7f + 0x3344);
  });

  it("a refusal carries the verifier's words", () => {
    expect(() => run(new Assembler().mov('r0', 'r9').exit())).toThrow(
      /PROG_LOAD program "sums" failed: .*\(EACCES\); the verifier says:\n[\s\S]*R9 !read_ok/,
    );
  });
});
