// What one Service port is in the kernel: virtual services, elements of sets, and addresses of the node's device.
// Pure: the whole of what the driver decides. Outcomes are the rule model's; no Service is looked at anew.
import type { Family } from '#lib/ip.ts';
import { familyOf } from '#lib/ip.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import {
  type EndpointSetName,
  type Front,
  type Outcome,
  outcomeOf,
  type PortRules,
  type RuleEndpoint,
} from '#traffic/snapshot/rules/rule-model.ts';
import { rangeElements, type SetName, setName, sourceClasses } from './ip-sets.ts';
import { addressKey, hostPort, markKey, type Scheduler, type Virtual } from './table.ts';

export interface PortState {
  readonly virtuals: ReadonlyMap<string, Virtual>;
  readonly elements: ReadonlyMap<string, string>;
  /** Addresses that the device has to have. */
  readonly addresses: ReadonlySet<string>;
}

export interface LayoutOptions {
  readonly prefix: string;
  /** For Services that do not ask for the same endpoint for the same client; `rr` or `wrr`, as weights ask, left out. */
  readonly scheduler: Scheduler | undefined;
  /** The mark of an endpoint set of this port, the same as long as the port is there. */
  readonly markOf: (set: EndpointSetName) => number;
  /** Addresses that the node has anyway. */
  readonly nodeAddresses: ReadonlySet<string>;
}

export function layoutPort(rules: PortRules, options: LayoutOptions): PortState {
  const virtuals = new Map<string, Virtual>();
  const elements = new Map<string, string>();
  const addresses = new Set<string>();
  const { family, protocol } = rules;
  const put = (name: SetName, element: string, words = ''): void => {
    elements.set(`${setName(options.prefix, name, family)} ${element}`, words);
  };
  const marked = needsMarks(rules);
  for (const front of rules.fronts) {
    const at = `${front.address},${protocol.toLowerCase()}:${front.port}`;
    const outcomes = sourceClasses.map((source) => [source, outcomeOf(rules, front, source)] as const);
    if (!options.nodeAddresses.has(front.address)) addresses.add(front.address);
    put('served', at);
    if (outcomes.every(([, { type }]) => type === 'reject')) put('reject', at);
    if (front.allowedSources !== undefined) {
      put('guarded', at);
      for (const range of front.allowedSources.flatMap(rangeElements)) put('sources', `${at},${range}`);
    }
    for (const [source, outcome] of outcomes) {
      if (outcome.type === 'drop') put(`drop-${source}`, at);
      if (outcome.type !== 'forward') continue;
      if (outcome.masquerade) put(`masq-${source}`, at);
      if (!marked) continue;
      const mark = options.markOf(outcome.to);
      put(`mark-${source}`, at, `skbmark 0x${mark.toString(16)}`);
      virtuals.set(markKey(mark, family), withoutMemory(virtualOf(rules, outcome.to, options.scheduler)));
    }
    // One with nobody behind it as well: its connections may still be under way to endpoints that are not asked any more.
    if (!marked) {
      const [to] = setsOf(outcomes.map(([, outcome]) => outcome));
      virtuals.set(
        addressKey(protocol, front.address, front.port),
        to === undefined
          ? { ...virtualOf(rules, 'cluster', options.scheduler), destinations: new Map() }
          : virtualOf(rules, to, options.scheduler),
      );
    }
  }
  for (const { address, port, local } of [...rules.sets.cluster, ...rules.sets.local]) {
    if (local) put('loop', `${address},${protocol.toLowerCase()}:${port},${address}`);
  }
  for (const address of addresses) put('ips', address);
  return { virtuals, elements, addresses };
}

/** Elements that say who and where the node is. */
export function layoutNode(node: NodeFacts, prefix: string, families: readonly Family[]): ReadonlyMap<string, string> {
  const elements = new Map<string, string>();
  const put = (name: SetName, text: string, element: string): void => {
    const family = familyOf(text);
    if (family !== undefined && families.includes(family))
      elements.set(`${setName(prefix, name, family)} ${element}`, '');
  };
  for (const range of node.podRanges) for (const element of rangeElements(range)) put('pods', range, element);
  for (const range of node.serviceRanges) for (const element of rangeElements(range)) put('ranges', range, element);
  for (const address of node.addresses) put('node', address, address);
  return elements;
}

/**
 * IPVS knows a virtual service by its address, or by a mark that stands for some packets. Marks are needed where an
 * address leads to other endpoints for other clients.
 */
function needsMarks(rules: PortRules): boolean {
  return rules.fronts.some((front) => setsOf(outcomesOf(rules, front)).length > 1);
}

function outcomesOf(rules: PortRules, front: Front): Outcome[] {
  return sourceClasses.map((source) => outcomeOf(rules, front, source));
}

function setsOf(outcomes: readonly Outcome[]): EndpointSetName[] {
  return [...new Set(outcomes.flatMap((outcome) => (outcome.type === 'forward' ? [outcome.to] : [])))];
}

function virtualOf(rules: PortRules, to: EndpointSetName, wanted: Scheduler | undefined): Virtual {
  const endpoints = rules.sets[to];
  // IPVS remembers a client for each address of a Service by itself; by its own address it is led to the same endpoint
  // from all of them, and is remembered there when endpoints change.
  const isSticky = rules.affinitySeconds > 0;
  const scheduler = rules.pick === 'source_hash' ? 'mh' : (wanted ?? (isSticky ? 'mh' : fairScheduler(endpoints)));
  return {
    scheduler,
    persistentSeconds: rules.affinitySeconds,
    others: flagsOf(scheduler),
    destinations: new Map(endpoints.map(({ address, port, weight }) => [hostPort(address, port), weight])),
  };
}

/**
 * IPVS changes no port for clients that it remembers by a mark: there a client has the same endpoint by its address,
 * for as long as the endpoints stay.
 */
function withoutMemory(virtual: Virtual): Virtual {
  return virtual.persistentSeconds === 0
    ? virtual
    : { ...virtual, scheduler: 'mh', persistentSeconds: 0, others: flagsOf('mh') };
}

/** Those that hash go on asking an endpoint of weight 0, one that drains, and refuse whom they led to it. */
function flagsOf(scheduler: Scheduler): string {
  return scheduler === 'mh' || scheduler === 'sh' ? `-b ${scheduler}-fallback` : '';
}

function fairScheduler(endpoints: readonly RuleEndpoint[]): Scheduler {
  return endpoints.every(({ weight }) => weight === endpoints[0]?.weight) ? 'rr' : 'wrr';
}
