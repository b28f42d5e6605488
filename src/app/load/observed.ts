// A load run beside what the cluster does meanwhile, where there is a cluster to look at.
// A cluster that cannot be read costs the run nothing but that part of its report.
import { existsSync } from 'node:fs';
import { systemClock } from '#lib/clock.ts';
import { type ConnectOptions, connect } from '../cli/connect.ts';
import { messageOf } from '../failure.ts';
import { dataDirAt } from '../main/data-dir.ts';
import { type ClusterHistory, ClusterWatch } from './cluster-watch.ts';
import type { LoadReport } from './report.ts';

export interface ObservedRun {
  readonly load: LoadReport;
  readonly cluster?: ClusterHistory;
  /** Why the cluster is not part of it. */
  readonly noCluster?: string;
}

const PATIENCE_MS = 5000;

/**
 * Runs `load` while the cluster is watched. Only a cluster that was named is looked at, or the embedded one of the
 * default directory: kubectl's own configuration may be about another. Throws what naming a wrong file throws.
 */
export async function observed(options: ConnectOptions, load: () => Promise<LoadReport>): Promise<ObservedRun> {
  const named = options.kubeconfig !== undefined || options.data !== undefined || process.env.KUBECONFIG !== undefined;
  if (!named && !existsSync(dataDirAt(undefined).kubeconfig)) {
    const noCluster = 'Replicas and events are not shown: give --kubeconfig or --data to have a cluster looked at.';
    return { load: await load(), noCluster };
  }
  const { client } = await connect(options);
  try {
    const watch = new ClusterWatch(client, systemClock);
    try {
      await watch.ready(PATIENCE_MS);
    } catch (error) {
      await watch.end();
      const noCluster = `Replicas and events are not shown: ${messageOf(error)}.`;
      return { load: await load(), noCluster };
    }
    watch.begin();
    const report = await load();
    return { load: report, cluster: await watch.end() };
  } finally {
    await client.close();
  }
}
