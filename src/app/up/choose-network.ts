// Which network a cluster of `up` gets, and why: namespaces where they can be made, the loopback device elsewhere.
// Knows options and what the data directory remembers; makes nothing.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { libcObstacle } from '#lib/sys/libc.ts';
import { Failure, UsageFailure } from '../failure.ts';
import type { DataDir } from '../main/data-dir.ts';
import {
  defaultBalancerCidr,
  defaultPodCidr,
  defaultPodCidrOfMany,
  defaultServiceCidr,
  fabricNetwork,
  loopbackNetwork,
  type Network,
} from '../main/network.ts';
import { hasIpv6, hasLastingIpv6Out, namespaceObstacle } from '../nodes/agent/privileges.ts';
import { EXAMPLE_BALANCER, NO_POOL, planBalancer } from '../nodes/fabric/balancer.ts';
import { formatCidr, overlaps, parseCidr } from '../nodes/fabric/cidr.ts';
import { defaultRanges, planFabric } from '../nodes/fabric/plan.ts';
import { type FlaggedRange, rangeFlags, readRanges } from '../nodes/fabric/ranges.ts';

type Mode = 'loopback' | 'netns';

export interface NetworkWishes {
  readonly mode: 'auto' | Mode;
  readonly nodes: number;
  readonly podCidr?: string;
  readonly serviceCidr?: string;
  readonly fabricCidr?: string;
  /** Pods are given a way out of the machine. */
  readonly egress: boolean;
  /** Addresses of LoadBalancer Services, or `none`. */
  readonly lbPool?: string;
  /** Flags given that have a meaning with namespaces only, e.g. `--cni-conf`. */
  readonly needNamespaces: readonly string[];
}

interface Choice {
  readonly network: Network;
  /** Fit for a line to people. */
  readonly line: string;
}

const LOOPBACK = parseCidr('127.0.0.0/8');

const CONFINED = 'pods reach the cluster and this machine, and nothing outside of it (--egress opens the way)';

const WORDS: Readonly<Record<Mode, string>> = {
  netns: 'nodes and pods have network namespaces and addresses of their own',
  loopback:
    'pods and Services live on 127.0.0.0/8; without namespaces, IPv6, ports below 1024 for ordinary users, and isolation of containers',
};

/** Throws a `Failure` when what is asked for cannot be had, or does not go with what the directory holds. */
export function chooseNetwork(wishes: NetworkWishes, data: DataDir, obstacle = namespaceObstacle): Choice {
  const { nodes, podCidr, serviceCidr, fabricCidr, lbPool } = wishes;
  const given = givenRanges(wishes);
  const { mode, reason } = chooseMode(wishes, given, keptMode(data), obstacle);
  const line = `Network ${mode}: ${WORDS[mode]} (${reason})`;
  if (mode === 'loopback') {
    const pods = podCidr ?? (nodes === 1 ? defaultPodCidr : defaultPodCidrOfMany);
    return { network: loopbackNetwork(pods, serviceCidr ?? defaultServiceCidr, nodes, lbPool), line };
  }
  const ranges = {
    fabric: fabricCidr ?? defaultRanges.fabric,
    pods: podCidr ?? defaultRanges.pods,
    services: serviceCidr ?? defaultRanges.services,
  };
  const bare = planFabric(clusterOwner(data), ranges, nodes, hasIpv6());
  // Without raw sockets nodes could not answer for addresses, so the machine does.
  const announced = libcObstacle() === undefined;
  const plan = { ...bare, balancerCidrs: planBalancer(bare, lbPool), announced };
  if (!wishes.egress) return { network: fabricNetwork(plan), line: `${line}; ${CONFINED}` };
  const dual = plan.machine.length > 1 && hasLastingIpv6Out();
  return {
    network: fabricNetwork({ ...plan, egress: dual ? [4, 6] : [4] }),
    line: `${line}; pods reach the outside of this machine as the machine does (--egress), by ${dual ? 'IPv4 and IPv6' : 'IPv4'}`,
  };
}

