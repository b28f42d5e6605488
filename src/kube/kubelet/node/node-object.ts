// The Node object of this machine: what the scheduler, the API server and kubectl read of it.
// Pure; facts of the machine are handed in.
import type { Node, NodeCondition, NodeStatus, NodeSystemInfo, Taint } from 'kubernetes-types/core/v1.js';

export interface NodeFacts {
  readonly name: string;
  /** The primary one first. */
  readonly addresses: readonly string[];
  readonly podCidrs: readonly string[];
  readonly kubeletPort: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly capacity: Readonly<Record<string, string>>;
  readonly info: NodeSystemInfo;
}

type Condition = [type: string, status: 'True' | 'False', reason: string, message: string];

const HEALTHY: readonly Condition[] = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
];

/** As upstream puts it together from what its runtime says. */
function networkNotReady(problem: string): Condition {
  const network = `NetworkReady=false reason:NetworkPluginNotReady message:${problem}`;
  return ['Ready', 'False', 'KubeletNotReady', `container runtime network not ready: ${network}`];
}

/** The Ready condition of a node as of `now` (RFC 3339) whose kubelet has nothing else to say of it yet. */
export function waitingCondition(problem: string, now: string): NodeCondition {
  const [type, status, reason, message] = networkNotReady(problem);
  return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now };
}

/** Labels every node carries, with those of the options on top. */
export function nodeLabels(facts: NodeFacts): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': facts.info.architecture,
    'beta.kubernetes.io/os': facts.info.operatingSystem,
    'kubernetes.io/arch': facts.info.architecture,
    'kubernetes.io/hostname': facts.name,
    'kubernetes.io/os': facts.info.operatingSystem,
    ...facts.labels,
  };
}

/**
 * Status as of `now` (RFC 3339); conditions that stay as they were keep their transition time. `networkProblem`: why no
 * pod can be given a network.
 */
export function nodeStatus(
  facts: NodeFacts,
  before: readonly NodeCondition[],
  now: string,
  networkProblem?: string,
): NodeStatus {
  const conditions = HEALTHY.map((healthy): NodeCondition => {
    const unready = healthy[0] === 'Ready' && networkProblem !== undefined;
    const [type, status, reason, message] = unready ? networkNotReady(networkProblem) : healthy;
    const previous = before.find((condition) => condition.type === type);
    const lastTransitionTime = previous?.status === status ? (previous.lastTransitionTime ?? now) : now;
    return { type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime };
  });
  return {
    capacity: { ...facts.capacity },
    allocatable: { ...facts.capacity },
    conditions,
    addresses: [
      ...facts.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: facts.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.kubeletPort } },
    nodeInfo: facts.info,
  };
}

/** As it is registered: with its status, so that nobody sees a node that says nothing. */
export function nodeObject(facts: NodeFacts, status: NodeStatus): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: facts.name,
      labels: nodeLabels(facts),
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    spec: {
      ...(facts.podCidrs[0] === undefined ? {} : { podCIDR: facts.podCidrs[0], podCIDRs: [...facts.podCidrs] }),
      ...(facts.taints.length === 0 ? {} : { taints: [...facts.taints] }),
    },
    status,
  };
}

/** Ranges of its pods; none when it has not been given any. */
export function rangesOf({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
}
