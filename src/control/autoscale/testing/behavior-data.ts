// How wishes are held back: stabilization and simple limits, row by row.
// Data only; times are seconds before now.

/** `[replicas, seconds ago]` */
export type Past = readonly (readonly [number, number])[];

/** Without behaviour, over 300 s. */
export type DownRow = readonly [what: string, desired: number, past: Past, replicas: number];

export const downRows: readonly DownRow[] = [
  ['nothing is known', 5, [], 5],
  ['less was recommended', 5, [[3, 10]], 5],
  ['the same was recommended', 5, [[5, 10]], 5],
  ['more was recommended', 5, [[8, 10]], 8],
  [
    'the most of several',
    5,
    [
      [6, 10],
      [9, 20],
      [7, 30],
    ],
    9,
  ],
  ['a moment within the window', 5, [[8, 299]], 8],
  ['at the end of the window', 5, [[8, 300]], 8],
  ['a moment outside', 5, [[8, 301]], 5],
  [
    'some of it outside',
    5,
    [
      [9, 400],
      [7, 100],
    ],
    7,
  ],
  ['zero is held back as well', 0, [[1, 10]], 1],
  [
    'zero, and nothing else for long',
    0,
    [
      [0, 10],
      [0, 200],
      [1, 301],
    ],
    0,
  ],
  [
    'growth is not held back',
    9,
    [
      [2, 1],
      [3, 2],
    ],
    9,
  ],
];

/** With behaviour: desired, current, [up, down] windows -> replicas, reason. */
export type StabilizeRow = readonly [
  what: string,
  desired: number,
  current: number,
  windows: readonly [up: number, down: number],
  past: Past,
  replicas: number,
  reason: string,
];

const READY = 'ReadyForNewScale';
const UP = 'ScaleUpStabilized';
const DOWN = 'ScaleDownStabilized';

export const stabilizeRows: readonly StabilizeRow[] = [
  ['nothing is known, up', 5, 3, [0, 300], [], 5, READY],
  ['nothing is known, down', 2, 3, [0, 300], [], 2, READY],
  ['nothing changes', 3, 3, [0, 300], [], 3, READY],
  ['up without a window', 9, 3, [0, 300], [[3, 1]], 9, READY],
  ['up, and less was recommended', 9, 3, [60, 300], [[5, 10]], 5, UP],
  [
    'up, and the least of several counts',
    9,
    3,
    [60, 300],
    [
      [5, 10],
      [4, 20],
      [7, 30],
    ],
    4,
    UP,
  ],
  ['up, and less than there is was recommended', 9, 3, [60, 300], [[2, 10]], 3, UP],
  ['up, and that was long ago', 9, 3, [60, 300], [[4, 61]], 9, READY],
  ['up, and that was exactly a window ago', 9, 3, [60, 300], [[4, 60]], 9, READY],
  ['up, and that was a moment less than a window ago', 9, 3, [60, 300], [[4, 59]], 4, UP],
  ['up, and more was recommended', 9, 3, [60, 300], [[12, 10]], 9, READY],
  ['down, and more was recommended', 2, 9, [0, 300], [[5, 10]], 5, DOWN],
  [
    'down, and the most of several counts',
    2,
    9,
    [0, 300],
    [
      [5, 10],
      [7, 20],
    ],
    7,
    DOWN,
  ],
  ['down, and more than there is was recommended', 2, 9, [0, 300], [[12, 10]], 9, DOWN],
  ['down without a window', 2, 9, [0, 0], [[12, 1]], 2, READY],
  ['down, and that was exactly a window ago', 2, 9, [0, 300], [[5, 300]], 2, READY],
  ['down, and that was a moment less than a window ago', 2, 9, [0, 300], [[5, 299]], 5, DOWN],
  ['down, and less was recommended', 5, 9, [0, 300], [[2, 10]], 5, READY],
  ['to zero, and one was recommended', 0, 1, [0, 60], [[1, 10]], 1, DOWN],
  [
    'to zero, and that was long ago',
    0,
    1,
    [0, 60],
    [
      [1, 61],
      [0, 30],
    ],
    0,
    READY,
  ],
  ['from zero', 4, 0, [0, 300], [[0, 1]], 4, READY],
  ['from zero with a window', 4, 0, [30, 300], [[0, 1]], 0, UP],
  ['nothing changes, although less was recommended', 3, 3, [60, 300], [[1, 10]], 3, READY],
  ['nothing changes, although more was recommended', 3, 3, [60, 300], [[9, 10]], 3, READY],
  [
    'both windows at once, up',
    8,
    5,
    [60, 60],
    [
      [6, 10],
      [9, 20],
    ],
    6,
    UP,
  ],
  [
    'both windows at once, down',
    3,
    5,
    [60, 60],
    [
      [4, 10],
      [2, 20],
    ],
    4,
    DOWN,
  ],
];

/** Without behaviour: desired, current, min, max -> replicas, reason. */
export type SimpleRow = readonly [
  desired: number,
  current: number,
  min: number,
  max: number,
  replicas: number,
  reason: string,
];

const WITHIN = 'DesiredWithinRange';

export const simpleRows: readonly SimpleRow[] = [
  [5, 4, 1, 10, 5, WITHIN],
  [4, 4, 1, 10, 4, WITHIN],
  [1, 4, 1, 10, 1, WITHIN],
  [0, 4, 1, 10, 1, 'TooFewReplicas'],
  [2, 4, 3, 10, 3, 'TooFewReplicas'],
  [3, 4, 3, 10, 3, WITHIN],
  [0, 4, 0, 10, 0, WITHIN],
  [10, 6, 1, 10, 10, WITHIN],
  [11, 6, 1, 10, 10, 'TooManyReplicas'],
  [8, 4, 1, 10, 8, WITHIN],
  [9, 4, 1, 10, 8, 'ScaleUpLimit'],
  [9, 4, 1, 8, 8, 'TooManyReplicas'],
  [4, 1, 1, 10, 4, WITHIN],
  [5, 1, 1, 10, 4, 'ScaleUpLimit'],
  [5, 2, 1, 10, 4, 'ScaleUpLimit'],
  [6, 3, 1, 10, 6, WITHIN],
  [7, 3, 1, 10, 6, 'ScaleUpLimit'],
  [4, 0, 0, 10, 4, WITHIN],
  [9, 0, 0, 10, 4, 'ScaleUpLimit'],
  [9, 0, 0, 3, 3, 'TooManyReplicas'],
  [100, 50, 1, 100, 100, WITHIN],
  [101, 50, 1, 200, 100, 'ScaleUpLimit'],
];
