// eBPF instructions as lines of text, for golden tests and for people who look at what runs.
// Understands what the assembler writes; shows anything else as numbers.
import { HELPERS } from './helpers.ts';
import {
  ALU,
  CLASSES,
  FROM_REGISTER,
  type Instruction,
  JUMPS,
  LOAD_IMM64,
  MODE_ATOMIC,
  MODE_MEM,
  PSEUDO_MAP_FD,
  SIZES,
} from './instruction.ts';

const nameOf = (table: Readonly<Record<string, number>>, value: number): string | undefined =>
  Object.entries(table).find(([, one]) => one === value)?.[0];

const SIGNS: Readonly<Record<string, string>> = {
  add: '+=',
  sub: '-=',
  mul: '*=',
  div: '/=',
  or: '|=',
  and: '&=',
  lsh: '<<=',
  rsh: '>>=',
  mod: '%=',
  xor: '^=',
  mov: '=',
  arsh: 's>>=',
};

/** A line an instruction, the index before it; `w3` is the lower half of `r3`, jumps show the index they go to. */
export function disassemble(
  instructions: readonly Instruction[],
  maps: ReadonlyMap<number, string> = new Map(),
): string[] {
  const lines: string[] = [];
  for (let at = 0; at < instructions.length; at++) {
    const instruction = instructions[at] as Instruction;
    const next = instructions[at + 1];
    if (instruction.opcode === LOAD_IMM64 && next !== undefined) {
      lines.push(`${at}: r${instruction.dst} = ${wide(instruction, next, maps.get(at))}`);
      at++;
    } else {
      lines.push(`${at}: ${oneLine(instruction, at)}`);
    }
  }
  return lines;
}

function wide(low: Instruction, high: Instruction, map: string | undefined): string {
  if (low.src === PSEUDO_MAP_FD) return map === undefined ? `map fd ${low.imm}` : `map ${map}`;
  return `0x${((BigInt(high.imm >>> 0) << 32n) | BigInt(low.imm >>> 0)).toString(16)} ll`;
}

function oneLine(instruction: Instruction, at: number): string {
  const kind = instruction.opcode & 7;
  let text: string | undefined;
  if (kind === CLASSES.alu || kind === CLASSES.alu64) text = arithmetic(instruction, kind);
  else if (kind === CLASSES.jmp || kind === CLASSES.jmp32) text = jump(instruction, kind, at);
  else text = memory(instruction, kind);
  const { opcode, dst, src, offset, imm } = instruction;
  return text ?? `opcode 0x${opcode.toString(16)} dst ${dst} src ${src} offset ${offset} imm ${imm}`;
}

function arithmetic({ opcode, dst, src, imm }: Instruction, kind: number): string | undefined {
  const letter = kind === CLASSES.alu64 ? 'r' : 'w';
  const name = nameOf(ALU, opcode & 0xf0);
  if (name === 'neg') return `${letter}${dst} = -${letter}${dst}`;
  if (name === 'end') {
    return kind === CLASSES.alu && (opcode & FROM_REGISTER) !== 0 ? `r${dst} = be${imm} r${dst}` : undefined;
  }
  const sign = name === undefined ? undefined : SIGNS[name];
  if (sign === undefined) return undefined;
  return `${letter}${dst} ${sign} ${(opcode & FROM_REGISTER) === 0 ? imm : `${letter}${src}`}`;
}

function jump({ opcode, dst, src, offset, imm }: Instruction, kind: number, at: number): string | undefined {
  const name = nameOf(JUMPS, opcode & 0xf0);
  const target = at + 1 + offset;
  if (name === 'always') return kind === CLASSES.jmp ? `goto ${target}` : undefined;
  if (name === 'exit') return 'exit';
  if (name === 'call') return `call ${nameOf(HELPERS, imm) ?? imm}`;
  if (name === undefined) return undefined;
  const letter = kind === CLASSES.jmp ? 'r' : 'w';
  const other = (opcode & FROM_REGISTER) === 0 ? imm : `${letter}${src}`;
  return `if ${letter}${dst} ${name} ${other} goto ${target}`;
}

function memory({ opcode, dst, src, offset, imm }: Instruction, kind: number): string | undefined {
  const size = nameOf(SIZES, opcode & 0x18);
  const mode = opcode & 0xe0;
  const place = (base: number): string => `*(${size} *)(r${base} ${offset < 0 ? '-' : '+'} ${Math.abs(offset)})`;
  if (mode === MODE_ATOMIC && kind === CLASSES.stx && imm === ALU.add) return `lock ${place(dst)} += r${src}`;
  if (mode !== MODE_MEM) return undefined;
  if (kind === CLASSES.ldx) return `r${dst} = ${place(src)}`;
  if (kind === CLASSES.st) return `${place(dst)} = ${imm}`;
  return kind === CLASSES.stx ? `${place(dst)} = r${src}` : undefined;
}
