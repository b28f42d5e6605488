// Lists of completion indexes as people and statuses write them: `0-2,5`.
// Knows no field. Upstream source: validateIndexesFormat and parseIndexInterval of pkg/apis/batch/validation.

/** First and last index of a part. */
type Interval = readonly [number, number];

/** How many indexes the text names, or what is wrong with it: they are below `completions`, each greater than the last. */
export function countIndexes(text: string, completions: number): number | { readonly error: string } {
  let last = -1;
  let total = 0;
  for (const part of text === '' ? [] : text.split(',')) {
    const interval = parseInterval(part, completions);
    if ('error' in interval) return interval;
    const [from, to] = interval;
    if (last >= from) return outOfOrder(last, from);
    total += to - from + 1;
    last = to;
  }
  return total;
}

/** The lowest index that is in both; parts that cannot be read are left out. */
export function commonIndex(a: string, b: string, completions: number): number | undefined {
  const intervals = (text: string): Interval[] =>
    text.split(',').flatMap((part) => {
      const interval = parseInterval(part, completions);
      return 'error' in interval ? [] : [interval];
    });
  const others = intervals(b);
  for (const [from, to] of intervals(a)) {
    const overlap = others.find(([first, last]) => from <= last && first <= to);
    if (overlap !== undefined) return Math.max(from, overlap[0]);
  }
  return undefined;
}

function parseInterval(text: string, completions: number): Interval | { readonly error: string } {
  const parts = text.split('-');
  if (parts.length > 2)
    return {
      error: `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`,
    };
  const limits: number[] = [];
  for (const part of parts) {
    if (!/^\+?\d+$/.test(part)) return { error: `cannot convert string to integer for index: ${JSON.stringify(part)}` };
    if (Number(part) >= completions) return { error: `too large index: ${JSON.stringify(part)}` };
    limits.push(Number(part));
  }
  const [from = 0, to] = limits;
  if (to === undefined) return [from, from];
  return from >= to ? outOfOrder(from, to) : [from, to];
}

function outOfOrder(previous: number, current: number): { readonly error: string } {
  return { error: `non-increasing order, previous: ${previous}, current: ${current}` };
}
