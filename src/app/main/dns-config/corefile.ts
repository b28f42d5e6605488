// A Corefile as blocks of servers with their lines: words, quotes, comments, snippets.
// Pure, and knows no plugin: what a line means is decided elsewhere.

export interface Line {
  readonly number: number;
  readonly words: readonly string[];
  /** Within braces behind it. */
  readonly options: readonly Line[];
}

export interface ServerBlock {
  /** As written, e.g. `corp.example:53`. */
  readonly zones: readonly string[];
  readonly lines: readonly Line[];
}

export interface Corefile {
  readonly blocks: readonly ServerBlock[];
  readonly problems: readonly string[];
}

interface Words {
  readonly number: number;
  readonly words: readonly string[];
}

export function parseCorefile(text: string): Corefile {
  const rows = text.split('\n').flatMap((row, at): Words[] => {
    const words = wordsOf(row);
    return words.length === 0 ? [] : [{ number: at + 1, words }];
  });
  const problems: string[] = [];
  const blocks: ServerBlock[] = [];
  const snippets = new Map<string, readonly Line[]>();
  let at = 0;
  while (at < rows.length) {
    const zones: string[] = [];
    let opened = false;
    // Zones may go on after a comma.
    for (let more = true; more && at < rows.length; at += 1) {
      const words = rows[at]?.words ?? [];
      opened = words.at(-1) === '{';
      zones.push(...(opened ? words.slice(0, -1) : words));
      more = !opened && words.at(-1)?.endsWith(',') === true;
    }
    const [lines, next, closed] = linesFrom(rows, at);
    // The only block may do without braces.
    if (opened !== closed) problems.push(`Braces are not in pairs in the block of ${zones.join(' ') || 'no zone'}`);
    at = next;
    const names = zones.flatMap((zone) => zone.split(',')).filter((zone) => zone !== '');
    const snippet = /^\((.+)\)$/.exec(names[0] ?? '')?.[1];
    if (snippet === undefined) blocks.push({ zones: names, lines });
    else snippets.set(snippet, lines);
  }
  const opened = blocks.map(({ zones, lines }) => ({
    zones,
    lines: lines.flatMap((line) =>
      line.words[0] === 'import' ? (snippets.get(line.words[1] ?? '') ?? [line]) : [line],
    ),
  }));
  return { blocks: opened, problems };
}

/** Lines until the brace that closes them, where the next block begins, and whether there was one. */
function linesFrom(rows: readonly Words[], from: number): [lines: Line[], next: number, closed: boolean] {
  const lines: Line[] = [];
  let at = from;
  while (at < rows.length) {
    const { number, words } = rows[at] ?? { number: 0, words: [] };
    at += 1;
    if (words[0] === '}') return [lines, at, true];
    if (words.at(-1) !== '{') {
      lines.push({ number, words, options: [] });
      continue;
    }
    const [options, next] = linesFrom(rows, at);
    lines.push({ number, words: words.slice(0, -1), options });
    at = next;
  }
  return [lines, at, false];
}

function wordsOf(row: string): string[] {
  const words: string[] = [];
  for (const [, quoted, plain] of row.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)) {
    if (plain?.startsWith('#') === true) break;
    words.push(plain ?? (quoted ?? '').replaceAll('\\"', '"'));
  }
  return words;
}
