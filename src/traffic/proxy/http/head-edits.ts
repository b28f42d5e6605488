// Reads and edits the header lines of a parsed head, of a request or of a response.
// Knows lines only; which names may be edited was decided when the edit was configured (`model/header-rules.ts`).

/** What both kinds of head have in common. */
export interface HeaderLines {
  /** The string that `runs` points into. */
  readonly text: string;
  /** Start and end offsets of stretches of whole lines; the first `runCount` numbers count. */
  readonly runs: number[];
  runCount: number;
  /** Further whole lines, each with its line end. */
  added: string;
}

/**
 * The value of `name` (lower case), without the white space around it; several lines are joined with `, ` (RFC 9110,
 * 5.3). Undefined when there is none.
 */
export function fieldValue(head: HeaderLines, name: string): string | undefined {
  const { text, runs, runCount } = head;
  let found: string | undefined;
  for (let run = 0; run < runCount; run += 2)
    found = inLines(text, runs[run] as number, runs[run + 1] as number, name, found);
  return head.added === '' ? found : inLines(head.added, 0, head.added.length, name, found);
}

function inLines(text: string, from: number, to: number, name: string, before: string | undefined): string | undefined {
  let found = before;
  for (let line = from; line < to; ) {
    const end = text.indexOf('\r\n', line);
    if (isNamed(text, line, name)) {
      const value = text.slice(line + name.length + 1, end).trim();
      found = found === undefined ? value : `${found}, ${value}`;
    }
    line = end + 2;
  }
  return found;
}

/** Whether the line at `start` is a header of this lower-case name. */
function isNamed(text: string, start: number, name: string): boolean {
  if (text.charCodeAt(start + name.length) !== 58 /* : */) return false;
  for (let at = 0; at < name.length; at++) {
    const code = text.charCodeAt(start + at);
    const lower = code >= 65 && code <= 90 ? code | 0x20 : code;
    if (lower !== name.charCodeAt(at)) return false;
  }
  return true;
}

/** Takes away every line whose name is in `names` (lower case), also of those that were added. */
export function removeFields(head: HeaderLines, names: ReadonlySet<string>): void {
  head.runCount = dropNamed(head.text, head.runs, head.runCount, names);
  if (head.added === '') return;
  let kept = '';
  for (const line of head.added.split('\r\n')) {
    if (line !== '' && !names.has(line.slice(0, line.indexOf(':')).toLowerCase())) kept += `${line}\r\n`;
  }
  head.added = kept;
}

/** Rewrites `runs` without the lines whose name is in `names`; returns the new count. */
export function dropNamed(text: string, runs: number[], runCount: number, names: ReadonlySet<string>): number {
  const kept: number[] = [];
  for (let r = 0; r < runCount; r += 2) {
    let pos = runs[r] as number;
    const runEnd = runs[r + 1] as number;
    while (pos < runEnd) {
      const next = text.indexOf('\r\n', pos) + 2;
      if (!names.has(text.slice(pos, text.indexOf(':', pos)).toLowerCase())) kept.push(pos, next);
      pos = next;
    }
  }
  for (let i = 0; i < kept.length; i++) runs[i] = kept[i] as number;
  return kept.length;
}

/** `name: value` as a line that goes on the wire as Latin-1: what is not ASCII is spelled in UTF-8. */
export function headerLine(name: string, value: string): string {
  return `${name}: ${wireText(value.trim())}\r\n`;
}

/** Latin-1 text whose codes are the UTF-8 bytes of `text`. */
function wireText(text: string): string {
  return Buffer.from(text).toString('latin1');
}
