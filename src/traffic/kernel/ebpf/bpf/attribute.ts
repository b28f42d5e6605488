// The argument of bpf(2): a structure of fixed places, filled by offset, that keeps alive what it points to.
// Knows no command's meaning. Offsets are those of `union bpf_attr` in linux/bpf.h.
import { libc } from '#lib/sys/libc.ts';
import { systemCall, trySystemCall } from '#lib/sys/system-call.ts';

/** `enum bpf_cmd`. */
export const COMMANDS = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  PROG_LOAD: 5,
  OBJ_PIN: 6,
  OBJ_GET: 7,
  PROG_ATTACH: 8,
  PROG_DETACH: 9,
  PROG_TEST_RUN: 10,
  OBJ_GET_INFO_BY_FD: 15,
  PROG_QUERY: 16,
  MAP_LOOKUP_BATCH: 24,
  MAP_UPDATE_BATCH: 26,
  MAP_DELETE_BATCH: 27,
  LINK_CREATE: 28,
  LINK_UPDATE: 29,
  LINK_DETACH: 34,
} as const;
export type Command = keyof typeof COMMANDS;

/** Names of maps and programs in the kernel have 15 bytes. */
const NAME_LENGTH = 15;

export class Attribute {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** The kernel reads these through the structure, so they must live as long. */
  readonly #held: Uint8Array[] = [];

  /** `size` in bytes; what the kernel knows beyond counts as zero. */
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true);
    return this;
  }

  u64(offset: number, value: bigint): this {
    this.#view.setBigUint64(offset, value, true);
    return this;
  }

  pointer(offset: number, memory: Uint8Array): this {
    this.#held.push(memory);
    return this.u64(offset, libc().address(memory));
  }

  /** For people who list the kernel's objects. Other characters than the kernel allows become underscores. */
  name(offset: number, name: string): this {
    const allowed = name.replace(/[^A-Za-z0-9_.]/g, '_').slice(0, NAME_LENGTH);
    this.bytes.set(new TextEncoder().encode(allowed), offset);
    return this;
  }

  text(offset: number, text: string): this {
    return this.pointer(offset, new TextEncoder().encode(`${text}\0`));
  }

  read(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
}

/** Throws SystemCallError; `subject` says what it was about. */
export function bpf(command: Command, attribute: Attribute, subject: string): number {
  return systemCall('bpf', [COMMANDS[command], attribute.bytes, attribute.bytes.length], `${command} ${subject}`);
}

/** As `bpf`; a negative error number instead of an exception. */
export function tryBpf(command: Command, attribute: Attribute): number {
  return trySystemCall('bpf', [COMMANDS[command], attribute.bytes, attribute.bytes.length]);
}
