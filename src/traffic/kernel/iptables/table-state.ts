// How a table of one family changes, and the texts for iptables-restore --noflush that bring a change into force.
// Pure. Each text is a transaction of its own; what packets meet changes in one of them alone.

/** Rules in order by chain. */
export type Chains = ReadonlyMap<string, readonly string[]>;

/** A rule of a chain whose rules may come in any order. */
export interface Line {
  readonly chain: string;
  readonly rule: string;
}

export interface TableChange {
  /** Chains that are not there, each after those that it leads to. */
  readonly made: Chains;
  /** Chains that are there with other rules. */
  readonly filled: Chains;
  /** To stand before all others of their chain. */
  readonly inserted: readonly Line[];
  readonly added: readonly Line[];
  readonly removed: readonly Line[];
  /** Chains that nobody wants any more. */
  readonly gone: readonly string[];
}

/**
 * What has to be said, in order; nothing when nothing changes. No text names many more than `most` chains that come or
 * go: those that nobody is led to yet are made before, and those that nobody is led to any more go after, so that all
 * that packets can notice is in one text.
 */
export function restoreTexts(table: string, change: TableChange, most: number): string[] {
  const texts: string[] = [];
  let lines: string[] = [];
  const commit = (): void => {
    if (lines.length > 0) texts.push(`*${table}\n${lines.join('\n')}\nCOMMIT\n`);
    lines = [];
  };
  const made = [...change.made];
  for (const part of parts(made, most)) {
    if (lines.length > 0) commit();
    lines.push(...part.map(([name]) => declaration(name)), ...part.flatMap(([name, rules]) => fill(name, rules)));
  }
  const gone = parts(change.gone, most);
  const isLarge = made.length + change.gone.length > most;
  if (isLarge) commit();
  lines.push(
    ...[...change.filled.keys()].map(declaration),
    ...[...change.filled].flatMap(([name, rules]) => fill(name, rules)),
    ...[...change.added].sort(byTarget).map(({ chain, rule }) => `-A ${chain} ${rule}`),
    // Others' rules might let pass what would not come to ours then.
    ...change.inserted.map(({ chain, rule }) => `-I ${chain} 1 ${rule}`),
    ...change.removed.map(({ chain, rule }) => `-D ${chain} ${rule}`),
  );
  if (isLarge) commit();
  // Emptied first: one of them may lead to another.
  for (const action of ['-F', '-X']) {
    for (const part of gone) {
      lines.push(...part.map((name) => `${action} ${name}`));
      if (isLarge) commit();
    }
  }
  commit();
  return texts;
}

const declaration = (name: string): string => `:${name} - [0:0]`;
const fill = (name: string, rules: readonly string[]): string[] => rules.map((rule) => `-A ${name} ${rule}`);

/**
 * Backwards by the chain they lead to. iptables-nft 1.8 keeps the chains of a transaction in a sorted list, into which
 * it searches from the beginning: a name that comes first there costs nothing, and the last of 10,000 some 100 µs.
 */
function byTarget(a: Line, b: Line): number {
  const [left, right] = [targetOf(a), targetOf(b)];
  return left < right ? 1 : left > right ? -1 : 0;
}

function targetOf({ rule }: Line): string {
  return rule.slice(rule.lastIndexOf(' ') + 1);
}

function parts<T>(all: readonly T[], size: number): T[][] {
  const found: T[][] = [];
  for (let at = 0; at < all.length; at += size) found.push(all.slice(at, at + size));
  return found;
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

/** What takes away all that was found. */
export function withdrawal({ chains, entries }: SavedTable): TableChange {
  const none: Chains = new Map();
  return {
    made: none,
    filled: none,
    inserted: [],
    added: [],
    removed: entries.map(entryLine),
    gone: [...chains.keys()],
  };
}

export function entryLine(entry: string): Line {
  const [chain = '', to = ''] = entry.split(' ');
  return { chain, rule: `-j ${to}` };
}
