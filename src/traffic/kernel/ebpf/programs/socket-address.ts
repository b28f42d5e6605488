// How programs read and write the address that a socket call is about (struct bpf_sock_addr), as a place on the stack.
// Knows no table.
import type { Assembler } from '../assembler/assembler.ts';
import type { Register } from '../assembler/instruction.ts';
import { PORT_AT } from './layout.ts';

export const CONTEXT = { ip4: 4, ip6: 8, port: 24, protocol: 36, source4: 40, source6: 44, socket: 64 } as const;
/** struct bpf_sock. */
const SOCKET = { source4: 24, source6: 28 } as const;

/** Addresses of a program for IPv4 have four bytes; those for IPv6 may be IPv4 in disguise. */
export type SocketFamily = 4 | 6;

/** A message may have a source of its own; a connection has that of its socket. */
export type SourceOf = 'connect' | 'sendmsg';

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

/**
 * Writes the address that the socket or the message is bound to at `at` (of r10), 16 bytes; leaves in r3 whether there
 * is one (not zero). Uses r1 and r2.
 */
export function readSource(asm: Assembler, family: SocketFamily, call: SourceOf, context: Register, at: number): void {
  const ofMessage = call === 'sendmsg';
  const base = ofMessage ? context : 'r1';
  if (!ofMessage) asm.load('u64', 'r1', context, CONTEXT.socket);
  if (family === 4) {
    asm.store('u64', 'r10', at, MAPPED.low).store('u32', 'r10', at + 8, MAPPED.high);
    asm.load('u32', 'r3', base, ofMessage ? CONTEXT.source4 : SOCKET.source4).store('u32', 'r10', at + 12, 'r3');
    return;
  }
  asm.mov('r3', 0);
  for (const part of [0, 4, 8, 12]) {
    asm.load('u32', 'r2', base, (ofMessage ? CONTEXT.source6 : SOCKET.source6) + part);
    asm.store('u32', 'r10', at + part, 'r2').alu('or', 'r3', 'r2');
  }
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
