// CEL's extension for strings, second version, and Kubernetes' regular expressions.
// Knows text by code points. Sources: cel-go ext/strings.go, k8s.io/apiserver/pkg/cel/library/regex.go.
import { finds, replaces, takesApart, traversesFirst } from '../costs.ts';
import { regexOf } from '../regex.ts';
import { define, type Overload } from '../signature.ts';
import { CelError, type List } from '../values.ts';
import { formatText } from './format-text.ts';

function indexError(index: bigint): CelError {
  return new CelError(`index out of range: ${index}`);
}

function slice(text: string, from: bigint, to: bigint | undefined): string {
  const letters = [...text];
  const end = to ?? BigInt(letters.length);
  if (from < 0n || from > BigInt(letters.length)) throw indexError(from);
  if (end < 0n || end > BigInt(letters.length)) throw indexError(end);
  if (from > end) throw new CelError(`invalid substring range. start: ${from}, end: ${end}`);
  return letters.slice(Number(from), Number(end)).join('');
}

function find(text: string, part: string, from: bigint, step: 1 | -1): bigint {
  const [letters, wanted] = [[...text], [...part]];
  if (from < 0n || from > BigInt(letters.length)) throw indexError(from);
  const last = letters.length - wanted.length;
  let at = step === 1 ? Number(from) : Math.min(Number(from), last);
  for (; at >= 0 && at <= last; at += step) {
    if (wanted.every((letter, index) => letters[at + index] === letter)) return BigInt(at);
  }
  return -1n;
}

function split(text: string, separator: string, most: bigint): string[] {
  if (most === 0n) return [];
  const parts = separator === '' ? [...text] : text.split(separator);
  if (most < 0n || parts.length <= Number(most)) return parts;
  const kept = Number(most) - 1;
  return [...parts.slice(0, kept), parts.slice(kept).join(separator)];
}

function replace(text: string, old: string, put: string, most: bigint): string {
  if (most === 0n) return text;
  if (most < 0n) return text.replaceAll(old, () => put);
  const parts = split(text, old, most + 1n);
  return parts.join(put);
}

function findAll(text: string, pattern: string, most: bigint): string[] {
  const found: string[] = [];
  const matcher = regexOf(pattern).matcher(text);
  while ((most < 0n || BigInt(found.length) < most) && matcher.find()) found.push(matcher.group(0) ?? '');
  return found;
}

function join(list: List, separator: string): string {
  return list
    .map((item) => {
      if (typeof item !== 'string') throw new CelError('no such overload');
      return item;
    })
    .join(separator);
}

const joins = { cost: ([items = 1]: readonly number[]) => Math.ceil(items * 2 * 0.1) };

export const stringLibrary: readonly Overload[] = [
  ...define('string.charAt(int) -> string', (text: string, index: bigint) => {
    const letters = [...text];
    if (index < 0n || index > BigInt(letters.length)) throw indexError(index);
    return letters[Number(index)] ?? '';
  }),
  ...define('string.indexOf(string) -> int', (text: string, part: string) => find(text, part, 0n, 1), traversesFirst),
  ...define(
    'string.indexOf(string,int) -> int',
    (text: string, part: string, from: bigint) => find(text, part, from, 1),
    traversesFirst,
  ),
  ...define(
    'string.lastIndexOf(string) -> int',
    (text: string, part: string) => find(text, part, BigInt([...text].length), -1),
    traversesFirst,
  ),
  ...define(
    'string.lastIndexOf(string,int) -> int',
    (text: string, part: string, from: bigint) => find(text, part, from, -1),
    traversesFirst,
  ),
  ...define('list(string).join() -> string', (list: List) => join(list, ''), joins),
  ...define('list(string).join(string) -> string', (list: List, separator: string) => join(list, separator), joins),
  ...define(
    'string.lowerAscii() -> string',
    (text: string) => text.replace(/[A-Z]+/g, (part) => part.toLowerCase()),
    traversesFirst,
  ),
  ...define(
    'string.upperAscii() -> string',
    (text: string) => text.replace(/[a-z]+/g, (part) => part.toUpperCase()),
    traversesFirst,
  ),
  ...define(
    'string.replace(string,string) -> string',
    (text: string, old: string, put: string) => replace(text, old, put, -1n),
    replaces,
  ),
  ...define('string.replace(string,string,int) -> string', replace, replaces),
  ...define('string.split(string) -> list(string)', (text: string, by: string) => split(text, by, -1n), takesApart),
  ...define('string.split(string,int) -> list(string)', split, takesApart),
  ...define(
    'string.substring(int) -> string',
    (text: string, from: bigint) => slice(text, from, undefined),
    traversesFirst,
  ),
  ...define('string.substring(int,int) -> string', slice, traversesFirst),
  ...define('string.trim() -> string', (text: string) => text.trim(), traversesFirst),
  ...define('string.reverse() -> string', (text: string) => [...text].reverse().join(''), traversesFirst),
  ...define('@strings.quote(string) -> string', (text: string) => JSON.stringify(text), traversesFirst),
  ...define('string.format(list(dyn)) -> string', formatText, { cost: ([text = 1]) => Math.ceil(text * 0.1) }),
  ...define(
    'string.find(string) -> string',
    (text: string, pattern: string) => findAll(text, pattern, 1n)[0] ?? '',
    finds,
  ),
  ...define(
    'string.findAll(string) -> list(string)',
    (text: string, pattern: string) => findAll(text, pattern, -1n),
    finds,
  ),
  ...define('string.findAll(string,int) -> list(string)', findAll, finds),
];
