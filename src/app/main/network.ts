// Addresses of the embedded cluster: on the loopback device, or of network namespaces with a fabric between them.
// Knows numbers, and how to tell that another cluster on this machine has those of the loopback device already.
import { once } from 'node:events';
import { createServer } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Listener } from '#traffic/model/ir.ts';
import { codeOf, Failure, UsageFailure } from '../failure.ts';
import { checkFamilies, NO_POOL } from '../nodes/fabric/balancer.ts';
import { addressAt, type Cidr, contains, formatCidr, overlaps, parseCidr } from '../nodes/fabric/cidr.ts';
import { type FabricPlan, LEAST_SERVICES, nodeNames, type PlannedNode, splitPods } from '../nodes/fabric/plan.ts';
import { checkDisjoint, checkRoom, type FlaggedRange, rangeFlags, readRanges } from '../nodes/fabric/ranges.ts';
import type { Ports } from './ports.ts';

export interface Network {
  /** Ranges that all pods' addresses are of: one, or one of each family after a comma. So of Services. */
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly nodes: readonly PlannedNode[];
  /** How it is made, where nodes and pods have namespaces of their own; on the loopback device when left out. */
  readonly fabric?: FabricPlan;
  /** Of LoadBalancer Services: what the pool `default` holds. */
  readonly balancerCidrs: readonly string[];
  /** First of the Service range: the API server as pods see it. */
  readonly kubernetesServiceAddress: string;
}

export const defaultPodCidr = '127.244.0.0/24';
/** For more than one node, each of which has a part of it. */
export const defaultPodCidrOfMany = '127.244.0.0/16';
export const defaultServiceCidr = '127.96.0.0/16';
export const defaultBalancerCidr = '127.97.0.0/24';

/** What does not change from one cluster to the next. */
export const NODE_NAME = 'node-1';
const NODE_ADDRESS = '127.0.0.1';
const MACHINE_RANGE = '127.0.0.0/24';
/** Where API, gateway and admin listen. */
export const PUBLIC_ADDRESS = '127.0.0.1';
export const NODE_PORT_RANGE = { from: 30_000, to: 32_767 } as const;
export const INGRESS_CLASS = 'evenkeel';

/** Throws `UsageFailure` for a range that is none, lies outside of 127.0.0.0/8, or holds an address that is taken. */
export function loopbackNetwork(podCidr: string, serviceCidr: string, nodes = 1, balancer?: string): Network {
  const pods = loopbackRange(podCidr, rangeFlags.pods, nodes === 1 ? defaultPodCidr : defaultPodCidrOfMany);
  const services = loopbackRange(serviceCidr, rangeFlags.services, defaultServiceCidr);
  checkDisjoint([pods, services]);
  checkRoom(services, LEAST_SERVICES, 'Services need');
  const balancerCidrs = loopbackBalancer([pods, services], balancer);
  return {
    podCidr: formatCidr(pods.cidr),
    serviceCidr: formatCidr(services.cidr),
    balancerCidrs,
    kubernetesServiceAddress: addressAt(services.cidr, 1n),
    nodes: loopbackNodes(pods.cidr, nodes),
  };
}

const SERVICES_EXAMPLE = '10.96.0.0/16, or 10.96.0.0/16,fd00:10:96::/112';

/**
 * For an API server alone: it gives Services addresses, and knows neither nodes nor pods. `nodeRanges` are what it
 * divides among nodes. Throws `UsageFailure` for a range that is none, or that cannot be had beside the others.
 */
export function serviceNetwork(serviceCidr: string, nodeRanges: readonly string[] = []): Network {
  const flag = rangeFlags.services;
  const cidrs = readRanges(serviceCidr, flag, SERVICES_EXAMPLE);
  const ranges = cidrs.map((cidr) => ({ cidr, flag }));
  if (new Set(cidrs.map(({ family }) => family)).size !== cidrs.length) {
    throw new UsageFailure(
      `${flag} ${serviceCidr} has more than one range of a family`,
      'Give one range, or one of each family; add others to the running cluster as ServiceCIDR objects',
    );
  }
  for (const range of ranges) {
    checkRoom(range, LEAST_SERVICES, 'Services need');
    const widest = range.cidr.family === 4 ? 8 : 64;
    if (range.cidr.bits >= widest) continue;
    throw new UsageFailure(
      `${flag} ${formatCidr(range.cidr)} is too wide`,
      `Give ${flag} a /${widest} or a narrower one`,
    );
  }
  const divided = nodeRanges.flatMap((text) => readRanges(text, '--cluster-cidr', '10.244.0.0/16'));
  checkDisjoint([...ranges, ...divided.map((cidr) => ({ cidr, flag: '--cluster-cidr' }))]);
  const [first] = cidrs;
  return {
    podCidr: '',
    serviceCidr: cidrs.map(formatCidr).join(','),
    balancerCidrs: [],
    kubernetesServiceAddress: first === undefined ? '' : addressAt(first, 1n),
    nodes: [],
  };
}

