// Kubernetes' functions over lists, CEL's over sets, and optional values.
// Knows values. Sources: k8s.io/apiserver/pkg/cel/library/lists.go, cel-go ext/sets.go, cel/library.go.
import { times, visitsItems } from '../costs.ts';
import { define, type Overload } from '../signature.ts';
import { CelError, compare, Duration, equal, type List, lookup, Optional, Uint, type Value } from '../values.ts';
import { int, uint } from './standard.ts';

function ordered(a: Value, b: Value): number {
  const order = compare(a, b);
  if (order === undefined) throw new CelError('no such overload');
  return order;
}

function sum(list: List): Value {
  let total: Value = 0n;
  for (const [index, item] of list.entries()) {
    if (index === 0) total = item;
    else if (typeof item === 'bigint' && typeof total === 'bigint') total = int(total + item);
    else if (typeof item === 'number' && typeof total === 'number') total += item;
    else if (item instanceof Uint && total instanceof Uint) total = uint(total.value + item.value);
    else if (item instanceof Duration && total instanceof Duration) total = new Duration(int(total.nanos + item.nanos));
    else throw new CelError('no such overload');
  }
  return total;
}

function extreme(list: List, sign: 1 | -1, name: string): Value {
  let found = list[0];
  if (found === undefined) throw new CelError(`${name} called on empty list`);
  for (const item of list) if (ordered(item, found) * sign > 0) found = item;
  return found;
}

const has = (list: List, item: Value): boolean => list.some((each) => equal(each, item));
const pairs = { cost: ([a = 1, b = 1]: readonly number[]) => times(a, b) };

const lists: Overload[] = [
  ...define(
    'list(A).isSorted() -> bool',
    (list: List) => list.every((item, index) => index === 0 || ordered(list[index - 1] as Value, item) <= 0),
    visitsItems,
  ),
  ...define('list(A).sum() -> A', sum, visitsItems),
  ...define('list(A).min() -> A', (list: List) => extreme(list, -1, 'min'), visitsItems),
  ...define('list(A).max() -> A', (list: List) => extreme(list, 1, 'max'), visitsItems),
  ...define(
    'list(A).indexOf(A) -> int',
    (list: List, item: Value) => BigInt(list.findIndex((each) => equal(each, item))),
    visitsItems,
  ),
  ...define(
    'list(A).lastIndexOf(A) -> int',
    (list: List, item: Value) => BigInt(list.findLastIndex((each) => equal(each, item))),
    visitsItems,
  ),
  ...define(
    'list(A).slice(int,int) -> list(A)',
    (list: List, from: bigint, to: bigint) => {
      if (from < 0n || to > BigInt(list.length))
        throw new CelError(`cannot slice(${from}, ${to}), list is length ${list.length}`);
      if (from > to)
        throw new CelError(`cannot slice(${from}, ${to}), start index must be less than or equal to end index`);
      return list.slice(Number(from), Number(to));
    },
    visitsItems,
  ),
  ...define(
    'list(A).distinct() -> list(A)',
    (list: List) => list.filter((item, index) => list.findIndex((each) => equal(each, item)) === index),
    { cost: ([a = 1]) => a * a },
  ),
  ...define('list(A).reverse() -> list(A)', (list: List) => [...list].reverse(), visitsItems),
  ...define('list(A).sort() -> list(A)', (list: List) => [...list].sort(ordered), { cost: ([a = 1]) => a * a }),
  ...define('list(dyn).flatten() -> list(dyn)', (list: List) => list.flat() as List, visitsItems),
];

const sets: Overload[] = [
  ...define('@sets.contains(list(A),list(A)) -> bool', (a: List, b: List) => b.every((item) => has(a, item)), pairs),
  ...define('@sets.intersects(list(A),list(A)) -> bool', (a: List, b: List) => b.some((item) => has(a, item)), pairs),
  ...define(
    '@sets.equivalent(list(A),list(A)) -> bool',
    (a: List, b: List) => a.every((item) => has(b, item)) && b.every((item) => has(a, item)),
    pairs,
  ),
];

const isZero = (value: Value): boolean =>
  value === null ||
  value === false ||
  value === '' ||
  value === 0n ||
  value === 0 ||
  (Array.isArray(value) && value.length === 0);

const optionals: Overload[] = [
  ...define('@optional.of(A) -> optional(A)', (value: Value) => new Optional(value)),
  ...define(
    '@optional.ofNonZeroValue(A) -> optional(A)',
    (value: Value) => new Optional(isZero(value) ? undefined : value),
  ),
  ...define('@optional.none() -> optional(dyn)', () => new Optional(undefined)),
  ...define('optional(A).hasValue() -> bool', ({ value }: Optional) => value !== undefined),
  ...define('optional(A).value() -> A', ({ value }: Optional) => {
    if (value === undefined) throw new CelError('optional.none() dereference');
    return value;
  }),
  ...define('optional(A).or(optional(A)) -> optional(A)', (a: Optional, b: Optional) =>
    a.value === undefined ? b : a,
  ),
  ...define('optional(A).orValue(A) -> A', ({ value }: Optional, other: Value) => value ?? other),
  ...define(
    '_[?_](list(A),int) -> optional(A)',
    (list: List, index: bigint) => new Optional(index < 0n ? undefined : list[Number(index)]),
  ),
  ...define('_[?_](map(A,B),A) -> optional(B)', (map: Value, key: Value) => new Optional(lookup(map, key))),
  ...define(
    '_[?_](optional(list(A)),int) -> optional(A)',
    (list: Optional, index: bigint) => new Optional((list.value as List | undefined)?.[Number(index)]),
  ),
  ...define(
    '_[?_](optional(map(A,B)),A) -> optional(B)',
    (map: Optional, key: Value) => new Optional(map.value === undefined ? undefined : lookup(map.value, key)),
  ),
  ...define('_[_](optional(list(A)),int) -> optional(A)', (list: Optional, index: bigint) => {
    const items = list.value as List | undefined;
    if (items !== undefined && items[Number(index)] === undefined) throw new CelError(`index out of bounds: ${index}`);
    return new Optional(items?.[Number(index)]);
  }),
];

export const listLibrary: readonly Overload[] = [...lists, ...sets, ...optionals];
