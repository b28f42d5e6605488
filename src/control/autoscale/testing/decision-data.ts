// What several metrics ask for together, and what an autoscaler makes of it, row by row.
// Data only.

/** Proposals in order, `x` for one that cannot be computed; what the target asks for now. */
export type CombineRow = readonly [
  what: string,
  proposals: readonly (number | 'x')[],
  spec: number,
  /** `undefined`: nothing may be done. */
  replicas: number | undefined,
  /** Index of the metric that asks for them. */
  winner?: number,
];

export const combineRows: readonly CombineRow[] = [
  ['one', [5], 3, 5, 0],
  ['the most of two', [5, 8], 3, 8, 1],
  ['the most of three, whatever their order', [5, 8, 2], 3, 8, 1],
  ['of equal ones the first', [5, 5], 3, 5, 0],
  ['zero', [0], 3, 0, 0],
  ['zeros: the last one is named', [0, 0], 3, 0, 1],
  ['zero and more', [0, 4], 3, 4, 1],
  ['more and zero', [4, 0], 3, 4, 0],
  ['all fewer than now', [1, 2], 3, 2, 1],
  ['none can be computed', ['x'], 3, undefined],
  ['none of two', ['x', 'x'], 3, undefined],
  ['one cannot, and the other asks for more', ['x', 5], 3, 5, 1],
  ['one cannot, and the other asks for the same', ['x', 3], 3, 3, 1],
  ['one cannot, and the other asks for fewer', ['x', 2], 3, undefined],
  ['one cannot, whatever their order', [2, 'x'], 3, undefined],
  ['one cannot, and another keeps it up', [2, 'x', 4], 3, 4, 2],
  ['one cannot, and the other asks for zero', [0, 'x'], 1, undefined],
  ['one cannot, from zero', ['x', 0], 0, 0, 1],
  ['one cannot, and the other brings the first', ['x', 2], 0, 2, 1],
  ['no metrics at all', [], 3, undefined],
];

export interface LookRow {
  readonly what: string;
  readonly current: number;
  readonly min?: number;
  readonly max?: number;
  readonly sees?: boolean;
  readonly zero?: boolean;
  readonly does: 'nothing' | 'compute' | number;
  readonly reason?: string;
}

const ABOVE = 'Current number of replicas above Spec.MaxReplicas';
const BELOW = 'Current number of replicas below Spec.MinReplicas';

export const lookRows: readonly LookRow[] = [
  { what: 'within its bounds', current: 3, does: 'compute' },
  { what: 'at the lower bound', current: 1, does: 'compute' },
  { what: 'at the upper bound', current: 10, does: 'compute' },
  { what: 'above', current: 11, does: 10, reason: ABOVE },
  { what: 'far above', current: 500, does: 10, reason: ABOVE },
  { what: 'below', current: 1, min: 2, does: 2, reason: BELOW },
  { what: 'set to zero by hand', current: 0, does: 'nothing' },
  { what: 'set to zero by hand, with a metric that sees without pods', current: 0, sees: true, does: 'nothing' },
  { what: 'set to zero by hand, although zero is allowed', current: 0, min: 0, sees: true, does: 'nothing' },
  { what: 'scaled to zero', current: 0, min: 0, sees: true, zero: true, does: 'compute' },
  { what: 'scaled to zero, and nothing can be seen any more', current: 0, min: 0, zero: true, does: 'nothing' },
  { what: 'scaled to zero, and one is wanted now', current: 0, min: 1, sees: true, zero: true, does: 'compute' },
  { what: 'scaled to zero, one is wanted, nothing can be seen', current: 0, min: 1, zero: true, does: 'compute' },
  { what: 'zero is allowed and there are some', current: 3, min: 0, sees: true, does: 'compute' },
  {
    what: 'somebody brought one after it was scaled to zero',
    current: 1,
    min: 0,
    sees: true,
    zero: true,
    does: 'compute',
  },
  {
    what: 'bounds that contradict each other: the upper one first',
    current: 5,
    min: 7,
    max: 3,
    does: 3,
    reason: ABOVE,
  },
];

export interface SettleRow {
  readonly what: string;
  readonly current: number;
  readonly asked: number;
  readonly min?: number;
  readonly max?: number;
  readonly rules?: true;
  readonly zero?: boolean;
  /** Recommended a minute ago. */
  readonly before?: number;
  readonly desired: number;
  readonly reason: string;
  readonly able: string;
  readonly limited: string;
}

const UP = 'm above target';
const DOWN = 'All metrics below target';
const READY = 'ReadyForNewScale';
const WITHIN = 'False DesiredWithinRange';

