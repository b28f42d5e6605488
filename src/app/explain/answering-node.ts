// Which node takes what the network sends to a load-balancer address: the one whose speaker says that it announces it.
// Reads events, as MetalLB's speakers write them too; elects nobody.
import type { Event, Node, Service } from 'kubernetes-types/core/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { canonicalIp } from '#lib/ip.ts';
import { Failure } from '../failure.ts';

export interface ChosenNode {
  readonly node: (Node & KubeObject) | undefined;
  /** A clause about the node. */
  readonly because?: string;
}

interface Known {
  readonly services: readonly (Service & KubeObject)[];
  readonly nodes: readonly (Node & KubeObject)[];
  readonly events: readonly Event[];
}

const ANNOUNCING = /^announcing from node "([^"]+)" with protocol "([^"]+)"/;

/**
 * Undefined when it is no load-balancer address. Throws a `Failure` that asks for the node when there are several and
 * none of them, or more than one, is known to take it.
 */
export function answeringNode(address: string, { services, nodes, events }: Known): ChosenNode | undefined {
  const service = services.find(({ status }) =>
    (status?.loadBalancer?.ingress ?? []).some(({ ip = '' }) => canonicalIp(ip) === address),
  );
  if (service === undefined) return undefined;
  const [only, ...more] = nodes;
  if (more.length === 0) return { node: only };
  const { namespace = '', name = '' } = service.metadata ?? {};
  const told = events
    .filter(
      ({ reason, involvedObject }) =>
        reason === 'nodeAssigned' && involvedObject.namespace === namespace && involvedObject.name === name,
    )
    .sort((a, b) => timeOf(b) - timeOf(a))
    .flatMap(({ message = '' }) => {
      const [, node = '', protocol = ''] = ANNOUNCING.exec(message) ?? [];
      return node === '' ? [] : [{ node, protocol }];
    });
  const [latest] = told;
  const remedy = `Give --node one of ${nodes.map(({ metadata }) => metadata?.name).join(', ')}`;
  if (latest === undefined) {
    throw new Failure(`Which node answers for ${address} is not known: no speaker has told of it`, remedy);
  }
  if (latest.protocol === 'bgp') {
    const all = [...new Set(told.filter(({ protocol }) => protocol === 'bgp').map(({ node }) => node))].sort();
    if (all.length > 1) throw new Failure(`Routers share ${address} among nodes ${all.join(', ')}`, remedy);
  }
  const node = nodes.find(({ metadata }) => metadata?.name === latest.node);
  if (node === undefined) {
    throw new Failure(`Node "${latest.node}", which was the last to answer for ${address}, is gone`, remedy);
  }
  return { node, because: `which answers for ${address}` };
}

/** Events carry one of several times, by who has written them. */
function timeOf({ lastTimestamp, eventTime, metadata, series }: Event): number {
  const times = [series?.lastObservedTime, lastTimestamp, eventTime, metadata?.creationTimestamp];
  return Math.max(...times.map((time) => (time === undefined || time === null ? 0 : Date.parse(String(time)) || 0)));
}
