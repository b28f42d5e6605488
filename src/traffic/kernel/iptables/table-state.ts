// What one table of one family should hold of ours, and the text that takes the kernel from one state to the next.
// Pure; the kernel is told by iptables-restore --noflush, a transaction a table.

/** Rules in order by chain. */
export type Chains = ReadonlyMap<string, readonly string[]>;

export interface Desired {
  readonly chains: Chains;
  /** Chains whose lines may come in any order. */
  readonly unordered: ReadonlySet<string>;
}

/** What has to be said to get from `before` to `after`; empty when nothing has changed. */
export function difference(table: string, before: Chains, { chains, unordered }: Desired): string {
  const declared: string[] = [];
  const filled: string[] = [];
  const removed: string[] = [];
  const added: string[] = [];
  for (const [name, rules] of chains) {
    const had = before.get(name);
    if (had !== undefined && unordered.has(name)) {
      const { missing, strange } = compareLines(had, rules);
      removed.push(...strange.map((rule) => `-D ${name} ${rule}`));
      added.push(...missing.map((rule) => `-A ${name} ${rule}`));
    } else if (had === undefined || !sameRules(had, rules)) {
      declared.push(`:${name} - [0:0]`);
      filled.push(...rules.map((rule) => `-A ${name} ${rule}`));
    }
  }
  const gone = [...before.keys()].filter((name) => !chains.has(name));
  const lines = [
    ...declared,
    ...filled,
    ...added,
    ...removed,
    // Emptied first: one of them may lead to another.
    ...gone.map((name) => `-F ${name}`),
    ...gone.map((name) => `-X ${name}`),
  ];
  return lines.length === 0 ? '' : `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

export function compareLines(
  had: readonly string[],
  wanted: readonly string[],
): { readonly missing: string[]; readonly strange: string[] } {
  const strange = new Map<string, number>();
  for (const line of had) strange.set(line, (strange.get(line) ?? 0) + 1);
  const missing = wanted.filter((line) => {
    const count = strange.get(line) ?? 0;
    if (count === 0) return true;
    if (count === 1) strange.delete(line);
    else strange.set(line, count - 1);
    return false;
  });
  return { missing, strange: [...strange].flatMap(([line, count]) => Array<string>(count).fill(line)) };
}

function sameRules(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((rule, at) => rule === b[at]);
}

export interface SavedTable {
  /** Ours, by the prefix of their names. */
  readonly chains: Chains;
  /** Rules of the kernel's own chains that lead to ours: `INPUT EVK-UNSERVED`. */
  readonly entries: readonly string[];
}

/** From the text of iptables-save. */
export function parseSaved(text: string, prefix: string): SavedTable {
  const chains = new Map<string, string[]>();
  const entries: string[] = [];
  for (const line of text.split('\n')) {
    const declared = /^:(\S+) /.exec(line)?.[1];
    if (declared?.startsWith(`${prefix}-`) === true) chains.set(declared, []);
    const [, chain, rule] = /^-A (\S+) (.*)$/.exec(line) ?? [];
    if (chain === undefined || rule === undefined) continue;
    const own = chains.get(chain);
    if (own !== undefined) own.push(rule);
    else if (rule.startsWith(`-j ${prefix}-`)) entries.push(`${chain} ${rule.slice('-j '.length)}`);
  }
  return { chains, entries };
}