/** What can be said before it is known which network there will be. */
function givenRanges({ podCidr, serviceCidr, fabricCidr, lbPool }: NetworkWishes): FlaggedRange[] {
  const either = (flag: string, text: string | undefined, netns: string, loopback: string): FlaggedRange[] =>
    text === undefined
      ? []
      : readRanges(text, flag, `${netns}, or ${loopback} for --network loopback`).map((cidr) => ({ cidr, flag }));
  return [
    ...either(rangeFlags.pods, podCidr, defaultRanges.pods, defaultPodCidr),
    ...either(rangeFlags.services, serviceCidr, defaultRanges.services, defaultServiceCidr),
    ...either(rangeFlags.balancer, lbPool === NO_POOL ? undefined : lbPool, EXAMPLE_BALANCER, defaultBalancerCidr),
    ...(fabricCidr === undefined
      ? []
      : readRanges(fabricCidr, rangeFlags.fabric, defaultRanges.fabric).map((cidr) => ({
          cidr,
          flag: rangeFlags.fabric,
        }))),
  ];
}

function chooseMode(
  wishes: NetworkWishes,
  given: readonly FlaggedRange[],
  kept: Mode | undefined,
  obstacle: () => string | undefined,
): { mode: Mode; reason: string } {
  const { nodes, needNamespaces } = wishes;
  const [need] = needNamespaces;
  const onLoopback = (range: FlaggedRange): boolean => LOOPBACK !== undefined && overlaps(range.cidr, LOOPBACK);
  if (wishes.mode === 'loopback' && need !== undefined) {
    throw new UsageFailure(`${need} means nothing to --network loopback`, 'Leave it out, or choose --network netns');
  }
  const mode = wishes.mode === 'auto' && need !== undefined ? 'netns' : wishes.mode;
  if (mode !== 'auto') {
    const reason = mode === wishes.mode ? 'asked for' : `${need} is given`;
    return { mode: checkedMode(mode, kept, obstacle, `Network ${mode} cannot be had`), reason };
  }
  if (kept !== undefined) return { mode: kept, reason: 'as this data directory has had it' };
  if (given.some(onLoopback)) return { mode: 'loopback', reason: 'its ranges are of the loopback device' };
  const [first] = given;
  if (first !== undefined) {
    const why = `${first.flag} ${formatCidr(first.cidr)} needs network namespaces`;
    return { mode: checkedMode('netns', kept, obstacle, why), reason: `${first.flag} is given` };
  }
  const inTheWay = obstacle();
  if (inTheWay !== undefined) return { mode: 'loopback', reason: inTheWay };
  if (nodes === 1) return { mode: 'loopback', reason: 'one node starts fastest without' };
  return { mode: 'netns', reason: 'this user may make them here' };
}

/** The mode, when it goes with what the directory holds and can be had here. */
function checkedMode(mode: Mode, kept: Mode | undefined, obstacle: () => string | undefined, what: string): Mode {
  if (kept !== undefined && kept !== mode) {
    throw new Failure(
      `The data directory holds a cluster of --network ${kept}: its Services have addresses that ${mode} does not reach`,
      `Choose --network ${kept}, another directory with --data, or forget what it holds with "evenkeel down --wipe"`,
    );
  }
  const inTheWay = mode === 'netns' ? obstacle() : undefined;
  if (inTheWay === undefined) return mode;
  throw new Failure(
    `${what}: ${inTheWay}`,
    'Put that right, or choose --network loopback, with ranges within 127.0.0.0/8 where any are given',
  );
}

/** What the objects of the directory were made for. */
function keptMode(data: DataDir): Mode | undefined {
  if (!existsSync(data.store)) return undefined;
  if (!existsSync(data.network)) return 'loopback';
  return (JSON.parse(readFileSync(data.network, 'utf8')) as { mode: Mode }).mode;
}

/** So that the next start has the same. */
export function rememberMode(data: DataDir, { fabric }: Network): void {
  writeFileSync(data.network, JSON.stringify({ mode: fabric === undefined ? 'loopback' : 'netns' }), { mode: 0o600 });
}

/** The same at every start, and another one for another directory. */
export function clusterOwner({ root }: Pick<DataDir, 'root'>): string {
  return `ek-${createHash('sha256').update(root).digest('hex').slice(0, 6)}`;
}
