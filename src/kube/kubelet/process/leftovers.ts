// Ends what a run that was killed left of its containers, without a kubelet: for whoever takes such a cluster down.
// Knows the records in the data directory only.
import type { Clock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import { sweepCgroups } from '../cgroup/open.ts';
import { PodPauses } from './pod-pause.ts';
import { PropagatedMounts } from './propagated-mounts.ts';
import { ProcessRecords, recordsDir } from './records.ts';

/** Nobody else may use the data directory meanwhile. Resolves with how many processes were ended. */
export async function sweepLeftovers(dataDir: string, clock: Clock): Promise<number> {
  const records = new ProcessRecords(recordsDir(dataDir));
  const mounts = new PropagatedMounts(dataDir, clock, silentLogger);
  mounts.recall();
  const killed = records.sweep().size;
  mounts.sweep();
  new PodPauses(dataDir, records, clock).sweep();
  // Timers of the clock keep no process alive, and there may be nothing else to do so.
  const awake = setInterval(() => {}, 1_000);
  try {
    return Math.max(killed, await sweepCgroups(dataDir, clock));
  } finally {
    clearInterval(awake);
  }
}
