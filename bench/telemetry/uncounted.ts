// Takes the counting out of a gateway, for the benchmark of what it costs: loaded in front of it, in each of its threads.
// Knows who counts; what policies need to know of endpoints goes on being kept.

import { WorkerStats } from '../../src/traffic/proxy/workers/http-stats.ts';

const nothing = (): void => {};
const counting = WorkerStats.prototype;
const { mirrorDone } = counting;

Object.assign(counting, {
  connectionOpened: nothing,
  connectionClosed: nothing,
  requestStarted: nothing,
  requestDone: nothing,
  mirrored: nothing,
  // The one that only takes an attempt from those in flight, once copies are not counted either.
  upstreamDone(this: WorkerStats, ...[cluster, pool]: Parameters<WorkerStats['upstreamDone']>): void {
    mirrorDone.call(this, cluster, pool, '');
  },
});
