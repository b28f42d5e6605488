// Calls the kernel by number, and turns what it answers into a value or a SystemCallError.
// Knows no meaning of any argument.
import { SystemCallError } from './errno.ts';
import { libc } from './libc.ts';

/** What goes into a register: a number, or memory (its address). `null` is the null pointer. */
export type Argument = number | bigint | Uint8Array | null;

/** Numbers that differ between architectures, of the calls that libc has no function for. */
const NUMBERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  x64: { bpf: 321, getpid: 39, pidfd_open: 434, statx: 332 },
  arm64: { bpf: 280, getpid: 172, pidfd_open: 434, statx: 291 },
  riscv64: { bpf: 280, getpid: 172, pidfd_open: 434, statx: 291 },
};

export type SystemCallName = 'bpf' | 'getpid' | 'pidfd_open' | 'statx';

/** Calls the kernel. Throws SystemCallError; `subject` says in it what the call was about. */
export function systemCall(name: SystemCallName, args: readonly Argument[], subject?: string): number {
  const result = trySystemCall(name, args);
  if (result < 0) throw new SystemCallError(name, -result, subject);
  return result;
}

/** As `systemCall`, for those who expect failure: answers with the negative error number. */
export function trySystemCall(name: SystemCallName, args: readonly Argument[]): number {
  const number = NUMBERS[process.arch]?.[name];
  if (number === undefined) return -NOT_IMPLEMENTED;
  const c = libc();
  // `args` holds the memory until the call has returned, so no address outlives what it points to.
  const words = args.map((arg) => (arg === null ? 0 : typeof arg === 'object' ? c.address(arg) : arg));
  return outcome(c.syscall(number, ...words));
}

/** The result of a libc function: as it is, or the negative error number in place of -1. */
export function outcome(result: number): number {
  return result === -1 ? -libc().errno() : result;
}

/** The result of a libc function; throws in place of -1. */
export function checked(name: string, result: number, subject?: string): number {
  if (result === -1) throw new SystemCallError(name, libc().errno(), subject);
  return result;
}

/** ENOSYS. */
const NOT_IMPLEMENTED = 38;
