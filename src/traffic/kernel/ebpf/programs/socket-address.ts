// How programs read and write the address that a socket call is about (struct bpf_sock_addr), as a place on the stack.
// Knows no table.
import type { Assembler } from '../assembler/assembler.ts';
import type { Register } from '../assembler/instruction.ts';
import { PORT_AT } from './layout.ts';

export const CONTEXT = { ip4: 4, ip6: 8, port: 24, protocol: 36 } as const;

/** Addresses of a program for IPv4 have four bytes; those for IPv6 may be IPv4 in disguise. */
export type SocketFamily = 4 | 6;

/** The first twelve bytes of ::ffff:a.b.c.d, as two numbers. */
const MAPPED = { low: 0, high: -65_536 } as const;

/** Writes the address and port of the call as a place at `at` (of r10); the six bytes behind become zero. Uses r2. */
export function readPlace(asm: Assembler, family: SocketFamily, context: Register, at: number): void {
  if (family === 4) {
    asm.store('u64', 'r10', at, MAPPED.low);
    asm.store('u32', 'r10', at + 8, MAPPED.high);
    asm.load('u32', 'r2', context, CONTEXT.ip4).store('u32', 'r10', at + 12, 'r2');
  } else {
    asm.load('u64', 'r2', context, CONTEXT.ip6).store('u64', 'r10', at, 'r2');
    asm.load('u64', 'r2', context, CONTEXT.ip6 + 8).store('u64', 'r10', at + 8, 'r2');
  }
  // The port is in network order already, in the lower half.
  asm.load('u32', 'r2', context, CONTEXT.port).store('u64', 'r10', at + PORT_AT, 'r2');
}

/** Makes the call about the place that `base` + `at` holds. Uses r2. */
export function writePlace(asm: Assembler, family: SocketFamily, context: Register, base: Register, at: number): void {
  if (family === 4) {
    asm.load('u32', 'r2', base, at + 12).store('u32', context, CONTEXT.ip4, 'r2');
  } else {
    for (const part of [0, 4, 8, 12]) {
      asm.load('u32', 'r2', base, at + part).store('u32', context, CONTEXT.ip6 + part, 'r2');
    }
  }
  asm.load('u16', 'r2', base, at + PORT_AT).store('u32', context, CONTEXT.port, 'r2');
}

/** 24 bytes from `base` + `from` to r10 + `to`. Uses r2. */
export function copyPlace(asm: Assembler, base: Register, from: number, to: number): void {
  for (const part of [0, 8, 16]) asm.load('u64', 'r2', base, from + part).store('u64', 'r10', to + part, 'r2');
}
