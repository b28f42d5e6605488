// Tells when one of some files may have changed, however it was written: in place, renamed over, or by a symbolic link
// that now leads elsewhere (as ConfigMaps do). A hint only: whoever asked looks for himself what has changed.
import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { Cancel, Clock } from '#lib/clock.ts';

/** Editors write in several steps: the last of them is waited for this long, milliseconds. */
const SETTLE_MS = 50;
/** Notices get lost, on network file systems always: files are looked at this often, too. */
const LOOK_MS = 2_000;

export interface FileWatch {
  /** Watches these from now on, in place of those before. */
  update(files: readonly string[]): void;
  close(): void;
}

export function watchFiles(files: readonly string[], clock: Clock, onChange: () => void): FileWatch {
  return new Watching(files, clock, onChange);
}

class Watching implements FileWatch {
  readonly #clock: Clock;
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #stopLooking: Cancel;
  #files: readonly string[] = [];
  #seen = '';
  #settling: Cancel | undefined;

  constructor(files: readonly string[], clock: Clock, onChange: () => void) {
    this.#clock = clock;
    this.#onChange = onChange;
    this.update(files);
    this.#stopLooking = clock.every(LOOK_MS, () => {
      if (stateOf(this.#files) !== this.#seen) this.#hint();
    });
  }

  update(files: readonly string[]): void {
    this.#files = files;
    this.#seen = stateOf(files);
    // Directories, not files: a file that is replaced takes its watch along into nowhere.
    const wanted = new Set(files.flatMap(directoriesOf));
    for (const [directory, watcher] of this.#watchers) {
      if (wanted.has(directory)) continue;
      watcher.close();
      this.#watchers.delete(directory);
    }
    for (const directory of wanted) if (!this.#watchers.has(directory)) this.#watch(directory);
  }

  close(): void {
    this.#settling?.();
    this.#stopLooking();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #watch(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#hint());
      // A directory that goes away ends its watch; looking goes on.
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(directory);
      });
      this.#watchers.set(directory, watcher);
    } catch {
      // Not there, or no more watches to be had: looking finds what changes.
    }
  }

  #hint(): void {
    this.#settling?.();
    this.#settling = this.#clock.after(SETTLE_MS, () => {
      this.#settling = undefined;
      this.#onChange();
    });
  }
}

/** Where the name stands, and where what it leads to stands. */
function directoriesOf(file: string): string[] {
  const directory = dirname(file);
  try {
    return [...new Set([directory, dirname(realpathSync(file))])];
  } catch {
    return [directory];
  }
}

function stateOf(files: readonly string[]): string {
  return files
    .map((file) => {
      try {
        const { ino, size, mtimeMs } = statSync(file);
        return `${ino} ${size} ${mtimeMs}`;
      } catch {
        return 'gone';
      }
    })
    .join('\n');
}
