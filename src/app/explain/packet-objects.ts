// Where the objects come from that decide about a packet: a cluster, or manifests alone.
// Knows clients and files; what becomes of the packet is explain-packet's matter.
import type { Event, Node, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { canonicalCidr } from '#lib/ip.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';
import { type ConnectOptions, connect } from '../cli/connect.ts';
import { UsageFailure } from '../failure.ts';
import { formatProblem } from '../manifests/format.ts';
import { expectedSlices } from './expected-pods.ts';
import { explainPacket, type PacketExplanation, type PacketObjects } from './explain-packet.ts';
import { type AskedPacket, packetQuestion } from './packet-question.ts';

export interface PacketSource extends ConnectOptions {
  /** Manifests in place of a cluster. */
  readonly filename?: readonly string[];
  readonly recursive: boolean;
  readonly serviceCidr?: readonly string[];
  readonly clusterCidr?: readonly string[];
}

/** `problems` are sentences about manifests that cannot be read. */
export async function explainPacketOf(
  asked: AskedPacket,
  source: PacketSource,
): Promise<{ readonly explanation: PacketExplanation; readonly problems: readonly string[] }> {
  // Before anything is fetched, so that wrong usage is told without a cluster.
  const question = packetQuestion(asked);
  const { filename, recursive } = source;
  const ranges = {
    services: rangesOf('--service-cidr', source.serviceCidr, '10.96.0.0/16'),
    pods: rangesOf('--cluster-cidr', source.clusterCidr, '10.244.0.0/16'),
  };
  const { objects, problems } =
    filename === undefined ? await fromCluster(source) : await fromManifests(filename, recursive);
  return { explanation: explainPacket(objects, question, ranges), problems };
}

function rangesOf(flag: string, given: readonly string[] = [], example: string): readonly string[] {
  const wrong = given.find((range) => canonicalCidr(range) === undefined);
  if (wrong !== undefined) throw new UsageFailure(`${flag} "${wrong}" is no range`, `Give ${flag} e.g. ${example}`);
  return given;
}

interface Found {
  readonly objects: PacketObjects;
  readonly problems: readonly string[];
}

async function fromCluster(options: ConnectOptions): Promise<Found> {
  const { client } = await connect(options);
  try {
    const all = async <T>(kind: string): Promise<(T & KubeObject)[]> =>
      (await client.list<T & KubeObject>(builtin(kind))).items;
    const [services, endpointSlices, nodes, pods, events] = await Promise.all([
      all<Service>('Service'),
      all<EndpointSlice>('EndpointSlice'),
      all<Node>('Node'),
      all<Pod>('Pod'),
      client.list<Event & KubeObject>(builtin('Event'), { fieldSelector: 'involvedObject.kind=Node' }),
    ]);
    return { objects: { services, endpointSlices, nodes, pods, events: events.items }, problems: [] };
  } finally {
    await client.close();
  }
}

async function fromManifests(paths: readonly string[], recursive: boolean): Promise<Found> {
  const { readManifests } = await import('../manifests/read.ts');
  const { objects, problems } = await readManifests(paths, { recursive });
  const all = objects.map(({ object }) => inNamespace(object));
  const of = <T>(kind: string): (T & KubeObject)[] =>
    all.filter((object) => object.kind === kind) as (T & KubeObject)[];
  const services = of<Service>('Service');
  const slices = of<EndpointSlice>('EndpointSlice');
  const withSlices = new Set(slices.map(serviceKeyOf));
  const expected = expectedSlices(
    services.filter((service) => !withSlices.has(objectKey(service))),
    all,
  );
  const endpointSlices = [...slices, ...(expected as (EndpointSlice & KubeObject)[])];
  return {
    objects: { services, endpointSlices, nodes: of<Node>('Node'), pods: of<Pod>('Pod'), events: of<Event>('Event') },
    problems: problems.map(formatProblem),
  };
}

function inNamespace(object: KubeObject): KubeObject {
  const { metadata } = object;
  return metadata?.namespace === undefined && object.kind !== 'Node'
    ? { ...object, metadata: { ...metadata, namespace: 'default' } }
    : object;
}
