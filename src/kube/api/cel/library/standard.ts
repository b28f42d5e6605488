// Operators and functions of CEL itself: logic aside, which is evaluated where it may be left out.
// Knows values and their errors. Source: the language definition of CEL.
import { compares, joinsLists, joinsTexts, matches, readsSecond, searches, visitsSecond } from '../costs.ts';
import { regexOf } from '../regex.ts';
import { define, type Overload } from '../signature.ts';
import {
  CelError,
  compare,
  Duration,
  equal,
  keysOf,
  type List,
  lookup,
  meaningOf,
  Timestamp,
  Uint,
  type Value,
  withMeaning,
} from '../values.ts';

const INT_MAX = 2n ** 63n - 1n;
const INT_MIN = -(2n ** 63n);
const UINT_MAX = 2n ** 64n - 1n;

export function int(value: bigint): bigint {
  if (value > INT_MAX || value < INT_MIN) throw new CelError('integer overflow');
  return value;
}

export function uint(value: bigint): Uint {
  if (value > UINT_MAX || value < 0n) throw new CelError('unsigned integer overflow');
  return new Uint(value);
}

function divisor(value: bigint, what: string): bigint {
  if (value === 0n) throw new CelError(what);
  return value;
}

const arithmetic: Overload[] = [
  ...define('_+_(int,int) -> int', (a: bigint, b: bigint) => int(a + b)),
  ...define('_+_(uint,uint) -> uint', (a: Uint, b: Uint) => uint(a.value + b.value)),
  ...define('_+_(double,double) -> double', (a: number, b: number) => a + b),
  ...define('_+_(string,string) -> string', (a: string, b: string) => a + b, joinsTexts),
  ...define('_+_(bytes,bytes) -> bytes', (a: Uint8Array, b: Uint8Array) => Buffer.concat([a, b]), joinsTexts),
  ...define('_+_(list(A),list(A)) -> list(A)', addLists, joinsLists),
  ...define('_+_(duration,duration) -> duration', (a: Duration, b: Duration) => new Duration(int(a.nanos + b.nanos))),
  ...define('_+_(timestamp,duration) -> timestamp', (a: Timestamp, b: Duration) => new Timestamp(a.nanos + b.nanos)),
  ...define('_+_(duration,timestamp) -> timestamp', (a: Duration, b: Timestamp) => new Timestamp(a.nanos + b.nanos)),
  ...define('_-_(int,int) -> int', (a: bigint, b: bigint) => int(a - b)),
  ...define('_-_(uint,uint) -> uint', (a: Uint, b: Uint) => uint(a.value - b.value)),
  ...define('_-_(double,double) -> double', (a: number, b: number) => a - b),
  ...define('_-_(duration,duration) -> duration', (a: Duration, b: Duration) => new Duration(int(a.nanos - b.nanos))),
  ...define('_-_(timestamp,duration) -> timestamp', (a: Timestamp, b: Duration) => new Timestamp(a.nanos - b.nanos)),
  ...define(
    '_-_(timestamp,timestamp) -> duration',
    (a: Timestamp, b: Timestamp) => new Duration(int(a.nanos - b.nanos)),
  ),
  ...define('_*_(int,int) -> int', (a: bigint, b: bigint) => int(a * b)),
  ...define('_*_(uint,uint) -> uint', (a: Uint, b: Uint) => uint(a.value * b.value)),
  ...define('_*_(double,double) -> double', (a: number, b: number) => a * b),
  ...define('_/_(int,int) -> int', (a: bigint, b: bigint) => int(a / divisor(b, 'division by zero'))),
  ...define('_/_(uint,uint) -> uint', (a: Uint, b: Uint) => uint(a.value / divisor(b.value, 'division by zero'))),
  ...define('_/_(double,double) -> double', (a: number, b: number) => a / b),
  ...define('_%_(int,int) -> int', (a: bigint, b: bigint) => a % divisor(b, 'modulus by zero')),
  ...define('_%_(uint,uint) -> uint', (a: Uint, b: Uint) => uint(a.value % divisor(b.value, 'modulus by zero'))),
  ...define('-_(int) -> int', (a: bigint) => int(-a)),
  ...define('-_(double) -> double', (a: number) => -a),
  ...define('!_(bool) -> bool', (a: boolean) => !a),
];

