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
    const digest = createHash('sha256');
    const readText = (file: string): string => {
      const text = readFileSync(file, 'utf8');
      digest.update(`${file}\0${text}\0`);
      return text;
    };
    let outcome: ConfigOutcome;
    try {
      outcome = parseConfig(readText(path), this.path, (file) => readText(resolve(dirname(path), file)));
    } catch (error) {
      digest.update(messageOf(error));
      outcome = { problems: [this.#unreadable(error)], files: [] };
    }
    const named = 'config' in outcome ? outcome.config.files : outcome.files;
    const files = [path, ...named.map((file) => resolve(dirname(path), file))];
    return { outcome, files, fingerprint: digest.digest('hex') };
  }

  #unreadable(error: unknown): ManifestProblem {
    return {
      position: { file: this.path, line: 1, column: 1 },
      message: `Cannot read "${this.path}": ${messageOf(error)}`,
      remedy: 'Name a file that can be read with --config',
    };
  }
}
