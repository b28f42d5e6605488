// Which endpoints of a Service port may be chosen on a node.
// The rules of upstream's pkg/proxy/topology.go, CategorizeEndpoints; knows no outcome.
import type { L4Endpoint, L4ServicePort } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts } from './node-facts.ts';

export interface Categorized {
  readonly cluster: readonly L4Endpoint[];
  readonly local: readonly L4Endpoint[];
  /** Somebody, anywhere, may be asked: ready, or the last ones to leave. */
  readonly hasAny: boolean;
  /** Endpoints that might be asked, but for the silence of their nodes. */
  readonly leftOut: readonly L4Endpoint[];
}

/** Nodes that are silent (traffic/announce/liveness): what is on them is left out, as long as anybody else may be asked. */
export type SilentNodes = ReadonlySet<string>;

export function categorize(port: L4ServicePort, node: NodeFacts, silent: SilentNodes): Categorized {
  const leftOut = leftOutOf(port, node, silent);
  const endpoints = leftOut.length === 0 ? port.endpoints : port.endpoints.filter((one) => !leftOut.includes(one));
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  // With nobody ready, those that still serve while they terminate are better than nobody (KEP-1669).
  const leaving = endpoints.filter(({ serving, terminating }) => serving && terminating);
  const external = isExternal(port);
  const usesCluster = !port.internalLocal || external;
  const usesLocal = port.internalLocal || (port.externalLocal && external);
  const isHere = ({ node: name }: L4Endpoint): boolean => name !== '' && name === node.name;
  const near = ready.filter(nearness(ready, node));
  const here = ready.filter(isHere);
  return {
    cluster: !usesCluster ? [] : near.length > 0 ? near : leaving,
    local: !usesLocal ? [] : here.length > 0 ? here : leaving.filter(isHere),
    hasAny: ready.length > 0 || leaving.length > 0,
    leftOut,
  };
}

/** Nobody, where nobody else would be left: better a node that may only seem silent than no endpoint. */
function leftOutOf({ endpoints }: L4ServicePort, node: NodeFacts, silent: SilentNodes): readonly L4Endpoint[] {
  if (silent.size === 0) return NOBODY;
  const mayBeAsked = ({ ready, serving, terminating }: L4Endpoint): boolean => ready || (serving && terminating);
  const usable = endpoints.filter(mayBeAsked);
  // What runs on this node is reached whatever its heartbeats do.
  const gone = usable.filter(({ node: at }) => at !== node.name && silent.has(at));
  return gone.length < usable.length ? gone : NOBODY;
}

const NOBODY: readonly L4Endpoint[] = [];

/** Reached by node port, load balancer or external IP. */
export function isExternal({ nodePort, loadBalancerIPs, externalIPs }: L4ServicePort): boolean {
  return nodePort > 0 || loadBalancerIPs.length > 0 || externalIPs.length > 0;
}

/**
 * Hints count only when every ready endpoint has them and one of them means this place: the choice as a whole falls
 * back to everybody, never a single endpoint.
 */
function nearness(ready: readonly L4Endpoint[], { name, zone }: NodeFacts): (endpoint: L4Endpoint) => boolean {
  const forNode = ({ hintedNodes }: L4Endpoint): boolean => hintedNodes.includes(name);
  const forZone = ({ hintedZones }: L4Endpoint): boolean => hintedZones.includes(zone);
  if (ready.every(({ hintedNodes }) => hintedNodes.length > 0) && ready.some(forNode)) return forNode;
  if (zone !== '' && ready.every(({ hintedZones }) => hintedZones.length > 0) && ready.some(forZone)) return forZone;
  return () => true;
}
