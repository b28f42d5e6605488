// What a plain amount a pod asks for, row by row: current replicas, target in thousandths, pods -> replicas, average.
// Data only; the form of the pods is in pods.ts.

export type AverageRow = readonly [
  what: string,
  /** `cpu` has rules of its own about who is ready; empty for what is no resource. */
  resource: string,
  current: number,
  target: number,
  pods: string,
  replicas: number | string,
  average?: number,
];

const NO_METRICS = 'did not receive metrics for targeted pods (pods might be unready)';

export const averageRows: readonly AverageRow[] = [
  ['as much as is wanted', '', 3, 20_000, '20000*3', 3, 20_000],
  ['up in proportion', '', 3, 15_000, '20000 10000 30000', 4, 20_000],
  ['down in proportion', '', 5, 20_000, '10000*5', 3, 10_000],
  ['nothing is used', '', 5, 20_000, '0*5', 0, 0],
  ['the average is rounded down', '', 2, 10, '10 11', 2, 10],
  ['a fraction above is a pod more', '', 2, 10_000, '12001*2', 3, 12_001],
  ['upper bound of the tolerance', '', 10, 10_000, '11000*10', 10, 11_000],
  ['just above', '', 10, 10_000, '11001*10', 12, 11_001],
  ['lower bound', '', 10, 10_000, '9000*10', 10, 9_000],
  ['just below', '', 10, 10_000, '8999*10', 9, 8_999],
  ['a single pod doubles', '', 1, 10_000, '20000', 2, 20_000],
  ['current differs from the pods there are', '', 7, 10_000, '20000*2', 4, 20_000],
  ['current differs and all is well', '', 7, 10_000, '10000*2', 7, 10_000],

  ['pending pods do nothing on the way up', '', 3, 10_000, '30000*2 -P', 6, 30_000],
  ['pending pods may be enough', '', 3, 10_000, '15000*2 -P', 3, 15_000],
  ['pending pods turn the direction', '', 5, 10_000, '15000*2 -P*3', 5, 15_000],
  ['pending pods do not matter on the way down', '', 4, 10_000, '2000*3 -P', 1, 2_000],
  ['of a pending pod what is measured does not count', '', 3, 10_000, '30000*2 90000P', 6, 30_000],
  ["readiness is nobody's business but of CPU: never ready", '', 3, 10_000, '20000*2 20000N', 6, 20_000],
  ['starting', '', 3, 10_000, '20000*2 20000Y', 6, 20_000],
  ['nobody knows', '', 3, 10_000, '20000*2 20000X', 6, 20_000],
  ['the same of memory', 'memory', 3, 10_000, '20000*2 20000N', 6, 20_000],
  ['CPU of a pod that never got ready', 'cpu', 3, 10_000, '20000*2 90000N', 4, 20_000],
  ['CPU of a pod that starts', 'cpu', 3, 10_000, '20000*2 90000Y', 4, 20_000],
  ['CPU of a pod that was ready', 'cpu', 3, 10_000, '20000*2 20000L', 6, 20_000],
  ['CPU of a pod nobody knows about', 'cpu', 3, 10_000, '20000*2 90000X', 4, 20_000],
  ['all of them pending', '', 3, 10_000, '-P*3', NO_METRICS],
  ['CPU, all of them starting', 'cpu', 3, 10_000, '20000Y*3', NO_METRICS],

  ['deleted and failed pods do not count', '', 3, 10_000, '20000*2 90000D 90000F', 4, 20_000],
  ['only deleted ones', '', 3, 10_000, '90000D*3', NO_METRICS],
  ['no pods', '', 3, 10_000, '', 'no pods returned by selector while calculating replica count'],

  ['unknown pods do nothing on the way up', '', 4, 10_000, '30000*3 -', 9, 30_000],
  ['unknown pods may be enough', '', 4, 10_000, '14000*3 -', 4, 14_000],
  ['unknown pods use the target on the way down', '', 4, 10_000, '2000*3 -', 2, 2_000],
  ['unknown pods hold it back', '', 4, 10_000, '8500*2 -*2', 4, 8_500],
  ['unknown pods exactly at the target', '', 4, 10_000, '10000*3 -', 4, 10_000],
  ['of none anything is known', '', 3, 10_000, '-*3', NO_METRICS],
  ['unknown and pending on the way up', '', 4, 10_000, '30000*2 - -P', 6, 30_000],
  ['down by ratio, but more pods than replicas', '', 2, 10_000, '8000*4 -', 2, 8_000],
  ['up by ratio, but fewer pods than replicas', '', 9, 10_000, '20000*3 -', 9, 20_000],
];
