// From one Service port to its rules on one node: a pure function, so that each port compiles alone.
// The table of outcomes is that of kube-proxy; nobody else decides what is rejected, dropped or masqueraded.
import { canonicalIp, type Family, familyOf, inAnyOf } from '#lib/ip.ts';
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { type Categorized, categorize, type SilentNodes } from './categorize.ts';
import type { NodeFacts, SourceClass } from './node-facts.ts';
import type { Drain, Front, HealthCheckRule, LeftOutEndpoint, Outcome, PortRules, RuleEndpoint } from './rule-model.ts';

export function compilePort(port: L4ServicePort, node: NodeFacts, silent: SilentNodes = NO_NODES): PortRules {
  const found = categorize(port, node, silent);
  const toRule = ({ address, port: number, weight, node: at }: L4Endpoint): RuleEndpoint => ({
    address,
    port: number,
    weight,
    local: at !== '' && at === node.name,
  });
  return {
    name: port.name,
    service: port.service,
    portName: port.portName,
    family: port.family,
    protocol: port.protocol,
    fronts: frontsOf(port, node),
    internal: oneOf(internalOutcomes(port, node, found)),
    external: oneOf(externalOutcomes(port, found)),
    sets: { cluster: mapped(found.cluster, toRule), local: mapped(found.local, toRule) },
    affinitySeconds: port.affinitySeconds,
    pick: port.pick,
    serving: port.protocol === 'UDP' ? servingOf(port.endpoints, found) : NOBODY,
    drain: drainOf(port, node),
    leftOut: found.leftOut.length === 0 ? NONE : found.leftOut.map(toLeftOut),
  };
}

const NO_NODES: SilentNodes = new Set();
const NOBODY: ReadonlySet<string> = new Set();
const NONE: readonly LeftOutEndpoint[] = [];
const NO_ENDPOINTS: readonly RuleEndpoint[] = [];

/** One list for all that have none: of 45,000 Services most have no set of the node alone. */
function mapped(from: readonly L4Endpoint[], toRule: (endpoint: L4Endpoint) => RuleEndpoint): readonly RuleEndpoint[] {
  return from.length === 0 ? NO_ENDPOINTS : from.map(toRule);
}

function toLeftOut({ address, port, node }: L4Endpoint): LeftOutEndpoint {
  return { address, port, node };
}

/** Flows to an endpoint on a silent node lead nowhere: their next packet begins anew with another. */
function servingOf(endpoints: readonly L4Endpoint[], { leftOut }: Categorized): ReadonlySet<string> {
  const serving = endpoints.filter((endpoint) => endpoint.serving && !leftOut.includes(endpoint));
  return new Set(serving.map(({ address, port }) => `${address} ${port}`));
}

/** Gone is who is not in the slices any more, and who terminates and serves no more; not ready is not gone. */
function drainOf({ protocol, drainMs, endpoints }: L4ServicePort, node: NodeFacts): Drain | undefined {
  const ms = drainMs ?? node.drainMs;
  if (protocol !== 'TCP' || ms === 0) return undefined;
  const kept = endpoints.filter(({ serving, terminating }) => serving || !terminating);
  return { ms, kept: new Set(kept.map(({ address, port }) => `${address} ${port}`)) };
}

/** What the health port of a Service answers; undefined when it has none. Terminating endpoints do not count. */
export function healthCheckOf(port: L4ServicePort, node: NodeFacts): HealthCheckRule | undefined {
  if (port.healthCheckNodePort === 0) return undefined;
  const localEndpoints = port.endpoints.filter(({ ready, node: at }) => ready && at === node.name).length;
  return { service: port.service, port: port.healthCheckNodePort, localEndpoints };
}

function internalOutcomes(port: L4ServicePort, node: NodeFacts, found: Categorized): PortRules['internal'] {
  if (!found.hasAny) return everybody({ type: 'reject' });
  const to = port.internalLocal ? 'local' : 'cluster';
  if (found[to].length === 0) return everybody({ type: port.internalLocal ? 'drop' : 'reject' });
  const way = (masquerade: boolean): Outcome => ({ type: 'forward', to, masquerade });
  // Whoever is no pod may be unknown to the endpoint's node, so that answers would not come back this way.
  const outsider = way(node.masqueradeAll || factsOf(node).podFamilies.has(port.family));
  return { pod: way(node.masqueradeAll), node: outsider, other: outsider };
}

