// Which network a cluster of `up` gets, and why: namespaces where they can be made, the loopback device elsewhere.
// Knows options and what the data directory remembers; makes nothing.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../failure.ts';
import type { DataDir } from '../main/data-dir.ts';
import {
  defaultPodCidr,
  defaultPodCidrOfMany,
  defaultServiceCidr,
  fabricNetwork,
  loopbackNetwork,
  type Network,
} from '../main/network.ts';
import { hasIpv6, namespaceObstacle } from '../nodes/agent/privileges.ts';
import { defaultRanges, planFabric } from '../nodes/fabric/plan.ts';

type Mode = 'loopback' | 'netns';

export interface NetworkWishes {
  readonly mode: 'auto' | Mode;
  readonly nodes: number;
  readonly podCidr?: string;
  readonly serviceCidr?: string;
  readonly fabricCidr?: string;
  /** Something is asked for that only namespaces have. */
  readonly needsNamespaces: boolean;
}

interface Choice {
  readonly network: Network;
  /** Fit for a line to people. */
  readonly line: string;
}

const WORDS: Readonly<Record<Mode, string>> = {
  netns: 'nodes and pods have network namespaces and addresses of their own',
  loopback:
    'pods and Services live on 127.0.0.0/8; without namespaces, IPv6, ports below 1024 for ordinary users, and isolation of containers',
};

/** Throws a `Failure` when what is asked for cannot be had, or does not go with what the directory holds. */
export function chooseNetwork(wishes: NetworkWishes, data: DataDir, obstacle = namespaceObstacle): Choice {
  const { mode, reason } = chooseMode(wishes, keptMode(data), obstacle);
  const { nodes, podCidr, serviceCidr, fabricCidr } = wishes;
  const line = `Network ${mode}: ${WORDS[mode]} (${reason})`;
  if (mode === 'loopback') {
    const pods = podCidr ?? (nodes === 1 ? defaultPodCidr : defaultPodCidrOfMany);
    return { network: loopbackNetwork(pods, serviceCidr ?? defaultServiceCidr, nodes), line };
  }
  const ranges = {
    fabric: fabricCidr ?? defaultRanges.fabric,
    pods: podCidr ?? defaultRanges.pods,
    services: serviceCidr ?? defaultRanges.services,
  };
  return { network: fabricNetwork(planFabric(clusterOwner(data), ranges, nodes, hasIpv6())), line };
}

function chooseMode(
  wishes: NetworkWishes,
  kept: Mode | undefined,
  obstacle: () => string | undefined,
): { mode: Mode; reason: string } {
  const { nodes, podCidr, serviceCidr, needsNamespaces } = wishes;
  const mode = wishes.mode === 'auto' && needsNamespaces ? 'netns' : wishes.mode;
  if (mode !== 'auto') {
    if (kept !== undefined && kept !== mode) {
      throw new Failure(
        `The data directory holds a cluster of --network ${kept}: its Services have addresses that ${mode} does not reach`,
        `Choose --network ${kept}, another directory with --data, or forget what it holds with "evenkeel down --wipe"`,
      );
    }
    const inTheWay = mode === 'netns' ? obstacle() : undefined;
    if (inTheWay !== undefined) {
      throw new Failure(`Network netns cannot be had: ${inTheWay}`, 'Put that right, or choose --network loopback');
    }
    return { mode, reason: 'asked for' };
  }
  if (kept !== undefined) return { mode: kept, reason: 'as this data directory has had it' };
  if ([podCidr, serviceCidr].some((range) => range?.startsWith('127.') === true)) {
    return { mode: 'loopback', reason: 'its ranges are of the loopback device' };
  }
  const inTheWay = obstacle();
  if (inTheWay !== undefined) return { mode: 'loopback', reason: inTheWay };
  if (nodes === 1) return { mode: 'loopback', reason: 'one node starts fastest without' };
  return { mode: 'netns', reason: 'this user may make them here' };
}

function modeFile(data: DataDir): string {
  return join(data.root, 'network.json');
}

/** What the objects of the directory were made for. */
function keptMode(data: DataDir): Mode | undefined {
  if (!existsSync(data.store)) return undefined;
  if (!existsSync(modeFile(data))) return 'loopback';
  return (JSON.parse(readFileSync(modeFile(data), 'utf8')) as { mode: Mode }).mode;
}

/** So that the next start has the same. */
export function rememberMode(data: DataDir, { fabric }: Network): void {
  writeFileSync(modeFile(data), JSON.stringify({ mode: fabric === undefined ? 'loopback' : 'netns' }), { mode: 0o600 });
}

/** The same at every start, and another one for another directory. */
export function clusterOwner({ root }: Pick<DataDir, 'root'>): string {
  return `ek-${createHash('sha256').update(root).digest('hex').slice(0, 6)}`;
}
