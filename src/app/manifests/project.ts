// Reads `evenkeel.yaml`: where a directory keeps its manifests, and what its images are on this machine.
// Knows no Kubernetes object; Kubernetes never reads this file.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, LineCounter, parseDocument } from 'yaml';
import { codeOf, Failure, UsageFailure } from '../failure.ts';
import { locator } from './document.ts';

export const PROJECT_FILE = 'evenkeel.yaml';

/** An image's entrypoint as a process of this machine. */
export interface ImageCommand {
  readonly command: string[];
  /** Absolute. */
  readonly workingDir: string;
  readonly env?: Record<string, string>;
}

export interface Project {
  readonly file: string;
  /** Absolute paths; absent when the file names none. */
  readonly manifests?: readonly string[];
  readonly images: Readonly<Record<string, ImageCommand>>;
}

/** Throws a `Failure` that names file, line, field and remedy. */
export function readProject(file: string): Project {
  const path = resolve(file);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw new UsageFailure(`No such file: "${path}"`, 'Check the path');
    throw error;
  }
  return parseProject(text, path);
}

/** As `readProject`, from text; relative paths are taken from the directory of `file`. */
export function parseProject(text: string, file: string): Project {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const check = new Check(file, document, lines);
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new Failure(`${file}:${line}:${col}: ${error.message.split('\n')[0]}`, 'Correct the YAML at this place');
  }
  const base = dirname(file);
  const root = check.record(document.toJS() ?? {}, '', ['manifests', 'images']);
  const manifests =
    root.manifests === undefined
      ? undefined
      : check.texts(root.manifests, 'manifests').map((path) => resolve(base, path));
  const images: Record<string, ImageCommand> = {};
  for (const [name, value] of Object.entries(check.record(root.images ?? {}, 'images'))) {
    const field = `images["${name}"]`;
    const image = check.record(value, field, ['command', 'workingDir', 'env']);
    const command = check.texts(image.command, `${field}.command`);
    if (command.length === 0) check.fail(`${field}.command`, 'is empty', 'Name the program to run');
    const workingDir = image.workingDir === undefined ? '.' : check.text(image.workingDir, `${field}.workingDir`);
    images[name] = {
      command: command[0] === 'node' ? [process.execPath, ...command.slice(1)] : command,
      workingDir: resolve(base, workingDir),
      ...(image.env === undefined ? {} : { env: check.env(image.env, `${field}.env`) }),
    };
  }
  return { file, ...(manifests === undefined ? {} : { manifests }), images };
}

/** Puts the images of several projects together; a later one wins. */
export function imagesOf(projects: readonly Project[]): Record<string, ImageCommand> {
  return Object.assign({}, ...projects.map((project) => project.images)) as Record<string, ImageCommand>;
}

/** Narrows what YAML gave to what the file may hold, with the place of every mistake. */
class Check {
  readonly #locate: ReturnType<typeof locator>;

  constructor(file: string, document: Document, lines: LineCounter) {
    this.#locate = locator(file, document, lines);
  }

  fail(field: string, what: string, remedy: string): never {
    const { file, line, column } = this.#locate(field);
    throw new Failure(`${file}:${line}:${column}: Field "${field}" ${what}`, remedy);
  }

  record(value: unknown, field: string, allowed?: readonly string[]): Record<string, unknown> {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.fail(field, 'is not an object', 'Write it as "name: value" pairs');
    }
    for (const name of Object.keys(value)) {
      if (allowed !== undefined && !allowed.includes(name)) {
        this.fail(field === '' ? name : `${field}.${name}`, 'is unknown', `Use one of: ${allowed.join(', ')}`);
      }
    }
    return value as Record<string, unknown>;
  }

  text(value: unknown, field: string): string {
    if (typeof value !== 'string') this.fail(field, 'is not text', 'Write it in quotes');
    return value;
  }

  texts(value: unknown, field: string): string[] {
    if (!Array.isArray(value)) this.fail(field, 'is not a list', 'Write it as [first, second]');
    return value.map((item: unknown, index) => this.text(item, `${field}[${index}]`));
  }

  env(value: unknown, field: string): Record<string, string> {
    const entries = Object.entries(this.record(value, field));
    return Object.fromEntries(entries.map(([name, text]) => [name, this.text(text, `${field}.${name}`)]));
  }
}
