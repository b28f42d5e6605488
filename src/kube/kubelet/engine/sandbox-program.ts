// The program that holds what a pod's containers share in docker: a few instructions for each kind of processor.
// Pure; knows no engine. Written out by hand, so that there is nothing to download and nothing to compile.

/**
 * Its arguments are files of namespaces: it enters them one after another, and ends with the number of the kernel's
 * error when it may not. Then it says so by a byte, and sleeps for good. It ignores the ends of children, so that the kernel clears away every
 * orphan of a pod whose containers see each other's processes, as whose first process it counts.
 */
const X86_64 = [
  ['488b1c24', 'mov rbx, [rsp]       ; number of arguments, the program among them'],
  ['488d6c2410', 'lea rbp, [rsp+16]    ; the first of them'],
  ['ffcb', 'next: dec ebx'],
  ['7424', 'je  done'],
  ['488b7d00', 'mov rdi, [rbp]'],
  ['4883c508', 'add rbp, 8'],
  ['31f6', 'xor esi, esi         ; O_RDONLY'],
  ['6a0258', 'mov eax, 2           ; open'],
  ['0f05', 'syscall'],
  ['85c0', 'test eax, eax'],
  ['7847', 'js  failed'],
  ['89c7', 'mov edi, eax'],
  ['31f6', 'xor esi, esi         ; whatever kind it is'],
  ['b834010000', 'mov eax, 308         ; setns'],
  ['0f05', 'syscall'],
  ['85c0', 'test eax, eax'],
  ['7838', 'js  failed'],
  ['ebd8', 'jmp next'],
  ['bf11000000', 'done: mov edi, 17    ; SIGCHLD'],
  ['488d3535000000', 'lea rsi, [action]'],
  ['31d2', 'xor edx, edx'],
  ['41ba08000000', 'mov r10d, 8          ; bytes of a set of signals'],
  ['b80d000000', 'mov eax, 13          ; rt_sigaction'],
  ['0f05', 'syscall'],
  ['bf01000000', 'mov edi, 1           ; standard output'],
  ['488d351a000000', 'lea rsi, [action]    ; any byte'],
  ['89fa', 'mov edx, edi'],
  ['89f8', 'mov eax, edi         ; write'],
  ['0f05', 'syscall'],
  ['b822000000', 'sleep: mov eax, 34   ; pause'],
  ['0f05', 'syscall'],
  ['ebf7', 'jmp sleep'],
  ['f7d8', 'failed: neg eax'],
  ['89c7', 'mov edi, eax'],
  ['b83c000000', 'mov eax, 60          ; exit'],
  ['0f05', 'syscall'],
] as const;

const AARCH64 = [
  ['f30340f9', 'ldr x19, [sp]        ; number of arguments, the program among them'],
  ['f4430091', 'add x20, sp, #16     ; the first of them'],
  ['730600f1', 'next: subs x19, x19, #1'],
  ['a0010054', 'b.eq done'],
  ['600c8092', 'mov x0, #-100        ; AT_FDCWD'],
  ['818640f8', 'ldr x1, [x20], #8'],
  ['020080d2', 'mov x2, #0           ; O_RDONLY'],
  ['030080d2', 'mov x3, #0'],
  ['080780d2', 'mov x8, #56          ; openat'],
  ['010000d4', 'svc #0'],
  ['0003f8b7', 'tbnz x0, #63, failed'],
  ['010080d2', 'mov x1, #0           ; whatever kind it is'],
  ['882180d2', 'mov x8, #268         ; setns'],
  ['010000d4', 'svc #0'],
  ['8002f8b7', 'tbnz x0, #63, failed'],
  ['f3ffff17', 'b next'],
  ['200280d2', 'done: mov x0, #17    ; SIGCHLD'],
  ['81020010', 'adr x1, action'],
  ['020080d2', 'mov x2, #0'],
  ['030180d2', 'mov x3, #8           ; bytes of a set of signals'],
  ['c81080d2', 'mov x8, #134         ; rt_sigaction'],
  ['010000d4', 'svc #0'],
  ['200080d2', 'mov x0, #1           ; standard output'],
  ['c1010010', 'adr x1, action       ; any byte'],
  ['220080d2', 'mov x2, #1'],
  ['080880d2', 'mov x8, #64          ; write'],
  ['010000d4', 'svc #0'],
  ['000080d2', 'sleep: mov x0, #0'],
  ['010080d2', 'mov x1, #0'],
  ['020080d2', 'mov x2, #0'],
  ['030080d2', 'mov x3, #0'],
  ['280980d2', 'mov x8, #73          ; ppoll'],
  ['010000d4', 'svc #0'],
  ['faffff17', 'b sleep'],
  ['e00300cb', 'failed: neg x0, x0'],
  ['a80b80d2', 'mov x8, #93          ; exit'],
  ['010000d4', 'svc #0'],
] as const;

/** `struct sigaction` behind the last instruction: SIG_IGN, and nothing else of note. */
const IGNORE = `01${'00'.repeat(31)}`;

interface Processor {
  /** Of ELF (`e_machine`). */
  readonly machine: number;
  readonly code: readonly (readonly [hex: string, meaning: string])[];
}

/** By the names that engines have for processors. */
const PROCESSORS: Readonly<Record<string, Processor>> = {
  amd64: { machine: 62, code: X86_64 },
  arm64: { machine: 183, code: AARCH64 },
};

const BASE = 0x400000n;
const HEADERS = 64 + 56;
const PAGE = 0x10000n;

/** The program as a file (ELF, 64 bits, one segment, no libraries); `undefined` for a processor that it is not there for. */
export function sandboxProgram(architecture: string): Uint8Array | undefined {
  const processor = PROCESSORS[architecture];
  if (processor === undefined) return undefined;
  const code = Buffer.from(`${processor.code.map(([hex]) => hex).join('')}${IGNORE}`, 'hex');
  const size = BigInt(HEADERS + code.length);
  const file = Buffer.alloc(Number(size));
  file.write('\x7fELF\x02\x01\x01', 'latin1');
  file.writeUInt16LE(2, 16); // An executable,
  file.writeUInt16LE(processor.machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BASE + BigInt(HEADERS), 24); // which begins behind the headers.
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64); // All of it is loaded,
  file.writeUInt32LE(5, 68); // to be read and run.
  file.writeBigUInt64LE(BASE, 80);
  file.writeBigUInt64LE(BASE, 88);
  file.writeBigUInt64LE(size, 96);
  file.writeBigUInt64LE(size, 104);
  file.writeBigUInt64LE(PAGE, 112);
  code.copy(file, HEADERS);
  return file;
}
