// What becomes of a packet to a Service: the rules of the node that it meets first, compiled from objects and traced.
// Pure: the same translation, rules and tracer that service proxies are held to; asks no kernel.
import type { Event, Node, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { canonicalIp, inAnyOf } from '#lib/ip.ts';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { translateL4 } from '#traffic/model/l4/translate-l4.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { type Packet, type Trace, trace } from '#traffic/snapshot/rules/trace.ts';
import { Failure } from '../failure.ts';
import { nodeFactsOf } from '../service-proxy/node-watch.ts';
import type { PacketQuestion } from './packet-question.ts';
import { silentFor } from './silent-nodes.ts';

export interface PacketObjects {
  readonly services: readonly (Service & KubeObject)[];
  readonly endpointSlices: readonly (EndpointSlice & KubeObject)[];
  readonly nodes: readonly (Node & KubeObject)[];
  readonly pods: readonly (Pod & KubeObject)[];
  /** About Nodes. */
  readonly events: readonly Event[];
}

export interface PacketExplanation extends Trace {
  readonly packet: Packet;
  /** Whose rules it meets; empty without nodes. */
  readonly node: string;
  /** Pod that has an endpoint's address, as `namespace/name`. */
  readonly pods: Readonly<Record<string, string>>;
}

/** Throws a `Failure` where the pod or the node is not there. */
export function explainPacket(
  objects: PacketObjects,
  question: PacketQuestion,
  serviceCidrs: readonly string[],
): PacketExplanation {
  const from = addressOf(question.from, question.to, objects.pods);
  const packet: Packet = { from, to: question.to, port: question.port, protocol: question.protocol };
  const node = nodeOf(question, from, objects.nodes);
  const book = new RuleBook(factsOf(node, objects.nodes, serviceCidrs));
  const slices = Map.groupBy(objects.endpointSlices, serviceKeyOf);
  const ports = new Map<string, L4ServicePort>();
  for (const service of objects.services) {
    for (const [name, port] of translateL4(service, slices.get(objectKey(service)) ?? [])) ports.set(name, port);
  }
  book.change(ports);
  book.changeSilent(silentFor(node?.metadata?.name ?? '', objects.events));
  const found = trace(book.model, packet);
  return { packet, node: node?.metadata?.name ?? '', ...found, pods: podsAt(found, objects.endpointSlices) };
}

function addressOf(from: PacketQuestion['from'], to: string, pods: PacketObjects['pods']): string {
  if ('address' in from) return from.address;
  const pod = pods.find((one) => objectKey(one) === from.pod);
  if (pod === undefined)
    throw new Failure(`There is no pod "${from.pod}"`, 'Give --from namespace/name of one that is');
  const addresses = (pod.status?.podIPs ?? []).flatMap(({ ip }) => canonicalIp(ip ?? '') ?? []);
  const address = addresses.find((one) => one.includes(':') === to.includes(':'));
  if (address === undefined) {
    throw new Failure(
      `Pod "${from.pod}" has no address of the family of ${to}`,
      'Ask for an address of another family',
    );
  }
  return address;
}

/** The node that is named; else that of the sender; else the node whose address is asked for; else the first. */
function nodeOf(
  question: PacketQuestion,
  from: string,
  nodes: PacketObjects['nodes'],
): (Node & KubeObject) | undefined {
  if (question.node !== undefined) {
    const named = nodes.find(({ metadata }) => metadata?.name === question.node);
    if (named !== undefined) return named;
    const known = nodes.map(({ metadata }) => metadata?.name).join(', ') || 'none';
    throw new Failure(`There is no node "${question.node}"`, `Give --node one of those there are: ${known}`);
  }
  const has = (address: string) => (node: Node) =>
    (node.status?.addresses ?? []).some((one) => canonicalIp(one.address) === address);
  return (
    nodes.find((node) => inAnyOf(podCidrsOf(node))(from)) ??
    nodes.find(has(from)) ??
    nodes.find(has(question.to)) ??
    nodes[0]
  );
}

function podCidrsOf({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
}

function factsOf(
  node: (Node & KubeObject) | undefined,
  nodes: PacketObjects['nodes'],
  serviceCidrs: readonly string[],
): NodeFacts {
  const clusterCidrs = nodes.flatMap(podCidrsOf);
  const settings = {
    name: node?.metadata?.name ?? '',
    clusterCidrs,
    detectLocal: 'ClusterCIDR' as const,
    serviceCidrs,
    nodePortAddresses: 'primary' as const,
    masqueradeAll: false,
    drainMs: 0,
  };
  return nodeFactsOf(settings, node, []);
}

function podsAt({ endpoints }: Trace, slices: PacketObjects['endpointSlices']): Record<string, string> {
  const wanted = new Set(endpoints.map(({ address }) => address));
  const pods: Record<string, string> = {};
  for (const slice of slices) {
    for (const { addresses, targetRef } of slice.endpoints ?? []) {
      const address = canonicalIp(addresses[0] ?? '') ?? '';
      if (!wanted.has(address) || targetRef?.kind !== 'Pod') continue;
      pods[address] = `${targetRef.namespace ?? slice.metadata?.namespace ?? ''}/${targetRef.name ?? ''}`;
    }
  }
  return pods;
}
