// Settings of the namespace in which a node's traffic is forwarded: put back at the end, for it may be the machine's own.
// Knows /proc/sys/net; what a setting is for, the callers know.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Commands } from '../commands.ts';

export class NodeSettings {
  readonly #file: string;
  readonly #commands: Commands;

  /** `file` remembers what there was, also for the run after a crash. */
  constructor(file: string, commands: Commands) {
    this.#file = file;
    this.#commands = commands;
  }

  /** Keys are paths below /proc/sys/net; what this kernel does not have is left out. */
  async apply(settings: Readonly<Record<string, string>>): Promise<void> {
    const before = this.#saved();
    const now = await this.#read(Object.keys(settings));
    const changed = Object.entries(now).filter(([path, value]) => value !== settings[path] && !(path in before));
    mkdirSync(dirname(this.#file), { recursive: true });
    if (changed.length > 0) writeFileSync(this.#file, JSON.stringify({ ...before, ...Object.fromEntries(changed) }));
    await this.#write(settings);
  }

  /** Gives the namespace back what it had. */
  async restore(): Promise<void> {
    const saved = this.#saved();
    if (Object.keys(saved).length > 0) await this.#write(saved);
    rmSync(this.#file, { force: true });
  }

  #saved(): Record<string, string> {
    try {
      return JSON.parse(readFileSync(this.#file, 'utf8')) as Record<string, string>;
    } catch {
      return {};
    }
  }

  async #read(paths: readonly string[]): Promise<Record<string, string>> {
    const lines = paths.map((path) => `[ ! -e '${path}' ] || echo "${path} $(cat '${path}')"`);
    const printed = await this.#commands.script(['cd /proc/sys/net', ...lines].join('\n'));
    const pairs = printed.split('\n').filter((line) => line !== '');
    return Object.fromEntries(pairs.map((line) => line.split(' ', 2) as [string, string]));
  }

  async #write(settings: Readonly<Record<string, string>>): Promise<void> {
    const lines = Object.entries(settings).map(([path, value]) => `[ ! -e '${path}' ] || echo '${value}' > '${path}'`);
    await this.#commands.script(['cd /proc/sys/net', ...lines].join('\n'));
  }
}
