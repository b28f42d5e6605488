// Puts the driver's chains into iptables and ip6tables, finds out whether they are as they should be, takes them away.
// Knows text only; what the rules say is in chains.ts.
import type { Family } from '#lib/ip.ts';
import type { CutWay, Repairs } from '../contract.ts';
import type { RunProgram } from '../programs.ts';
import { chainsOf } from './chains.ts';
import { mustRunAll, type Step } from './tools.ts';

/** Several make the same rules by different interfaces of the kernel, not all of which every kernel has. */
const VARIANTS = ['', '-legacy', '-nft'];
const TABLES = ['mangle', 'filter', 'nat'] as const;

export class PacketRules {
  readonly #run: RunProgram;
  readonly #prefix: string;
  readonly #program: string;
  readonly #family: Family;
  #variant: string | undefined;
  #cut: readonly CutWay[] = [];
  /** Our lines as they were shown when they had just been made. */
  #made: readonly string[] = [];

  constructor(run: RunProgram, prefix: string, family: Family) {
    this.#run = run;
    this.#prefix = prefix;
    this.#family = family;
    this.#program = family === 'IPv4' ? 'iptables' : 'ip6tables';
  }

  async install(): Promise<void> {
    const failures: string[] = [];
    for (const variant of this.#variant === undefined ? VARIANTS : [this.#variant]) {
      try {
        await this.#installBy(variant);
        return;
      } catch (error) {
        failures.push((error as Error).message);
      }
    }
    throw new Error(failures.join('; '));
  }

  /** Connections of these ways are answered with RST, and of no others. */
  async cut(ways: readonly CutWay[]): Promise<void> {
    this.#cut = ways;
    if (this.#variant !== undefined) await this.install();
  }

  async verify(): Promise<Repairs> {
    if (this.#variant === undefined) return { restored: 0, removed: 0 };
    const shown = await this.#shown(this.#variant);
    if (shown.join('\n') === this.#made.join('\n')) return { restored: 0, removed: 0 };
    const made = this.#made;
    await this.install();
    const restored = made.filter((line) => !shown.includes(line)).length;
    return { restored, removed: shown.filter((line) => !made.includes(line)).length };
  }

  /** Also what an earlier run made. */
  async remove(): Promise<void> {
    const variant = this.#variant ?? (await this.#variantLeft());
    if (variant === undefined) return;
    const { jumps, names } = chainsOf(this.#prefix, this.#family);
    const shown = new Set(await this.#shown(variant));
    const text = TABLES.map((table) =>
      [
        `*${table}`,
        ...jumps[table].filter((jump) => shown.has(jump)).map((jump) => jump.replace('-A ', '-D ')),
        ...names[table].map((chain) => `:${chain} - [0:0]`),
        ...names[table].map((chain) => `-X ${chain}`),
        'COMMIT\n',
      ].join('\n'),
    ).join('');
    await mustRunAll(this.#run, [this.#restore(variant, text)]);
    this.#variant = undefined;
  }

  async #variantLeft(): Promise<string | undefined> {
    for (const variant of VARIANTS) {
      // One that is not installed, or has no part in this kernel, has left nothing.
      const shown = await this.#shown(variant).catch(() => []);
      if (shown.length > 0) return variant;
    }
    return undefined;
  }

  async #installBy(variant: string): Promise<void> {
    const { text, jumps } = chainsOf(this.#prefix, this.#family, this.#cut);
    const shown = new Set(await this.#shown(variant));
    const missing = TABLES.map((table) => {
      const lines = jumps[table].filter((jump) => !shown.has(jump)).map((jump) => jump.replace('-A ', '-I '));
      return lines.length === 0 ? '' : [`*${table}`, ...lines, 'COMMIT\n'].join('\n');
    }).join('');
    const [, made = ''] = await mustRunAll(this.#run, [this.#restore(variant, text + missing), this.#save(variant)]);
    this.#variant = variant;
    this.#made = this.#ownLines(made);
  }

  #restore(variant: string, input: string): Step {
    return { program: `${this.#program}${variant}-restore`, args: ['--noflush', '-w', '10'], input, talks: true };
  }

  #save(variant: string): Step {
    return { program: `${this.#program}${variant}-save`, args: [], talks: true };
  }

  async #shown(variant: string): Promise<string[]> {
    const [text = ''] = await mustRunAll(this.#run, [this.#save(variant)]);
    return this.#ownLines(text);
  }

  #ownLines(text: string): string[] {
    const upper = this.#prefix.toUpperCase();
    // Chains are shown with counters.
    return text
      .split('\n')
      .filter((line) => line.includes(` ${upper}-`) || line.startsWith(`:${upper}-`))
      .map((line) => line.replace(/ \[\d+:\d+\]$/, '').trimEnd());
  }
}
