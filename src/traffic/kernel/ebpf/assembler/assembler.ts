// Builds an eBPF program instruction by instruction, with labels and maps by name.
// Allocates no register and proves nothing: the author does the first, the kernel's verifier the second.
import { HELPERS, type Helper } from './helpers.ts';
import {
  ALU,
  CLASSES,
  encode,
  FROM_REGISTER,
  type Instruction,
  JUMPS,
  LOAD_IMM64,
  MODE_ATOMIC,
  MODE_MEM,
  PSEUDO_MAP_FD,
  REGISTERS,
  type Register,
  SIZES,
  type Size,
} from './instruction.ts';

/** A second operand: a register, or a number of 32 bits that is extended with its sign. */
export type Operand = Register | number;
export type Arithmetic = Exclude<keyof typeof ALU, 'mov' | 'neg' | 'end'>;
export type Comparison = Exclude<keyof typeof JUMPS, 'always' | 'call' | 'exit'>;
export type Width = 32 | 64;

/** A finished program whose maps are names still. */
export interface Program {
  readonly instructions: readonly Instruction[];
  /** Which instruction loads which map. */
  readonly maps: ReadonlyMap<number, string>;
}

export class Assembler {
  readonly #instructions: Instruction[] = [];
  readonly #labels = new Map<string, number>();
  readonly #jumps = new Map<number, string>();
  readonly #maps = new Map<number, string>();

  /** Where jumps to `name` arrive: the next instruction. */
  label(name: string): this {
    if (this.#labels.has(name)) throw new Error(`Label "${name}" is set twice`);
    this.#labels.set(name, this.#instructions.length);
    return this;
  }

  /** 32 bits wide, the upper half of `dst` becomes zero. */
  mov(dst: Register, from: Operand, width: Width = 64): this {
    return this.#alu(ALU.mov, dst, from, width);
  }

  alu(operation: Arithmetic, dst: Register, by: Operand, width: Width = 64): this {
    return this.#alu(ALU[operation], dst, by, width);
  }

  neg(dst: Register, width: Width = 64): this {
    return this.#add((width === 64 ? CLASSES.alu64 : CLASSES.alu) | ALU.neg, dst, 0, 0, 0);
  }

  /** The lower `bits` of `dst` between the machine's byte order and the network's; the rest becomes zero. */
  networkOrder(dst: Register, bits: 16 | 32 | 64): this {
    return this.#add(CLASSES.alu | ALU.end | FROM_REGISTER, dst, 0, 0, bits);
  }

  load(size: Size, dst: Register, base: Register, offset: number): this {
    return this.#add(CLASSES.ldx | MODE_MEM | SIZES[size], dst, base, offset, 0);
  }

  store(size: Size, base: Register, offset: number, value: Operand): this {
    if (typeof value === 'number') return this.#add(CLASSES.st | MODE_MEM | SIZES[size], base, 0, offset, value);
    return this.#add(CLASSES.stx | MODE_MEM | SIZES[size], base, value, offset, 0);
  }

  /** Adds to memory in one step that no other processor sees half of. */
  atomicAdd(size: 'u32' | 'u64', base: Register, offset: number, value: Register): this {
    return this.#add(CLASSES.stx | MODE_ATOMIC | SIZES[size], base, value, offset, ALU.add);
  }

  /** All 64 bits at once; takes the place of two instructions. */
  imm64(dst: Register, value: bigint): this {
    const word = BigInt.asUintN(64, value);
    this.#add(LOAD_IMM64, dst, 0, 0, Number(BigInt.asIntN(32, word)));
    return this.#add(0, 'r0', 0, 0, Number(BigInt.asIntN(32, word >> 32n)));
  }

  /** The map that `link` is given by this name. */
  map(dst: Register, name: string): this {
    this.#maps.set(this.#instructions.length, name);
    this.#add(LOAD_IMM64, dst, PSEUDO_MAP_FD, 0, 0);
    return this.#add(0, 'r0', 0, 0, 0);
  }

  jump(label: string): this {
    return this.#jump(CLASSES.jmp | JUMPS.always, 'r0', 0, 0, label);
  }

  /** 32 bits wide, only the lower halves are compared. */
  jumpIf(dst: Register, comparison: Comparison, to: Operand, label: string, width: Width = 64): this {
    const opcode = (width === 64 ? CLASSES.jmp : CLASSES.jmp32) | JUMPS[comparison];
    if (typeof to === 'number') return this.#jump(opcode, dst, 0, to, label);
    return this.#jump(opcode | FROM_REGISTER, dst, to, 0, label);
  }

  /** r1 to r5 are lost. */
  call(helper: Helper): this {
    return this.#add(CLASSES.jmp | JUMPS.call, 'r0', 0, 0, HELPERS[helper]);
  }

  exit(): this {
    return this.#add(CLASSES.jmp | JUMPS.exit, 'r0', 0, 0, 0);
  }

  /** Instructions that a function of the author's own adds, for what is written more than once. */
  add(part: (asm: this) => void): this {
    part(this);
    return this;
  }

  /** Throws for a jump to nowhere, and for one too far away. */
  program(): Program {
    const instructions = this.#instructions.map((instruction, index) => {
      const label = this.#jumps.get(index);
      if (label === undefined) return instruction;
      const target = this.#labels.get(label);
      if (target === undefined) throw new Error(`Jump to label "${label}", which is not set`);
      return { ...instruction, offset: within(target - index - 1, 16, `Jump to label "${label}"`) };
    });
    return { instructions, maps: this.#maps };
  }

  #alu(operation: number, dst: Register, from: Operand, width: Width): this {
    const opcode = (width === 64 ? CLASSES.alu64 : CLASSES.alu) | operation;
    if (typeof from === 'number') return this.#add(opcode, dst, 0, 0, from);
    return this.#add(opcode | FROM_REGISTER, dst, from, 0, 0);
  }

  #jump(opcode: number, dst: Register, src: Register | 0, imm: number, label: string): this {
    this.#jumps.set(this.#instructions.length, label);
    return this.#add(opcode, dst, src, 0, imm);
  }

  #add(opcode: number, dst: Register, src: Register | number, offset: number, imm: number): this {
    this.#instructions.push({
      opcode,
      dst: REGISTERS.indexOf(dst),
      src: typeof src === 'number' ? src : REGISTERS.indexOf(src),
      offset: within(offset, 16, 'Offset'),
      imm: within(imm, 32, 'Number'),
    });
    return this;
  }
}

/** The bytes that the kernel loads, with the descriptors of its maps. Throws for a map without one. */
export function link({ instructions, maps }: Program, descriptors: Readonly<Record<string, number>>): Uint8Array {
  return encode(
    instructions.map((instruction, index) => {
      const name = maps.get(index);
      if (name === undefined) return instruction;
      const fd = descriptors[name];
      if (fd === undefined) throw new Error(`The program uses map "${name}", which it was not given`);
      return { ...instruction, imm: fd };
    }),
  );
}

function within(value: number, bits: 16 | 32, what: string): number {
  const most = 2 ** (bits - 1);
  if (!Number.isInteger(value) || value < -most || value >= most) {
    throw new RangeError(`${what} ${value} does not fit into ${bits} signed bits`);
  }
  return value;
}
