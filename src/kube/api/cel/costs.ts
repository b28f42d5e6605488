// What CEL's functions cost, by the sizes of their arguments: one formula for the estimate and for the run.
// Upstream source: cel-go checker/cost.go, k8s.io/apiserver/pkg/cel/library/cost.go.
import type { Costs, Sizes } from './signature.ts';

/** A tenth of a unit for each character that is looked at. */
export const TRAVERSAL = 0.1;
const REGEX = 0.25;

const at = (sizes: Sizes, index: number): number => sizes[index] ?? 1;
const ceil = (value: number): number => Math.ceil(value);
/** Nothing times endless is nothing: what never happens costs nothing, and has no size. */
export const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

/** Reads the first argument once; the result is as long. */
export const traversesFirst: Costs = {
  cost: (sizes) => ceil(at(sizes, 0) * TRAVERSAL),
  size: (least, most) => [at(least, 0), at(most, 0)],
};
/** Reads the first argument; upstream counts that when it happens, and not before. */
export const readsFirst: Costs = { cost: (sizes) => ceil(at(sizes, 0) * TRAVERSAL), estimated: () => 1 };
/** Reads the first argument, and makes a list or a text of its parts. */
export const takesApart: Costs = {
  cost: (sizes) => ceil(at(sizes, 0) * 2 * TRAVERSAL),
  size: (_, most) => [0, at(most, 0)],
  itemSize: (most) => at(most, 0),
};
/** Looks at every item of a list. */
export const visitsItems: Costs = { cost: (sizes) => at(sizes, 0) };
export const readsSecond: Costs = { cost: (sizes) => ceil(at(sizes, 1) * TRAVERSAL) };
export const visitsSecond: Costs = { cost: (sizes) => at(sizes, 1) };
export const matches: Costs = {
  cost: (sizes) => times(ceil((at(sizes, 0) + 1) * TRAVERSAL), ceil(at(sizes, 1) * REGEX)),
};
export const finds: Costs = {
  ...matches,
  size: (_, most) => [0, at(most, 0)],
  itemSize: (most) => at(most, 0),
};
export const searches: Costs = {
  cost: (sizes) => times(ceil(at(sizes, 0) * TRAVERSAL), ceil(at(sizes, 1) * TRAVERSAL)),
};
export const compares: Costs = {
  cost: (sizes) => ceil(Math.min(at(sizes, 0), at(sizes, 1)) * TRAVERSAL),
};
export const joinsTexts: Costs = {
  cost: (sizes) => ceil((at(sizes, 0) + at(sizes, 1)) * TRAVERSAL),
  size: (least, most) => [at(least, 0) + at(least, 1), at(most, 0) + at(most, 1)],
};
export const joinsLists: Costs = {
  size: (least, most) => [at(least, 0) + at(least, 1), at(most, 0) + at(most, 1)],
};
/** `text.replace(old, new)`: as often as `old` can be in it. */
export const replaces: Costs = {
  cost: (sizes) => ceil(at(sizes, 0) * 2 * TRAVERSAL),
  size(least, most) {
    const [text, old, put] = [at(most, 0), at(least, 1), at(most, 2)];
    if (old === 0) return [0, times(text + 1, put) + text];
    return [0, put <= old ? text : times(ceil(text / old), put)];
  },
};
