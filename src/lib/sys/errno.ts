// The kernel's error numbers by name, and the error that a failed system call throws.
// Knows no particular call.
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

/** Numbers that leave the kernel although no header of libc names them, and those that Node leaves out. */
const FURTHER: Readonly<Record<number, readonly [code: string, text: string]>> = {
  64: ['ENONET', 'machine is not on the network'],
  76: ['ENOTUNIQ', 'name not unique on network'],
  117: ['EUCLEAN', 'structure needs cleaning'],
  126: ['ENOKEY', 'required key not available'],
  127: ['EKEYEXPIRED', 'key has expired'],
  512: ['ERESTARTSYS', 'interrupted before it began'],
  524: ['ENOTSUPP', 'operation is not supported'],
};

const names = new Map(Object.entries(constants.errno).map(([name, errno]) => [errno, name]));

/** The name of a positive error number: `errnoName(1)` is `EPERM`; a number without a name gives `E1234`. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? FURTHER[errno]?.[0] ?? `E${errno}`;
}

/** What the number means, in the words of the C library. */
export function errnoText(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? FURTHER[errno]?.[1] ?? 'unknown error';
}

/** `code` is the kernel's name for the failure (`EPERM`), `errno` its positive number on this machine. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  /** `subject`: what the call was about ("of …"), for people. */
  constructor(syscall: string, errno: number, subject?: string) {
    const about = subject === undefined ? '' : ` of ${subject}`;
    super(`${syscall}${about} failed: ${errnoText(errno)} (${errnoName(errno)})`);
    this.name = 'SystemCallError';
    this.code = errnoName(errno);
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** Whether `error` is a failed system call with one of `codes`. */
export function failedWith(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof SystemCallError && codes.includes(error.code);
}