/** Without a word of its own it gives way to the other ranges. */
function loopbackBalancer(others: readonly FlaggedRange[], asked: string | undefined): string[] {
  if (asked === NO_POOL) return [];
  const range = loopbackRange(asked ?? defaultBalancerCidr, rangeFlags.balancer, defaultBalancerCidr);
  if (asked === undefined && others.some(({ cidr }) => overlaps(cidr, range.cidr))) return [];
  checkFamilies([range.cidr], asked ?? defaultBalancerCidr);
  checkDisjoint([range, ...others]);
  return [formatCidr(range.cidr)];
}

/** One node is where everything else is; several have addresses of their own, from 127.0.0.11 on. */
function loopbackNodes(pods: Cidr, nodes: number): PlannedNode[] {
  if (nodes > 200) throw new UsageFailure(`${nodes} nodes are too many`, 'Give --nodes up to 200');
  const parts = splitPods(pods, nodes);
  if (nodes === 1) return [{ name: NODE_NAME, addresses: [NODE_ADDRESS], podCidrs: [formatCidr(pods)] }];
  return nodeNames(nodes).map((name, at) => ({
    name,
    addresses: [`127.0.0.${11 + at}`],
    podCidrs: [parts[at] ?? ''],
  }));
}

export function fabricNetwork(plan: FabricPlan): Network {
  const services = parseCidr(plan.serviceCidrs[0] ?? '');
  return {
    podCidr: plan.podCidrs.join(','),
    serviceCidr: plan.serviceCidrs.join(','),
    balancerCidrs: plan.balancerCidrs ?? [],
    kubernetesServiceAddress: services === undefined ? '' : addressAt(services, 1n),
    nodes: plan.nodes,
    fabric: plan,
  };
}

function loopbackRange(text: string, flag: string, example: string): FlaggedRange {
  const [cidr, ...more] = readRanges(text, flag, example);
  const within = parseCidr('127.0.0.0/8');
  if (cidr === undefined || within === undefined || more.length > 0 || !contains(within, cidr)) {
    throw new UsageFailure(
      `${flag} "${text}" is no range within 127.0.0.0/8, where --network loopback has its addresses`,
      `Give ${flag} e.g. ${example}, or choose --network netns`,
    );
  }
  const taken = parseCidr(MACHINE_RANGE);
  if (taken !== undefined && overlaps(cidr, taken)) {
    throw new UsageFailure(
      `${flag} "${text}" meets ${MACHINE_RANGE}, where the machine and the nodes have their addresses`,
      `Give ${flag} e.g. ${example}`,
    );
  }
  return { cidr, flag };
}

/** Nothing else listens there: pods and Services never get the first address of a range. */
const CLAIM_PORT = 10_250;

/** Holds the ranges until released; throws a `Failure` when another cluster on this machine does. */
export async function claimNetwork(network: Network): Promise<{ release(): Promise<void> }> {
  const claims = [
    await claim(network.podCidr, rangeFlags.pods),
    await claim(network.serviceCidr, rangeFlags.services),
    ...(await Promise.all(network.balancerCidrs.map((cidr) => claim(cidr, rangeFlags.balancer)))),
  ];
  return { release: async () => void (await Promise.all(claims.map((release) => release()))) };
}

async function claim(cidr: string, flag: string): Promise<() => Promise<void>> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  try {
    server.listen({ host: ipaddr.IPv4.networkAddressFromCIDR(cidr).toString(), port: CLAIM_PORT, exclusive: true });
    await once(server, 'listening');
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    throw new Failure(
      `Addresses ${cidr} are in use by another cluster on this machine`,
      `Stop it with "evenkeel down", or give this one other ranges with --pod-cidr, --service-cidr and --lb-pool (here: ${flag})`,
      { cause: error },
    );
  }
  return () => new Promise((resolve) => server.close(() => resolve()));
}

export function gatewayListeners(ports: Pick<Ports, 'http' | 'https'>): Listener[] {
  return [
    { name: 'http', address: PUBLIC_ADDRESS, port: ports.http, protocol: 'http' },
    { name: 'https', address: PUBLIC_ADDRESS, port: ports.https, protocol: 'https' },
  ];
}
