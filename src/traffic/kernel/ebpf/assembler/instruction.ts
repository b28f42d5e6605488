// One eBPF instruction as data and as the kernel's eight bytes.
// Knows no program. Encoding: kernel documentation, bpf/standardization/instruction-set (RFC 9669).

export const REGISTERS = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'r10'] as const;
/** r0 result, r1-r5 arguments (lost over a call), r6-r9 kept, r10 frame (read only; 512 bytes below it). */
export type Register = (typeof REGISTERS)[number];

export interface Instruction {
  /** 0 to 255. */
  readonly opcode: number;
  /** 0 to 15. */
  readonly dst: number;
  readonly src: number;
  /** Signed, 16 bits. */
  readonly offset: number;
  /** Signed, 32 bits. */
  readonly imm: number;
}

export const CLASSES = { ld: 0, ldx: 1, st: 2, stx: 3, alu: 4, jmp: 5, jmp32: 6, alu64: 7 } as const;

/** Upper four bits of an arithmetic opcode. `mov` is in all but name. */
export const ALU = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const;

/** Upper four bits of a jump's opcode. The words with `s` compare signed numbers; `&` asks for common bits. */
export const JUMPS = {
  always: 0x00,
  '==': 0x10,
  '>': 0x20,
  '>=': 0x30,
  '&': 0x40,
  '!=': 0x50,
  's>': 0x60,
  's>=': 0x70,
  call: 0x80,
  exit: 0x90,
  '<': 0xa0,
  '<=': 0xb0,
  's<': 0xc0,
  's<=': 0xd0,
} as const;

/** Bits of a load's or store's opcode. */
export const SIZES = { u32: 0x00, u16: 0x08, u8: 0x10, u64: 0x18 } as const;
export type Size = keyof typeof SIZES;

export const MODE_IMM = 0x00;
export const MODE_MEM = 0x60;
export const MODE_ATOMIC = 0xc0;
/** The second operand is a register. */
export const FROM_REGISTER = 0x08;
/** `src` of a 64-bit immediate that names a map's descriptor. */
export const PSEUDO_MAP_FD = 1;

export const LOAD_IMM64 = CLASSES.ld | MODE_IMM | SIZES.u64;

/** Machines with the other byte order place the registers the other way round; nobody here has one. */
export function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [index, { opcode, dst, src, offset, imm }] of instructions.entries()) {
    const at = index * 8;
    view.setUint8(at, opcode);
    view.setUint8(at + 1, dst | (src << 4));
    view.setInt16(at + 2, offset, true);
    view.setInt32(at + 4, imm, true);
  }
  return bytes;
}

/** Throws where the bytes are no whole number of instructions. */
export function decode(bytes: Uint8Array): Instruction[] {
  if (bytes.length % 8 !== 0) throw new RangeError(`${bytes.length} bytes are no whole number of eBPF instructions`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, index) => {
    const at = index * 8;
    const registers = view.getUint8(at + 1);
    return {
      opcode: view.getUint8(at),
      dst: registers & 15,
      src: registers >> 4,
      offset: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    };
  });
}