function externalOutcomes(port: L4ServicePort, found: Categorized): PortRules['external'] {
  if (!found.hasAny) return everybody({ type: 'reject' });
  if (!port.externalLocal) {
    return everybody(
      found.cluster.length === 0 ? { type: 'reject' } : { type: 'forward', to: 'cluster', masquerade: true },
    );
  }
  // Pods and the node itself need no help of a load balancer that knows where endpoints are.
  const shortcut = (masquerade: boolean): Outcome =>
    found.cluster.length === 0 ? { type: 'drop' } : { type: 'forward', to: 'cluster', masquerade };
  return {
    pod: shortcut(false),
    node: shortcut(true),
    other: found.local.length === 0 ? { type: 'drop' } : { type: 'forward', to: 'local', masquerade: false },
  };
}

type Outcomes = Readonly<Record<SourceClass, Outcome>>;

function everybody(outcome: Outcome): Outcomes {
  return { pod: outcome, node: outcome, other: outcome };
}

const known: Outcomes[] = [];

/** One object for all ports with these outcomes: there are few, and 45,000 Services. */
function oneOf(outcomes: Outcomes): Outcomes {
  const { pod, node, other } = outcomes;
  const place = (codeOf(pod) * OUTCOMES + codeOf(node)) * OUTCOMES + codeOf(other);
  const had = known[place];
  if (had === undefined) known[place] = outcomes;
  return had ?? outcomes;
}

/** Kinds of outcomes. */
const OUTCOMES = 6;

function codeOf(outcome: Outcome): number {
  if (outcome.type !== 'forward') return outcome.type === 'drop' ? 0 : 1;
  return 2 + (outcome.to === 'local' ? 2 : 0) + (outcome.masquerade ? 1 : 0);
}

/** What is the same for every port: addresses take long to read. */
interface ReadFacts {
  readonly podFamilies: ReadonlySet<Family | undefined>;
  readonly nodePortAddresses: Readonly<Record<Family, readonly string[]>>;
}

const read = new WeakMap<NodeFacts, ReadFacts>();

function factsOf(node: NodeFacts): ReadFacts {
  let facts = read.get(node);
  if (facts === undefined) {
    const addresses = node.nodePortAddresses.map(canonicalIp).filter((address) => address !== undefined);
    const of = (family: Family): string[] => addresses.filter((address) => familyOf(address) === family);
    const podFamilies = new Set(node.podRanges.map(familyOf));
    facts = { podFamilies, nodePortAddresses: { IPv4: of('IPv4'), IPv6: of('IPv6') } };
    read.set(node, facts);
  }
  return facts;
}

function frontsOf(port: L4ServicePort, node: NodeFacts): readonly Front[] {
  const fronts: Front[] = [];
  const add = (kind: Front['kind'], address: string, number: number, allowedSources?: readonly string[]): void => {
    // An address that serves in two ways is the first of them; one of a load balancer keeps its source ranges so.
    if (fronts.some((front) => front.address === address && front.port === number)) return;
    fronts.push({ kind, address, port: number, allowedSources });
  };
  if (port.clusterIP !== '') add('cluster_ip', port.clusterIP, port.port);
  for (const address of port.loadBalancerIPs) {
    add('load_balancer', address, port.port, allowedOn(address, port.loadBalancerSources, node));
  }
  for (const address of port.externalIPs) add('external_ip', address, port.port);
  if (port.nodePort > 0) {
    for (const address of factsOf(node).nodePortAddresses[port.family]) add('node_port', address, port.nodePort);
  }
  return fronts;
}

/** Where the node may, its own traffic may too, though it can bear the balancer's address as its source (upstream). */
function allowedOn(
  address: string,
  sources: readonly string[] | undefined,
  node: NodeFacts,
): readonly string[] | undefined {
  if (sources === undefined) return undefined;
  const own = node.addresses.some(inAnyOf(sources)) && !inAnyOf(sources)(address);
  return own ? [...sources, `${address}/${address.includes(':') ? 128 : 32}`] : sources;
}