/** Lists of the API with keys or without order are joined as server-side apply would join them. */
function addLists(a: List, b: List): List {
  const meaning = meaningOf(a);
  if (meaning === undefined) return [...a, ...b];
  const same = (x: Value, y: Value): boolean =>
    meaning.type === 'set' ? equal(x, y) : meaning.keys.every((key) => sameField(x, y, key));
  const replaced = a.map((item) => b.find((other) => same(item, other)) ?? item);
  const added = b.filter((item) => !a.some((other) => same(item, other)));
  return withMeaning([...replaced, ...added], meaning);
}

function sameField(x: Value, y: Value, key: string): boolean {
  const [mine, theirs] = [lookup(x, key), lookup(y, key)];
  return mine === undefined || theirs === undefined ? mine === theirs : equal(mine, theirs);
}

const ordered = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'];
const pairs = [
  ...ordered.map((type) => [type, type]),
  ...['int', 'uint', 'double'].flatMap((a) => ['int', 'uint', 'double'].filter((b) => b !== a).map((b) => [a, b])),
];

function relation(name: string, holds: (order: number) => boolean): Overload[] {
  return pairs.flatMap(([a, b]) => {
    const isText = a === 'string' || a === 'bytes';
    return define(
      `${name}(${a},${b}) -> bool`,
      (x: Value, y: Value) => {
        const order = compare(x, y);
        if (order === undefined) throw new CelError('no such overload');
        return holds(order);
      },
      isText ? compares : {},
    );
  });
}

const relations: Overload[] = [
  ...relation('_<_', (order) => order < 0),
  ...relation('_<=_', (order) => order <= 0),
  ...relation('_>_', (order) => order > 0),
  ...relation('_>=_', (order) => order >= 0),
  ...define('_==_(A,A) -> bool', (a: Value, b: Value) => equal(a, b), compares),
  ...define('_!=_(A,A) -> bool', (a: Value, b: Value) => !equal(a, b), compares),
];

const containers: Overload[] = [
  ...define('@@in(A,list(A)) -> bool', (a: Value, list: List) => list.some((item) => equal(item, a)), visitsSecond),
  ...define('@@in(A,map(A,B)) -> bool', (key: Value, map: Value) => lookup(map, key) !== undefined),
  ...define('_[_](list(A),int) -> A', (list: List, index: bigint) => {
    const item = index < 0n ? undefined : list[Number(index)];
    if (item === undefined) throw new CelError(`index out of bounds: ${index}`);
    return item;
  }),
  ...define('_[_](map(A,B),A) -> B', (map: Value, key: Value) => {
    const value = lookup(map, key);
    if (value === undefined) throw new CelError(`no such key: ${String(key)}`);
    return value;
  }),
  ...['size(string) -> int', 'string.size() -> int'].flatMap((text) =>
    define(text, (value: string) => BigInt([...value].length)),
  ),
  ...['size(list(A)) -> int', 'list(A).size() -> int'].flatMap((text) =>
    define(text, (list: List) => BigInt(list.length)),
  ),
  ...['size(map(A,B)) -> int', 'map(A,B).size() -> int'].flatMap((text) =>
    define(text, (map: Value) => BigInt(keysOf(map)?.length ?? 0)),
  ),
  ...['size(bytes) -> int', 'bytes.size() -> int'].flatMap((text) =>
    define(text, (value: Uint8Array) => BigInt(value.length)),
  ),
];

const texts: Overload[] = [
  ...define('string.contains(string) -> bool', (text: string, part: string) => text.includes(part), searches),
  ...define('string.startsWith(string) -> bool', (text: string, part: string) => text.startsWith(part), readsSecond),
  ...define('string.endsWith(string) -> bool', (text: string, part: string) => text.endsWith(part), readsSecond),
  ...['string.matches(string) -> bool', 'matches(string,string) -> bool'].flatMap((text) =>
    define(text, (value: string, pattern: string) => regexOf(pattern).test(value), matches),
  ),
];

export const standardLibrary: readonly Overload[] = [...arithmetic, ...relations, ...containers, ...texts];
