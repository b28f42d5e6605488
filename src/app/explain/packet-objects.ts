// Where the objects come from that decide about a packet: a cluster, or manifests alone.
// Knows clients and files; what becomes of the packet is explain-packet's matter.
import type { Event, Node, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { gatewayResource } from '#kube/api/gateway/resources.ts';
import type { GrpcRoute, HttpRoute } from '#kube/api/gateway/types.ts';
import { type KubeObject, objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { ServiceCidr } from '#kube/api/service-ranges.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';
import { checkLocalMode, checkRanges } from '../cli/checks.ts';
import { type ConnectOptions, connect } from '../cli/connect.ts';
import { formatProblem } from '../manifests/format.ts';
import type { NodeSettings } from '../service-proxy/node-watch.ts';
import { expectedSlices } from './expected-pods.ts';
import { type AskedSettings, explainPacket, type PacketExplanation, type PacketObjects } from './explain-packet.ts';
import { type AskedPacket, packetQuestion } from './packet-question.ts';

export interface PacketSource extends ConnectOptions {
  /** Manifests in place of a cluster. */
  readonly filename?: readonly string[];
  readonly recursive: boolean;
  readonly serviceCidr?: readonly string[];
  readonly clusterCidr?: readonly string[];
  readonly detectLocalMode?: NodeSettings['detectLocal'];
  /** `primary`, or ranges. */
  readonly nodeportAddresses?: readonly string[];
  readonly masqueradeAll?: boolean;
}

/** `problems` are sentences about manifests that cannot be read. */
export async function explainPacketOf(
  asked: AskedPacket,
  source: PacketSource,
): Promise<{ readonly explanation: PacketExplanation; readonly problems: readonly string[] }> {
  // Before anything is fetched, so that wrong usage is told without a cluster.
  const question = packetQuestion(asked);
  const { filename, recursive } = source;
  const settings = settingsOf(source);
  const { objects, problems } =
    filename === undefined ? await fromCluster(source) : await fromManifests(filename, recursive);
  return { explanation: explainPacket(objects, question, settings), problems };
}

/** Throws a `UsageFailure` for what a service proxy would refuse as well. */
function settingsOf({
  serviceCidr = [],
  clusterCidr = [],
  detectLocalMode = clusterCidr.length > 0 ? 'ClusterCIDR' : 'NodeCIDR',
  nodeportAddresses = ['primary'],
  masqueradeAll = false,
}: PacketSource): AskedSettings {
  const primary = nodeportAddresses.length === 1 && nodeportAddresses[0] === 'primary';
  checkRanges('--service-cidr', serviceCidr, '10.96.0.0/16');
  checkRanges('--cluster-cidr', clusterCidr, '10.244.0.0/16');
  if (!primary) checkRanges('--nodeport-addresses', nodeportAddresses, '192.0.2.0/24, or primary');
  checkLocalMode(detectLocalMode, clusterCidr);
  return {
    services: serviceCidr,
    pods: clusterCidr,
    detectLocal: detectLocalMode,
    nodePortAddresses: primary ? 'primary' : nodeportAddresses,
    masqueradeAll,
  };
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
    const [services, endpointSlices, nodes, pods, ofNodes, ofServices, serviceRanges, httpRoutes, grpcRoutes] =
      await Promise.all([
        all<Service>('Service'),
        all<EndpointSlice>('EndpointSlice'),
        all<Node>('Node'),
        all<Pod>('Pod'),
        eventsOf(client, 'Node'),
        eventsOf(client, 'Service'),
        readable(all<ServiceCidr>('ServiceCIDR')),
        readable(listed<HttpRoute>(client, 'HTTPRoute')),
        readable(listed<GrpcRoute>(client, 'GRPCRoute')),
      ]);
    const events = [...ofNodes, ...ofServices];
    const routes = { httpRoutes, grpcRoutes };
    return { objects: { services, endpointSlices, nodes, pods, serviceRanges, events, routes }, problems: [] };
  } finally {
    await client.close();
  }
}

async function listed<T extends KubeObject>(client: Client, kind: string): Promise<readonly T[]> {
  return (await client.list<T>(gatewayResource(kind))).items;
}

/** Nothing where the cluster has none, or whoever asks may not see them: then the flag says what there is. */
async function readable<T>(listing: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await listing;
  } catch (error) {
    if (isStatus(error, 403) || isStatus(error, 404)) return [];
    throw error;
  }
}

async function eventsOf(client: Client, kind: string): Promise<readonly Event[]> {
  const about = { fieldSelector: `involvedObject.kind=${kind}` };
  return (await client.list<Event & KubeObject>(builtin('Event'), about)).items;
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
  const routes = { httpRoutes: of<HttpRoute>('HTTPRoute'), grpcRoutes: of<GrpcRoute>('GRPCRoute') };
  const [nodes, pods, events] = [of<Node>('Node'), of<Pod>('Pod'), of<Event>('Event')];
  return {
    objects: {
      services,
      endpointSlices,
      nodes,
      pods,
      serviceRanges: of<ServiceCidr>('ServiceCIDR'),
      events,
      routes,
    },
    problems: problems.map(formatProblem),
  };
}

function inNamespace(object: KubeObject): KubeObject {
  const { metadata } = object;
  return metadata?.namespace === undefined && object.kind !== 'Node'
    ? { ...object, metadata: { ...metadata, namespace: 'default' } }
    : object;
}
