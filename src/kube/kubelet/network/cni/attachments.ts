// Which pods are attached to which network, on disk: the next run must be able to detach them in the very same way.
// Knows files and their atomic replacement; calls no plugin.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NetworkList } from './network-list.ts';

export interface Attachment {
  readonly podUid: string;
  /** Name of the pod's network namespace. */
  readonly netns: string;
  readonly ifName: string;
  /** The network as it was when the pod was attached. */
  readonly list: NetworkList;
  readonly version: string;
  readonly args: string;
  readonly capabilityArgs: Readonly<Record<string, unknown>>;
  /** What ADD answered; absent while it has not, and after a crash in its middle. */
  readonly result?: unknown;
}

export class AttachmentStore {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    // Of a run that was killed between writing one and giving it its name: the record before it, or none, is what counts.
    for (const name of readdirSync(dir)) if (name.endsWith('.new')) rmSync(join(dir, name), { force: true });
  }

  get(podUid: string): Attachment | undefined {
    return this.#read(this.#file(podUid));
  }

  put(attachment: Attachment): void {
    const file = this.#file(attachment.podUid);
    writeFileSync(`${file}.new`, JSON.stringify(attachment), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  remove(podUid: string): void {
    rmSync(this.#file(podUid), { force: true });
  }

  all(): Attachment[] {
    const files = readdirSync(this.#dir).filter((name) => name.endsWith('.json'));
    return files.map((name) => this.#read(join(this.#dir, name))).filter((one) => one !== undefined);
  }

  #file(podUid: string): string {
    return join(this.#dir, `${encodeURIComponent(podUid)}.json`);
  }

  #read(file: string): Attachment | undefined {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Attachment;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      // Nothing is ever half written, so somebody else was at it; its namespace is found by name.
      rmSync(file, { force: true });
      return undefined;
    }
  }
}
