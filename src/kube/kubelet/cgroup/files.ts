// Small reads and writes of control files, whose absence is an answer and no accident.
// Knows no group.
import { readFileSync, writeFileSync } from 'node:fs';

export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // The group is gone, or this kernel has no such file: nothing is known then.
    return undefined;
  }
}

export function readNumber(file: string): number | undefined {
  const text = readText(file)?.trim();
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** The number behind `key` in lines such as `key 123`. */
export function readKey(file: string, key: string): number | undefined {
  const line = readText(file)
    ?.split('\n')
    .find((one) => one.startsWith(`${key} `));
  return line === undefined ? undefined : Number(line.slice(key.length + 1));
}

/** `false` when the kernel refuses, e.g. since a process is still there, or the file is not. */
export function tryWrite(file: string, text: string): boolean {
  try {
    // Without O_CREAT: where the kernel has no such file, none shall appear.
    writeFileSync(file, text, { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}
