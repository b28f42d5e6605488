// What becomes of a packet to a Service: the rules of the node that it meets first, compiled from objects and traced.
// Pure: the same translation, rules and tracer that service proxies are held to; asks no kernel.
import type { Event, Node, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import type { ServiceCidr } from '#kube/api/service-ranges.ts';
import { canonicalIp, inAnyOf } from '#lib/ip.ts';
import type { L4ServicePort } from '#traffic/model/l4/service-port.ts';
import { translateL4 } from '#traffic/model/l4/translate-l4.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import { RuleBook } from '#traffic/snapshot/rules/rule-book.ts';
import { type Packet, type Trace, trace } from '#traffic/snapshot/rules/trace.ts';
import { Failure } from '../failure.ts';
import { LEADS_MACHINE } from '../nodes/fabric/leads-machine.ts';
import { type NodeSettings, nodeFactsOf, rangesOf } from '../service-proxy/node-watch.ts';
import { answeringNode, type ChosenNode } from './answering-node.ts';
import { type MeshRoutes, meshRouteOf } from './mesh-route.ts';
import type { PacketQuestion } from './packet-question.ts';
import { silentFor } from './silent-nodes.ts';

export interface PacketObjects {
  readonly services: readonly (Service & KubeObject)[];
  readonly endpointSlices: readonly (EndpointSlice & KubeObject)[];
  readonly nodes: readonly (Node & KubeObject)[];
  readonly pods: readonly (Pod & KubeObject)[];
  /** Of which Services have addresses. */
  readonly serviceRanges?: readonly ServiceCidr[];
  /** About Nodes and Services. */
  readonly events: readonly Event[];
  /** Of the Gateway API, whose parents may be Services. */
  readonly routes: MeshRoutes;
}

/** As service proxies are told it. */
export interface AskedSettings {
  /** Empty: addresses that no Service has go their way. */
  readonly services: readonly string[];
  /** For `ClusterCIDR`. */
  readonly pods: readonly string[];
  /** With `NodeCIDR` the node's own pods are pods, wherever it is that they have their addresses from. */
  readonly detectLocal: NodeSettings['detectLocal'];
  readonly nodePortAddresses: NodeSettings['nodePortAddresses'];
  readonly masqueradeAll: boolean;
}

export interface PacketExplanation extends Trace {
  readonly packet: Packet;
  /** Whose rules it meets; empty without nodes. */
  readonly node: string;
  /** Why it is this node, where it is not the one of an address or a pod. */
  readonly because: string | undefined;
  /** Which routes requests of the connection meet; undefined where there are none for them. */
  readonly mesh: string | undefined;
  /** Pod that has an endpoint's address, as `namespace/name`. */
  readonly pods: Readonly<Record<string, string>>;
}

/** Throws a `Failure` where the pod or the node is not there. */
export function explainPacket(
  objects: PacketObjects,
  question: PacketQuestion,
  settings: AskedSettings,
): PacketExplanation {
  const from = addressOf(question.from, question.to, objects.pods);
  const packet: Packet = { from, to: question.to, port: question.port, protocol: question.protocol };
  const { node, because } = nodeOf(question, from, objects);
  const book = new RuleBook(factsOf(node, objects, settings));
  const slices = Map.groupBy(objects.endpointSlices, serviceKeyOf);
  const ports = new Map<string, L4ServicePort>();
  for (const service of objects.services) {
    for (const [name, port] of translateL4(service, slices.get(objectKey(service)) ?? [])) ports.set(name, port);
  }
  book.change(ports);
  book.changeSilent(silentFor(node?.metadata?.name ?? '', objects.events));
  const found = trace(book.model, packet);
  const mesh = meshOf(found, packet, objects);
  return {
    packet,
    node: node?.metadata?.name ?? '',
    because,
    ...found,
    mesh,
    pods: podsAt(found, objects.endpointSlices),
  };
}

/** Of cluster IPs alone: who comes by another way meets no route. */
function meshOf({ service, front }: Trace, { from }: Packet, objects: PacketObjects): string | undefined {
  const [port = '', rest] = (service ?? '').split('/TCP/');
  if (rest === undefined || front?.kind !== 'cluster_ip') return undefined;
  const services = new Map(objects.services.map((one) => [objectKey(one), one]));
  return meshRouteOf(port, from, objects.routes, (key) => services.get(key), objects.pods);
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

/**
 * The node whose rules the packet meets: the one that is named; else the one whose address is asked for, since rules of
 * the sender's node know nothing of its ports; else that of the sender; else, for a load-balancer address, the one that
 * answers for it; else the one that leads the machine of an embedded cluster; else the first.
 */
function nodeOf(question: PacketQuestion, from: string, objects: PacketObjects): ChosenNode {
  const { nodes, pods } = objects;
  if (question.node !== undefined) {
    const named = nodes.find(({ metadata }) => metadata?.name === question.node);
    if (named !== undefined) return { node: named };
    const known = nodes.map(({ metadata }) => metadata?.name).join(', ') || 'none';
    throw new Failure(`There is no node "${question.node}"`, `Give --node one of those there are: ${known}`);
  }
  const has = (address: string) => (node: Node) =>
    (node.status?.addresses ?? []).some((one) => canonicalIp(one.address) === address);
  const near =
    nodes.find(has(question.to)) ??
    nodes.find((node) => inAnyOf(podRangesOf(node, pods))(from)) ??
    nodes.find(has(from));
  if (near !== undefined) return { node: near };
  const leader = nodes.find(({ metadata }) => metadata?.annotations?.[LEADS_MACHINE] !== undefined);
  const leading = leader === undefined ? undefined : { node: leader, because: 'which leads this machine to Services' };
  return answeringNode(question.to, objects) ?? leading ?? { node: nodes[0] };
}

/** What the Node says; else the addresses of its pods, where a plugin gives them without a word to the Node. */
function podRangesOf({ metadata, spec }: Node, pods: PacketObjects['pods']): readonly string[] {
  if (spec?.podCIDRs !== undefined) return spec.podCIDRs;
  if (spec?.podCIDR !== undefined) return [spec.podCIDR];
  return pods
    .filter((pod) => pod.spec?.nodeName === metadata?.name && pod.spec?.hostNetwork !== true)
    .flatMap((pod) => (pod.status?.podIPs ?? []).map(({ ip = '' }) => `${ip}/${ip.includes(':') ? 128 : 32}`));
}

function factsOf(
  node: (Node & KubeObject) | undefined,
  { pods, services: all, serviceRanges = [] }: PacketObjects,
  { detectLocal, pods: podRanges, services, nodePortAddresses, masqueradeAll }: AskedSettings,
): NodeFacts {
  const ofNode = detectLocal === 'NodeCIDR' && node !== undefined;
  const settings: NodeSettings = {
    name: node?.metadata?.name ?? '',
    clusterCidrs: ofNode ? podRangesOf(node, pods) : podRanges,
    detectLocal: detectLocal === 'None' ? 'None' : 'ClusterCIDR',
    serviceCidrs: services,
    apart: all.filter(isOthers).flatMap(({ spec }) => spec?.clusterIPs ?? spec?.clusterIP ?? []),
    nodePortAddresses,
    masqueradeAll,
    drainMs: 0,
  };
  return nodeFactsOf(settings, node, [], rangesOf(serviceRanges));
}

/** Served by somebody else, as the name server of an embedded cluster is. */
function isOthers({ metadata }: Service): boolean {
  return metadata?.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined;
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
