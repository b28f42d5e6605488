// The form of a backup: lines of JSON, compressed by gzip. A header, files, records in the order of their keys, an end.
// Knows lines only; where they come from and go to is others' matter. `zcat FILE | jq` shows one to people.
import { createHash, type Hash } from 'node:crypto';
import type { StoreRecord } from '../store.ts';

export const FORMAT = 'evenkeel-backup';
export const FORMAT_VERSION = 1;

export interface BackupHeader {
  readonly format: typeof FORMAT;
  readonly version: number;
  /** Version of the program that wrote it. */
  readonly program: string;
  /** RFC 3339. */
  readonly created: string;
  /** The revision that the records are exact for. */
  readonly revision: number;
  readonly objects: number;
  /** What could not be read of a damaged store, for people. */
  readonly lost?: readonly string[];
}

/** A file beside the store; `path` is relative, with `/` between its parts. */
export interface BackupFile {
  readonly file: string;
  readonly base64: string;
}

/** Behind everything else: without it the backup has been cut short. */
interface BackupEnd {
  readonly end: true;
  readonly objects: number;
  /** Of all bytes before this line. */
  readonly sha256: string;
}

/** A backup that cannot be used; the message says why. */
export class BackupError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'BackupError';
  }
}

/** Makes the lines of one backup, in order. */
export class BackupLines {
  readonly #hash: Hash = createHash('sha256');
  #objects = 0;

  header(header: Omit<BackupHeader, 'format' | 'version'>): string {
    return this.#line({ format: FORMAT, version: FORMAT_VERSION, ...header });
  }

  file(path: string, content: Uint8Array): string {
    const line: BackupFile = { file: path, base64: Buffer.from(content).toString('base64') };
    return this.#line(line);
  }

  record({ key, revision, createRevision, value }: StoreRecord): string {
    this.#objects++;
    return this.#line({ key, revision, createRevision, value });
  }

  get objects(): number {
    return this.#objects;
  }

  end(): string {
    const end: BackupEnd = { end: true, objects: this.#objects, sha256: this.#hash.copy().digest('hex') };
    return `${JSON.stringify(end)}\n`;
  }

  #line(value: unknown): string {
    const line = `${JSON.stringify(value)}\n`;
    this.#hash.update(line);
    return line;
  }
}

export interface BackupVisitor {
  header?(header: BackupHeader): void;
  file?(path: string, content: Buffer): void;
  record?(record: StoreRecord): void;
}

/** Reads the lines of one backup and checks them: form, order, number, sum. Throws `BackupError`. */
export class BackupReader {
  readonly #visitor: BackupVisitor;
  readonly #hash: Hash = createHash('sha256');
  #header: BackupHeader | undefined;
  #objects = 0;
  #lastKey = Buffer.alloc(0);
  #ended = false;

  constructor(visitor: BackupVisitor) {
    this.#visitor = visitor;
  }

  line(text: string): void {
    if (this.#ended) throw new BackupError('there is more behind its end');
    const value = parse(text);
    if (this.#header === undefined) this.#begin(value);
    else if (value.end === true) this.#end(value as unknown as BackupEnd);
    else if (typeof value.file === 'string') this.#file(value as unknown as BackupFile);
    else this.#record(value as unknown as StoreRecord);
    if (!this.#ended) this.#hash.update(`${text}\n`);
  }

  /** What it has read. Throws when the end was missing. */
  done(): BackupHeader {
    if (this.#header === undefined) throw new BackupError('it is empty');
    if (!this.#ended) {
      const { objects } = this.#header;
      throw new BackupError(`it has been cut short after ${this.#objects} of ${objects} objects`);
    }
    return this.#header;
  }

  #begin(value: Record<string, unknown>): void {
    if (value.format !== FORMAT) throw new BackupError('it is no backup of Evenkeel');
    if (value.version !== FORMAT_VERSION) {
      throw new BackupError(`it has version ${String(value.version)}, and ${FORMAT_VERSION} is known here`);
    }
    this.#header = value as unknown as BackupHeader;
    this.#visitor.header?.(this.#header);
  }

  #file({ file, base64 }: BackupFile): void {
    // A backup comes from elsewhere: it must not write where it likes.
    const parts = file.split('/');
    if (file.startsWith('/') || parts.some((part) => part === '' || part === '.' || part === '..')) {
      throw new BackupError(`it names a file "${file}" outside of the data directory`);
    }
    this.#visitor.file?.(file, Buffer.from(base64, 'base64'));
  }

  #record(record: StoreRecord): void {
    const { key, value, revision, createRevision } = record;
    const whole =
      typeof key === 'string' && typeof value === 'string' && isRevision(revision) && isRevision(createRevision);
    if (!whole || createRevision > revision || revision > (this.#header?.revision ?? 0)) {
      throw new BackupError(`its record ${this.#objects + 1} makes no sense`);
    }
    const bytes = Buffer.from(key);
    if (Buffer.compare(bytes, this.#lastKey) <= 0) throw new BackupError(`its record "${key}" is out of order`);
    this.#lastKey = bytes;
    this.#objects++;
    this.#visitor.record?.({ key, value, revision, createRevision });
  }

  #end(end: BackupEnd): void {
    if (end.objects !== this.#objects || this.#objects !== this.#header?.objects) {
      throw new BackupError(`it has ${this.#objects} objects where ${this.#header?.objects} belong`);
    }
    if (end.sha256 !== this.#hash.digest('hex')) throw new BackupError('its checksum is wrong: it has been changed');
    this.#ended = true;
  }
}

function isRevision(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new BackupError('it holds a line that is no JSON');
}
