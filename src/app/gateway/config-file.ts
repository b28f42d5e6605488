// The configuration file on disk, with the files that it names: read as a whole, and compared with what was read before.
// Knows no engine.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { messageOf } from '../failure.ts';
import type { ManifestProblem } from '../manifests/document.ts';
import { type ConfigOutcome, parseConfig } from './config.ts';

export interface ConfigRead {
  readonly outcome: ConfigOutcome;
  /** Absolute names of everything that was read, or was to be. */
  readonly files: readonly string[];
  /** Changes whenever the content of one of the files does. */
  readonly fingerprint: string;
}

export class ConfigFile {
  /** As given: what messages call it. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  read(): ConfigRead {
    const path = resolve(this.path);
    const contents = new Map<string, string>();
    const readText = (file: string): string => {
      try {
        const text = readFileSync(file, 'utf8');
        contents.set(file, text);
        return text;
      } catch (error) {
        contents.set(file, messageOf(error));
        throw error;
      }
    };
    let outcome: ConfigOutcome;
    try {
      outcome = parseConfig(readText(path), this.path, (file) => readText(resolve(dirname(path), file)));
    } catch (error) {
      outcome = { problems: [this.#unreadable(error)], files: [] };
    }
    return { outcome, files: [...contents.keys()], fingerprint: digestOf(contents) };
  }

  /** What `read` would give as fingerprint if it named the same files: a look that parses nothing. */
  fingerprint(files: readonly string[]): string {
    return digestOf(
      new Map(
        files.map((file) => {
          try {
            return [file, readFileSync(file, 'utf8')];
          } catch (error) {
            return [file, messageOf(error)];
          }
        }),
      ),
    );
  }

  #unreadable(error: unknown): ManifestProblem {
    return {
      position: { file: this.path, line: 1, column: 1 },
      message: `Cannot read "${this.path}": ${messageOf(error)}`,
      remedy: 'Name a file that can be read with --config',
    };
  }
}

function digestOf(contents: ReadonlyMap<string, string>): string {
  const digest = createHash('sha256');
  for (const [file, text] of contents) digest.update(`${file}\0${text}\0`);
  return digest.digest('hex');
}
