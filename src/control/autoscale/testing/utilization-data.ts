// What a share of the requests asks for, row by row: current replicas, target percent, pods -> replicas, percent, average.
// Data only; the form of the pods is in pods.ts.

export type UtilizationRow = readonly [
  what: string,
  current: number,
  target: number,
  pods: string,
  replicas: number | string,
  utilization?: number,
  average?: number | bigint,
];

const NO_METRICS = 'did not receive metrics for targeted pods (pods might be unready)';

export const utilizationRows: readonly UtilizationRow[] = [
  // Ready pods only.
  ['as much as is wanted', 3, 50, '500/1000*3', 3, 50, 500],
  ['up in proportion', 3, 30, '300/1000 500/1000 700/1000', 5, 50, 500],
  ['up, and the rest of a pod is a pod', 3, 50, '560/1000*3', 4, 56, 560],
  ['down in proportion', 5, 50, '100/1000 300/1000 500/1000 250/1000 250/1000', 3, 28, 280],
  ['down, and the rest of a pod is a pod', 10, 50, '440/1000*10', 9, 44, 440],
  ['nothing is used', 4, 50, '0/1000*4', 0, 0, 0],
  ['hardly anything is used: a percent is not reached', 4, 50, '9/1000*4', 0, 0, 9],
  ['one percent', 4, 50, '10/1000*4', 1, 1, 10],
  ['twice the target', 4, 50, '1000/1000*4', 8, 100, 1000],
  ['more than is requested', 2, 100, '3000/1000*2', 6, 300, 3000],
  ['a target above the request', 2, 300, '3000/1000*2', 2, 300, 3000],
  ['requests of different size count by their sum', 2, 50, '100/100 100/300', 2, 50, 100],
  ['a large pod outweighs a small one', 2, 50, '100/100 900/900', 4, 100, 500],
  ['average of odd amounts is rounded down', 3, 50, '500/1000 500/1000 501/1000', 3, 50, 500],
  ['percent is rounded down before it is compared', 3, 50, '559/1000*3', 3, 55, 559],
  ['one pod', 1, 50, '1000/1000', 2, 100, 1000],
  ['current differs from the pods there are: the pods count', 8, 50, '1000/1000*2', 4, 100, 1000],
  ['current differs, and all is well: current counts', 8, 50, '500/1000*2', 8, 50, 500],

  // The bounds of the tolerance.
  ['upper bound', 10, 50, '550/1000*10', 10, 55, 550],
  ['just above the upper bound', 10, 50, '560/1000*10', 12, 56, 560],
  ['lower bound', 10, 50, '450/1000*10', 10, 45, 450],
  ['just below the lower bound', 10, 50, '449/1000*10', 9, 44, 449],
  ['upper bound of a target of one hundred', 10, 100, '1100/1000*10', 10, 110, 1100],
  ['just above it', 10, 100, '1110/1000*10', 12, 111, 1110],
  ['lower bound of a target of one hundred', 10, 100, '900/1000*10', 10, 90, 900],
  ['just below it', 10, 100, '890/1000*10', 9, 89, 890],
  ['small targets move in large steps', 10, 5, '50/1000*10', 10, 5, 50],
  ['a step up', 10, 5, '60/1000*10', 12, 6, 60],
  ['a step down', 10, 5, '40/1000*10', 8, 4, 40],

  // Pods that have not got ready.
  ['a pod that starts takes its share of what is too much', 3, 30, '300/1000 500/1000 700/1000Y', 3, 40, 400],
  ['and there is enough for more all the same', 3, 20, '300/1000 500/1000 700/1000Y', 4, 40, 400],
  ['two that start', 4, 15, '400/1000 500/1000 700/1000Y -/1000P', 6, 45, 450],
  ['a pod that starts does not count when there are too many', 4, 50, '200/1000*3 900/1000Y', 2, 20, 200],
  ['when all is well neither', 4, 50, '500/1000*3 900/1000Y', 4, 50, 500],
  ['pending pods are like those that start', 3, 25, '500/1000*2 -/1000P', 4, 50, 500],
  ['pending pods stop a step that they will make up for', 3, 50, '600/1000*2 -/1000P', 3, 60, 600],
  ['pending pods turn the direction: nothing happens', 5, 60, '700/1000*2 -/1000P*3', 5, 70, 700],
  ['a pod that never got ready', 3, 25, '500/1000*2 900/1000N', 4, 50, 500],
  ['a pod that was ready and is not now counts', 3, 30, '500/1000*2 500/1000L', 5, 50, 500],
  ['a pod of which nobody knows whether it is ready', 3, 25, '500/1000*2 900/1000X', 4, 50, 500],
  ['a pending pod brings it to the upper bound exactly', 3, 30, '500/1000*2 -/1000P', 3, 50, 500],
  ['all of them start', 3, 30, '500/1000Y*3', NO_METRICS],
  ['all are pending', 3, 30, '-/1000P*3', NO_METRICS],

  // Pods that do not count at all.
  ['pods that are being deleted', 3, 50, '1000/1000*2 9000/1000D', 4, 100, 1000],
  ['pods that have failed', 3, 50, '1000/1000*2 9000/1000F', 4, 100, 1000],
  ['deleted ones do not hold back', 3, 50, '600/1000*2 -/1000D', 3, 60, 600],
  ['only deleted ones', 2, 50, '600/1000D*2', NO_METRICS],
  ['no pods', 2, 50, '', 'no pods returned by selector while calculating replica count'],

  // Pods of which nothing is known.
  ['on the way up they do nothing', 4, 50, '1000/1000*3 -/1000', 6, 100, 1000],
  ['on the way up they may be enough', 4, 50, '600/1000*3 -/1000', 4, 60, 600],
  ['on the way up they may be too many', 3, 50, '600/1000 -/1000*2', 3, 60, 600],
  ['on the way down they use all they request', 4, 50, '100/1000*3 -/1000', 3, 10, 100],
  ['on the way down that may be enough', 4, 50, '400/1000*3 -/1000', 4, 40, 400],
  ['on the way down that may be too much', 4, 50, '300/1000*2 -/1000*2', 4, 30, 300],
  ['with a target above the request they use the target', 5, 200, '1000/1000*4 -/1000', 3, 100, 1000],
  ['exactly at the target they change nothing', 4, 50, '500/1000*3 -/1000', 4, 50, 500],
  ['of none anything is known', 3, 50, '-/1000*3', NO_METRICS],
  ['within the tolerance and above: none of them adds', 4, 50, '520/1000*3 -/1000', 4, 52, 520],

  // Both at once.
  ['up, one starts and one is unknown', 4, 30, '900/1000*2 -/1000 -/1000P', 6, 90, 900],
  ['up, but not with those that come', 4, 50, '700/1000*2 -/1000 -/1000P', 4, 70, 700],
  ['down, and who starts does not count', 4, 50, '100/1000*2 -/1000 -/1000P', 3, 10, 100],

  // More pods than the target has asked for must not turn the direction.
  ['down by ratio, but there are more pods than replicas', 2, 50, '400/1000*4 -/1000', 2, 40, 400],
  ['up by ratio, but there are fewer pods than replicas', 9, 50, '900/1000*3 -/1000', 9, 90, 900],

  // Requests.
  ['a container without a request', 2, 50, '500/1000 500', 'missing request for cpu in container main of Pod pod-1'],
  [
    'a pod that does not count has to request as well',
    2,
    50,
    '500/1000 -P',
    'missing request for cpu in container main of Pod pod-1',
  ],
  ['nothing is requested at all', 2, 50, '500/0*2', 'no metrics returned matched known pods'],
  [
    'amounts far beyond those that floating point holds exactly',
    2,
    100,
    '9007199254740993/9007199254740993*2',
    2,
    100,
    9007199254740993n,
  ],
];
