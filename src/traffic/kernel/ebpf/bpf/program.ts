// Loads programs into the kernel, with the verifier's words when it refuses, and runs them once for tests.
// Knows nothing of what they do.
import { closeSync } from 'node:fs';
import { SystemCallError } from '#lib/sys/errno.ts';
import { link, type Program } from '../assembler/assembler.ts';
import { Attribute, bpf, tryBpf } from './attribute.ts';
import type { BpfMap } from './map.ts';

/** `enum bpf_prog_type`. */
export const PROGRAM_TYPES = { socket_filter: 1, cgroup_sock_addr: 18 } as const;

/** `enum bpf_attach_type`, of programs that see addresses of sockets. */
export const ATTACH_TYPES = {
  connect4: 10,
  connect6: 11,
  sendmsg4: 14,
  sendmsg6: 15,
  recvmsg4: 19,
  recvmsg6: 20,
  getpeername4: 29,
  getpeername6: 30,
} as const;
export type AttachType = keyof typeof ATTACH_TYPES;

/** The verifier's whole reasoning may take megabytes; its end says why it refused. */
const LOG_SIZE = 1 << 22;
const LOG_LINES_SHOWN = 12;

export interface LoadOptions {
  readonly name: string;
  readonly type: keyof typeof PROGRAM_TYPES;
  /** For `cgroup_sock_addr`. */
  readonly attachType?: AttachType;
  /** By the names that the program uses. */
  readonly maps: Readonly<Record<string, BpfMap>>;
}

/** The verifier's objection; `log` is all it wrote. */
export class ProgramRefused extends SystemCallError {
  readonly log: string;

  constructor(name: string, errno: number, log: string) {
    super('bpf', errno, `PROG_LOAD program "${name}"`);
    this.log = log;
    const end = log.trim().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
    if (end !== '') this.message += `; the verifier says:\n${end}`;
  }
}

/** The descriptor of the loaded program. Throws ProgramRefused. */
export function loadProgram(program: Program, { name, type, attachType, maps }: LoadOptions): number {
  const fds = Object.fromEntries(Object.entries(maps).map(([key, { fd }]) => [key, fd]));
  const code = link(program, fds);
  const attribute = (): Attribute =>
    new Attribute(72)
      .u32(0, PROGRAM_TYPES[type])
      .u32(4, code.length / 8)
      .pointer(8, code)
      // Helpers used here need no particular licence; this is the package's own.
      .text(16, 'Apache-2.0')
      .name(48, name)
      .u32(68, attachType === undefined ? 0 : ATTACH_TYPES[attachType]);
  const fd = tryBpf('PROG_LOAD', attribute());
  if (fd >= 0) return fd;
  // Only the second time with a log: writing it costs more than the check itself.
  const log = new Uint8Array(LOG_SIZE);
  const again = tryBpf('PROG_LOAD', attribute().u32(24, 1).u32(28, log.length).pointer(32, log));
  if (again >= 0) return again;
  throw new ProgramRefused(name, -again, Buffer.from(log).toString('latin1', 0, log.indexOf(0)));
}

/** Runs a program on `input` (a packet for `socket_filter`); gives what it returned, 32 bits. */
export function testRun(fd: number, input: Uint8Array): number {
  const attribute = new Attribute(80).u32(0, fd).u32(8, input.length).pointer(16, input);
  bpf('PROG_TEST_RUN', attribute, 'program');
  return attribute.read(4);
}

export function closeProgram(fd: number): void {
  closeSync(fd);
}
