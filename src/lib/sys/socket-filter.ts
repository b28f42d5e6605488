// A filter of the kernel on a socket (classic BPF): what it refuses wakes nobody.
// Knows how programs are handed over; nothing of what they look for.
import { libc } from './libc.ts';
import { SOL_SOCKET, setSocketOption } from './socket.ts';

const SO_ATTACH_FILTER = 26;
const CODE = { loadByte: 0x30, jumpIfEqual: 0x15, answer: 0x06 } as const;
const WHOLE = 0xffff;
const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** A byte of the message that has to have this value. */
export interface ByteTest {
  readonly offset: number;
  readonly value: number;
}

/** Lets messages pass for which all tests hold. */
export function requireBytes(fd: number, tests: readonly ByteTest[]): void {
  const length = 2 * tests.length + 2;
  const program = new DataView(new ArrayBuffer(8 * length));
  const write = (at: number, code: number, jumpFalse: number, k: number): void => {
    program.setUint16(8 * at, code, little);
    program.setUint8(8 * at + 3, jumpFalse);
    program.setUint32(8 * at + 4, k, little);
  };
  for (const [at, { offset, value }] of tests.entries()) {
    write(2 * at, CODE.loadByte, 0, offset);
    // To the last instruction, counted from the next.
    write(2 * at + 1, CODE.jumpIfEqual, length - 1 - (2 * at + 2), value);
  }
  write(length - 2, CODE.answer, 0, WHOLE);
  write(length - 1, CODE.answer, 0, 0);
  const bytes = new Uint8Array(program.buffer);
  const handed = new DataView(new ArrayBuffer(16));
  handed.setUint16(0, length, little);
  handed.setBigUint64(8, libc().address(bytes), little);
  setSocketOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, new Uint8Array(handed.buffer));
}
