// A pseudo terminal for a command: `script` of util-linux holds it, `stty` sets its size, /proc says which it is.
// Node.js can make none of its own. Knows nothing of containers.
import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import type { Clock } from '#lib/clock.ts';
import type { TerminalSize } from '../runtime.ts';
import { quote } from './quote.ts';

/** How often, and after how long each time, a terminal that is still being made is looked for. */
const ATTEMPTS = 50;
const STEP_MS = 20;
/** Generations below `script` in which the terminal is looked for. */
const MAX_DEPTH = 4;

/** The command at a terminal of its own. Its output and its errors are one stream, and its exit code is the command's. */
export function atTerminal(command: readonly string[], size?: TerminalSize): readonly string[] {
  // `script` turns the echo off when its own input is no terminal, and it runs what SHELL names.
  const settings = size === undefined ? 'echo' : `echo rows ${size.rows} cols ${size.columns}`;
  const inner = `stty ${settings} 2> /dev/null; test -n "$TERM" || export TERM=xterm; exec ${command.map(quote).join(' ')}`;
  return ['env', '--unset=SHELL', 'script', '-qefc', inner, '/dev/null'];
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A file that opens the terminal below the process, from whatever namespace; undefined when there is none (yet). */
function terminalBelow(pid: number): string | undefined {
  let generation = [pid];
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    for (const one of generation) {
      try {
        if (readlinkSync(`/proc/${one}/fd/0`).startsWith('/dev/pts/')) return `/proc/${one}/fd/0`;
      } catch {
        // It has ended since it was listed.
      }
    }
    generation = generation.flatMap(childrenOf);
  }
  return undefined;
}

/** Sets the size of the terminal below the process `pid`; whatever runs in front there is told. */
export class TerminalResizer {
  readonly #pid: number;
  readonly #clock: Clock;
  #wanted: TerminalSize | undefined;
  #busy = false;

  constructor(pid: number, clock: Clock) {
    this.#pid = pid;
    this.#clock = clock;
  }

  resize(size: TerminalSize): void {
    this.#wanted = size;
    if (!this.#busy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#wanted !== undefined) {
      const { columns, rows } = this.#wanted;
      this.#wanted = undefined;
      const file = await this.#find();
      if (file === undefined) break;
      const words = ['-F', file, 'rows', String(rows), 'cols', String(columns)];
      await new Promise<void>((resolve) => execFile('stty', words, () => resolve()));
    }
    this.#busy = false;
  }

  async #find(): Promise<string | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const file = terminalBelow(this.#pid);
      if (file !== undefined) return file;
      await new Promise<void>((resolve) => void this.#clock.after(STEP_MS, resolve));
    }
    return undefined;
  }
}
