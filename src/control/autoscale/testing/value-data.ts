// What one value for all pods asks for, row by row. Amounts in thousandths.
// Data only; the form of the pods is in pods.ts.

/** Of the whole: usage, target, current replicas, pods -> replicas or why not. */
export type ValueRow = readonly [
  what: string,
  usage: bigint,
  target: bigint,
  current: number,
  pods: string,
  replicas: number | string,
];

export const valueRows: readonly ValueRow[] = [
  ['as much as is wanted', 20_000n, 20_000n, 3, '-*3', 3],
  ['twice as much', 40_000n, 20_000n, 3, '-*3', 6],
  ['half as much', 10_000n, 20_000n, 4, '-*4', 2],
  ['the rest of a pod is a pod', 25_000n, 20_000n, 3, '-*3', 4],
  ['nothing', 0n, 20_000n, 3, '-*3', 0],
  ['upper bound of the tolerance', 22_000n, 20_000n, 3, '-*3', 3],
  ['just above', 22_001n, 20_000n, 10, '-*10', 12],
  ['lower bound of the tolerance', 18_000n, 20_000n, 3, '-*3', 3],
  ['just below', 17_999n, 20_000n, 10, '-*10', 9],
  ['only the ready ones do the work: starting', 40_000n, 20_000n, 4, '-*2 -Y*2', 4],
  ['pending', 40_000n, 20_000n, 4, '-*3 -P', 6],
  ['failed', 40_000n, 20_000n, 4, '-*3 -F', 6],
  ['no longer ready', 40_000n, 20_000n, 4, '-*3 -L', 6],
  ['nobody knows', 40_000n, 20_000n, 4, '-*3 -X', 6],
  ['those that are being deleted still do', 40_000n, 20_000n, 4, '-*3 -D', 8],
  ['none is ready', 40_000n, 20_000n, 4, '-Y*4', 0],
  ['within the tolerance nobody is counted', 20_000n, 20_000n, 4, '', 4],
  [
    'no pods',
    40_000n,
    20_000n,
    4,
    '',
    'unable to calculate ready pods: no pods returned by selector while calculating replica count',
  ],
  ['from nothing: nothing to do', 0n, 20_000n, 0, '', 0],
  ['from nothing: the least there can be', 1n, 20_000n, 0, '', 1],
  ["from nothing: one pod's work", 20_000n, 20_000n, 0, '', 1],
  ['from nothing: a little more, and no tolerance', 20_001n, 20_000n, 0, '', 2],
  ['from nothing: at once as many as there is work for', 95_000n, 20_000n, 0, '', 5],
  ['more than can be counted', 9_223_372_036_854_775_807n, 1n, 3, '-*3', 2_147_483_647],
  ['more than can be counted, from nothing', 9_223_372_036_854_775_807n, 1n, 0, '', 2_147_483_647],
  ['just what can be counted', 2_147_483_647n, 1n, 1, '-', 2_147_483_647],
];

/** A share for each pod: usage, target a pod, existing pods -> replicas, share of each. */
export type ShareRow = readonly [
  what: string,
  usage: bigint,
  target: bigint,
  existing: number,
  replicas: number,
  share: bigint,
];

export const shareRows: readonly ShareRow[] = [
  ['as much as is wanted', 60_000n, 20_000n, 3, 3, 20_000n],
  ['twice as much', 120_000n, 20_000n, 3, 6, 40_000n],
  ['half as much', 40_000n, 20_000n, 4, 2, 10_000n],
  ['the rest of a pod is a pod', 70_001n, 20_000n, 3, 4, 23_334n],
  ['shares are rounded up', 61_000n, 20_000n, 3, 3, 20_334n],
  ['nothing', 0n, 20_000n, 3, 0, 0n],
  ['the least there can be', 1n, 20_000n, 3, 1, 1n],
  ['upper bound of the tolerance', 220_000n, 20_000n, 10, 10, 22_000n],
  ['just above', 220_001n, 20_000n, 10, 12, 22_001n],
  ['lower bound', 180_000n, 20_000n, 10, 10, 18_000n],
  ['just below', 179_999n, 20_000n, 10, 9, 18_000n],
  ['from nothing: nothing to do', 0n, 20_000n, 0, 0, 0n],
  ["from nothing: one pod's work", 20_000n, 20_000n, 0, 1, 20_000n],
  ['from nothing: more', 20_001n, 20_000n, 0, 2, 20_001n],
  ['from nothing: at once as many as there is work for', 95_000n, 20_000n, 0, 5, 95_000n],
  ['more than can be counted', 9_223_372_036_854_775_807n, 1n, 3, 2_147_483_647, 9_223_372_036_854_775_807n],
  ['a lot, but it can be counted', 4_000_000_000n, 1_000n, 2, 4_000_000, 2_000_000_000n],
];
