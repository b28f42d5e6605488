// What becomes of one packet that opens a connection or flow, step by step, by the rule model alone.
// The oracle of every driver: where a driver and this disagree, one of them is wrong. Sends nothing.
import { familyOf, inAnyOf } from '#lib/ip.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';

import type { NodeFacts, SourceClass } from './node-facts.ts';
import { type Front, outcomeOf, type PortRules, type RuleEndpoint, type RuleModel } from './rule-model.ts';
import { chancesOf } from './slots.ts';

export interface Packet {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly protocol: L4Protocol;
}

/** `pass`: no Service is meant, the packet goes its way untouched. */
export type Verdict = 'forward' | 'reject' | 'drop' | 'pass';

export interface TracedEndpoint extends RuleEndpoint {
  /** 0 to 1. */
  readonly chance: number;
  /** The endpoint sees the node's address in place of the client's. */
  readonly masqueraded: boolean;
  /** It is the client itself, on another node: it sees its own address as the source, and drops the packet. */
  readonly lost: boolean;
}

export interface Trace {
  readonly verdict: Verdict;
  readonly source: SourceClass;
  /** Sentences, in the order in which things are asked. */
  readonly steps: readonly string[];
  /** `namespace/service:port/TCP/IPv4`, where a Service is meant. */
  readonly service: string | undefined;
  readonly front: Front | undefined;
  readonly endpoints: readonly TracedEndpoint[];
  readonly affinitySeconds: number;
}

interface Found {
  readonly rules: PortRules;
  readonly front: Front;
}

export function trace(model: RuleModel, packet: Packet): Trace {
  const steps: string[] = [];
  const source = sourceClass(model.node, packet.from);
  steps.push(`${packet.from} is ${sourceWords(source, model.node)}`);
  const found = findFront(model, packet);
  if (found === undefined) return { ...nowhere, source, ...unserved(model, packet, steps), steps };
  const { rules, front } = found;
  const at = { source, service: rules.name, front, affinitySeconds: rules.affinitySeconds };
  steps.push(
    `${socketAddress(packet.to, packet.port)}/${packet.protocol} is ${kindWords(front)} of Service "${rules.service}"`,
  );
  if (front.allowedSources !== undefined) {
    const listed = front.allowedSources.join(', ');
    if (!inAnyOf(front.allowedSources)(packet.from)) {
      steps.push(`Its source ranges (${listed}) do not hold ${packet.from}: dropped`);
      return { ...nowhere, ...at, verdict: 'drop', steps };
    }
    steps.push(`Its source ranges (${listed}) hold ${packet.from}`);
  }
  const outcome = outcomeOf(rules, front, source);
  if (outcome.type === 'reject') {
    steps.push('No endpoint is there to take it: rejected');
    return { ...nowhere, ...at, verdict: 'reject', steps };
  }
  if (outcome.type === 'drop') {
    steps.push(`Its traffic policy is Local, and node "${model.node.name}" has no endpoint: dropped`);
    return { ...nowhere, ...at, verdict: 'drop', steps };
  }
  const set = rules.sets[outcome.to];
  if (outcome.to === 'cluster') steps.push(...silenceSteps(rules));
  steps.push(`One of ${set.length} ${outcome.to === 'local' ? 'endpoints of this node' : 'endpoints'} takes it`);
  if (rules.affinitySeconds > 0) {
    steps.push(`A client that came within ${rules.affinitySeconds} s stays with the endpoint it had`);
  }
  steps.push(outcome.masquerade ? "Endpoints see the node's address" : `Endpoints see ${packet.from}`);
  const chances = chancesOf(set, rules.pick);
  const endpoints = set.map((endpoint, place): TracedEndpoint => {
    const isClient = endpoint.address === packet.from;
    // Each node knows its own pods: the client's node would have led the packet back as from the node.
    const masqueraded = outcome.masquerade || (isClient && endpoint.local);
    return { ...endpoint, chance: chances[place] ?? 0, masqueraded, lost: isClient && !masqueraded };
  });
  const itself = endpoints.find(({ address }) => address === packet.from);
  if (itself?.lost === true) {
    steps.push(`${packet.from} is one of them, on another node: it drops what comes back from its own address`);
  } else if (itself !== undefined && !outcome.masquerade) {
    steps.push(`${packet.from} is one of them: itself it sees as the node's address`);
  }
  return { ...at, verdict: 'forward', endpoints, steps };
}

/** By node, in the order of its endpoints. */
function silenceSteps({ leftOut }: PortRules): string[] {
  const byNode = Map.groupBy(leftOut, ({ node }) => node);
  return [...byNode].map(([node, endpoints]) => {
    const which = endpoints.map(({ address, port }) =>
      address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    );
    const count = which.length === 1 ? 'An endpoint' : `${which.length} endpoints`;
    return `${count} of node "${node}" (${which.join(', ')}) ${which.length === 1 ? 'is' : 'are'} left out: the node is silent`;
  });
}

/** Whose address it is. Addresses are compared in their one spelling (lib/ip.ts). */
export function sourceClass(node: NodeFacts, address: string): SourceClass {
  return sourceClassifier(node)(address);
}

/** The same, for whoever asks again and again. */
export function sourceClassifier(node: NodeFacts): (address: string) => SourceClass {
  const isPod = inAnyOf(node.podRanges);
  const own = new Set(node.addresses);
  return (address) => (isPod(address) ? 'pod' : own.has(address) ? 'node' : 'other');
}

const nowhere = { service: undefined, front: undefined, endpoints: [], affinitySeconds: 0 } as const;

function findFront(model: RuleModel, packet: Packet): Found | undefined {
  for (const rules of model.ports.values()) {
    if (rules.protocol !== packet.protocol) continue;
    const front = rules.fronts.find(({ address, port }) => address === packet.to && port === packet.port);
    if (front !== undefined) return { rules, front };
  }
  return undefined;
}

/** No Service serves this port: what the address is decides. */
function unserved(model: RuleModel, { to, port, protocol }: Packet, steps: string[]): { readonly verdict: Verdict } {
  for (const rules of model.ports.values()) {
    if (!rules.fronts.some(({ kind, address }) => kind === 'cluster_ip' && address === to)) continue;
    steps.push(`${to} is the ClusterIP of Service "${rules.service}", which has no port ${port}/${protocol}: rejected`);
    return { verdict: 'reject' };
  }
  const family = familyOf(to);
  const range = model.node.serviceRanges.find((one) => familyOf(one) === family && inAnyOf([one])(to));
  if (range !== undefined) {
    steps.push(`${to} is in the Service range ${range}, and no Service has it: dropped`);
    return { verdict: 'drop' };
  }
  steps.push(`No Service has ${socketAddress(to, port)}/${protocol}: it goes its way`);
  return { verdict: 'pass' };
}

function socketAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function sourceWords(source: SourceClass, node: NodeFacts): string {
  if (source === 'pod') return 'the address of a pod';
  return source === 'node'
    ? `an address of node "${node.name}"`
    : 'neither of the node nor of a pod that counts as its own';
}

function kindWords({ kind }: Front): string {
  const words = {
    cluster_ip: 'the ClusterIP',
    external_ip: 'an external IP',
    load_balancer: 'a load-balancer address',
    node_port: 'a node port',
  };
  return words[kind];
}