export const settleRows: readonly SettleRow[] = [
  { what: 'nothing changes', current: 3, asked: 3, desired: 3, reason: '', able: READY, limited: WITHIN },
  { what: 'up', current: 3, asked: 5, desired: 5, reason: UP, able: READY, limited: WITHIN },
  { what: 'up too fast', current: 3, asked: 9, desired: 6, reason: UP, able: READY, limited: 'True ScaleUpLimit' },
  { what: 'up too far', current: 8, asked: 12, desired: 10, reason: UP, able: READY, limited: 'True TooManyReplicas' },
  {
    what: 'up, and there is no room',
    current: 10,
    asked: 12,
    desired: 10,
    reason: UP,
    able: READY,
    limited: 'True TooManyReplicas',
  },
  { what: 'down', current: 3, asked: 2, desired: 2, reason: DOWN, able: READY, limited: WITHIN },
  { what: 'down too far', current: 3, asked: 0, desired: 1, reason: DOWN, able: READY, limited: 'True TooFewReplicas' },
  {
    what: 'down, held back',
    current: 3,
    asked: 2,
    before: 3,
    desired: 3,
    reason: DOWN,
    able: 'ScaleDownStabilized',
    limited: WITHIN,
  },
  {
    what: 'down, held back in part',
    current: 5,
    asked: 2,
    before: 4,
    desired: 4,
    reason: DOWN,
    able: 'ScaleDownStabilized',
    limited: WITHIN,
  },
  {
    what: 'down, and what was recommended is more than may come',
    current: 2,
    asked: 1,
    before: 9,
    desired: 4,
    reason: DOWN,
    able: 'ScaleDownStabilized',
    limited: 'True ScaleUpLimit',
  },
  { what: 'to zero', current: 1, asked: 0, min: 0, desired: 0, reason: DOWN, able: READY, limited: WITHIN },
  { what: 'from zero', current: 0, asked: 3, min: 0, zero: true, desired: 3, reason: UP, able: READY, limited: WITHIN },
  {
    what: 'from zero, as fast as it may',
    current: 0,
    asked: 9,
    min: 0,
    zero: true,
    desired: 4,
    reason: UP,
    able: READY,
    limited: 'True ScaleUpLimit',
  },
  {
    what: 'at zero, and nothing is asked for',
    current: 0,
    asked: 0,
    min: 0,
    zero: true,
    desired: 0,
    reason: '',
    able: READY,
    limited: WITHIN,
  },
  {
    what: 'at zero, and one is wanted now',
    current: 0,
    asked: 0,
    min: 1,
    zero: true,
    desired: 1,
    reason: '',
    able: READY,
    limited: 'True TooFewReplicas',
  },
  {
    what: 'less than nothing counts as nothing',
    current: 2,
    asked: -5,
    min: 0,
    desired: 0,
    reason: DOWN,
    able: READY,
    limited: WITHIN,
  },

  {
    what: 'rules: nothing changes',
    rules: true,
    current: 3,
    asked: 3,
    desired: 3,
    reason: '',
    able: READY,
    limited: WITHIN,
  },
  { what: 'rules: up', rules: true, current: 3, asked: 5, desired: 5, reason: UP, able: READY, limited: WITHIN },
  {
    what: 'rules: up too fast',
    rules: true,
    current: 3,
    asked: 9,
    desired: 7,
    reason: UP,
    able: READY,
    limited: 'True ScaleUpLimit',
  },
  {
    what: 'rules: up too far',
    rules: true,
    current: 8,
    asked: 12,
    desired: 10,
    reason: UP,
    able: READY,
    limited: 'True TooManyReplicas',
  },
  { what: 'rules: down', rules: true, current: 3, asked: 2, desired: 2, reason: DOWN, able: READY, limited: WITHIN },
  {
    what: 'rules: down too far',
    rules: true,
    current: 3,
    asked: 0,
    desired: 1,
    reason: DOWN,
    able: READY,
    limited: 'True TooFewReplicas',
  },
  {
    what: 'rules: down, held back',
    rules: true,
    current: 3,
    asked: 2,
    before: 3,
    desired: 3,
    reason: DOWN,
    able: 'ScaleDownStabilized',
    limited: WITHIN,
  },
  {
    what: 'rules: more was recommended than there is: it does not grow by that',
    rules: true,
    current: 2,
    asked: 1,
    before: 9,
    desired: 2,
    reason: DOWN,
    able: 'ScaleDownStabilized',
    limited: WITHIN,
  },
  {
    what: 'rules: to zero',
    rules: true,
    current: 1,
    asked: 0,
    min: 0,
    desired: 0,
    reason: DOWN,
    able: READY,
    limited: WITHIN,
  },
  {
    what: 'rules: from zero',
    rules: true,
    current: 0,
    asked: 9,
    min: 0,
    zero: true,
    desired: 4,
    reason: UP,
    able: READY,
    limited: 'True ScaleUpLimit',
  },
  {
    what: 'rules: at zero, and two are wanted now',
    rules: true,
    current: 0,
    asked: 0,
    min: 2,
    zero: true,
    desired: 2,
    reason: 'Current number of replicas below Spec.MinReplicas',
    able: READY,
    limited: WITHIN,
  },
  {
    what: 'rules: at zero, and more is asked for than wanted',
    rules: true,
    current: 0,
    asked: 3,
    min: 2,
    zero: true,
    desired: 3,
    reason: UP,
    able: READY,
    limited: WITHIN,
  },
];

/** From, to, min, some metric sees without pods -> status of ScaledToZero. */
export const zeroRows: readonly (readonly [number, number, number, boolean, 'True' | 'False'])[] = [
  [1, 0, 0, true, 'True'],
  [5, 0, 0, true, 'True'],
  [1, 0, 0, false, 'False'],
  [1, 0, 1, true, 'False'],
  [2, 1, 0, true, 'False'],
  [0, 1, 0, true, 'False'],
  [0, 0, 0, true, 'False'],
];
