// A small number that no other process on this machine has at this moment, for ranges and ports of a test's own.
// Knows a lock file for each number; what is made of it is the caller's matter.
import { accessSync, chmodSync, constants, mkdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf, Failure } from '#app/failure.ts';
import { acquireLock } from '#app/main/instance-lock.ts';

/** 1 to 250: fits into a byte of an address, beside zero and broadcast. */
const HIGHEST = 250;
const DIR = join(tmpdir(), 'evenkeel-test-numbers');

/**
 * Another one for every call, as long as this process lives. One that was killed is noticed by its lock, so that its
 * number is free again; a number derived from the process id would sooner or later be another test's as well.
 */
export function ownNumber(dir = DIR): number {
  forEverybody(dir);
  for (let number = 1; number <= HIGHEST; number += 1) {
    try {
      const lock = acquireLock(join(dir, `${number}.json`), `number ${number}`);
      process.once('exit', () => lock.release());
      return number;
    } catch (error) {
      // What another user holds can be neither read nor taken.
      if (!(error instanceof Failure) && !/^(EACCES|EPERM)$/.test(codeOf(error) ?? '')) throw error;
    }
  }
  throw new Error(`All ${HIGHEST} numbers of ${dir} are held by processes that live`);
}

/** The numbers are the machine's, so all of its users share them. */
function forEverybody(dir: string): void {
  mkdirSync(dir, { recursive: true });
  if (statSync(dir).uid === process.getuid?.()) chmodSync(dir, 0o1777);
  try {
    accessSync(dir, constants.W_OK);
  } catch (error) {
    throw new Error(`Cannot write to ${dir}, which another user has made: let them "chmod 1777" it, or remove it`, {
      cause: error,
    });
  }
}
