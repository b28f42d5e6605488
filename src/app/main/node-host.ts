// What the ways of running nodes have in common: in this process, or each in its own.
// Knows settings and the network beneath; runs none itself.
import type { Client } from '#kube/client/client.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Clock } from '#lib/clock.ts';
import type { ControlledNode } from '../admin/node-control.ts';
import { Fabric } from '../nodes/fabric/fabric.ts';
import { sweepNodes } from '../nodes/process/sweep.ts';
import type { DataDir } from './data-dir.ts';
import type { Network } from './network.ts';
import type { Pki } from './pki.ts';
import type { Shutdown } from './shutdown.ts';

export interface NodeOptions {
  /** Given to nodes in turn; none when empty. */
  readonly zones: readonly string[];
  /** Leave endpoints of silent nodes out, where nodes hear of each other. */
  readonly liveness: boolean;
  /** Real plugins for the pods' network. */
  readonly cni?: { readonly confDir: string; readonly binDirs: readonly string[] };
}

export interface Joined {
  readonly client: Client;
  readonly informers: Informers;
  readonly pki: Pki;
  /** Where pods ask for names; nowhere when empty. */
  readonly clusterDns: readonly string[];
}

export interface NodeHost {
  /** Whatever can be done before there is an API server. */
  begin(): void;
  /** Those that can be stopped and started by themselves. */
  readonly nodes: readonly ControlledNode[];
  /** Resolves when every node is ready; they are stopped with what is shut down next. */
  join(joined: Joined): Promise<void>;
}

/** How long pods have to end when the whole cluster goes down; the rest of the five seconds is for everything else. */
export const POD_GRACE_MS = 2_000;
/** How long requests under way have to finish when a pod or the gateway is asked to drain. */
export const DRAIN_MS = 30_000;

/** Removing namespaces takes the kernel a moment each, and what is not removed stays: milliseconds. */
const FABRIC_MS = 10_000;

/** People who try things out want to see their effect soon: milliseconds between two readings of what pods use. */
export const STATS_MS = 2_000;

/** What the zone of a node, and the region of all, are called in its labels. */
export function zoneLabels(zones: readonly string[], at: number): Record<string, string> {
  const zone = zones[at % zones.length];
  return zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone, 'topology.kubernetes.io/region': 'local' };
}

/** Ends what an earlier run left, and makes the network anew where there is to be one. */
export async function makeFabric(
  data: DataDir,
  network: Network,
  clock: Clock,
  shutdown: Shutdown,
): Promise<Fabric | undefined> {
  // Also where there is none now: an earlier run may have had one.
  await sweepNodes(data, clock);
  if (network.fabric === undefined) return undefined;
  const fabric = await Fabric.make(network.fabric, data.fabric, clock);
  const remove = (): void => fabric.removeNow();
  process.once('exit', remove);
  shutdown.add(
    'fabric',
    async () => {
      await fabric.remove();
      process.removeListener('exit', remove);
    },
    FABRIC_MS,
  );
  return fabric;
}
