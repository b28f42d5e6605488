// metrics.k8s.io: what nodes and pods use now, for `kubectl top` and for autoscalers; answered and never stored.
// Knows how figures become objects; where they come from is kubelet-summary.ts. (Upstream: kubernetes-sigs/metrics-server.)
import type { ResourceDefinition } from '#kube/api/resources.ts';
import { notFound } from '#kube/api/status.ts';
import type { Handler, ResourceRequest } from '../context.ts';
import { representList, representObject } from '../http/represent.ts';
import { type AnyObject, digString } from '../registry/any-object.ts';
import { representOptions } from '../verbs/read.ts';
import { selectionOf } from '../verbs/selection.ts';
import { timestamp } from '../write/times.ts';
import { type Figures, type Summary, summaryOf } from './kubelet-summary.ts';

const GROUP = 'metrics.k8s.io';
/** Over which time a kubelet measures the use of CPU. */
const WINDOW = '10s';

const common = { group: GROUP, version: 'v1beta1', singular: '', shortNames: [], categories: [], subresources: [] };
const verbs = ['get', 'list'] as const;

/** In discovery, beside the resources that are stored. */
export const metricsResources: readonly ResourceDefinition[] = [
  { ...common, resource: 'nodes', kind: 'NodeMetrics', namespaced: false, verbs },
  { ...common, resource: 'pods', kind: 'PodMetrics', namespaced: true, verbs },
];

/** The handler of a resource of this group; `undefined` for every other. */
export function metricsHandler({ group, resource }: ResourceDefinition): Handler | undefined {
  if (group !== GROUP) return undefined;
  return resource === 'nodes' ? nodeMetrics : podMetrics;
}

async function nodeMetrics(request: ResourceRequest): Promise<{ code: number; object: unknown }> {
  const nodes = nodesOf(request);
  const wanted = nodes.filter(selectionOf(request).matches);
  const found = await Promise.all(
    wanted.map(async (node): Promise<AnyObject[]> => {
      const summary = await summaryOf(request.server, node);
      return summary?.node.cpu?.usageNanoCores === undefined
        ? []
        : [{ ...head(request, node), ...measured(summary.node), usage: usage(summary.node) }];
    }),
  );
  return answer(request, found.flat());
}

async function podMetrics(request: ResourceRequest): Promise<{ code: number; object: unknown }> {
  const pods = request.server.registry
    .builtin('', 'v1', 'pods')
    .collection.list(request.namespace)
    .map(({ object }) => object)
    .filter(selectionOf(request).matches);
  const byNode = new Map<string, Summary | undefined>();
  const names = new Set(pods.map((pod) => digString(pod, 'spec', 'nodeName')));
  await Promise.all(
    nodesOf(request)
      .filter((node) => names.has(node.metadata?.name ?? ''))
      .map(async (node) => byNode.set(node.metadata?.name ?? '', await summaryOf(request.server, node))),
  );
  const found = pods.flatMap((pod): AnyObject[] => {
    const summary = byNode.get(digString(pod, 'spec', 'nodeName'));
    const own = summary?.pods.find(({ podRef }) => podRef.uid === pod.metadata?.uid);
    const containers = own?.containers ?? [];
    // As metrics-server: a part of what a pod uses would pass for the whole of it.
    const isWhole = containers.every(({ cpu }) => cpu?.usageNanoCores !== undefined);
    const oldest = containers.toSorted((a, b) => timeOf(a) - timeOf(b))[0];
    if (!isWhole || oldest === undefined) return [];
    return [
      {
        ...head(request, pod),
        ...measured(oldest),
        containers: containers.map((one) => ({ name: one.name, usage: usage(one) })),
      },
    ];
  });
  return answer(request, found);
}

function nodesOf({ server }: ResourceRequest): AnyObject[] {
  return server.registry
    .builtin('', 'v1', 'nodes')
    .collection.list(undefined)
    .map(({ object }) => object);
}

function head({ server, resource }: ResourceRequest, { metadata = {} }: AnyObject): AnyObject {
  const { name, namespace, labels } = metadata;
  return {
    kind: resource.definition.kind,
    apiVersion: `${GROUP}/${resource.definition.version}`,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: timestamp(server.clock.wall()),
      ...(labels === undefined ? {} : { labels }),
    },
  } as AnyObject;
}

const timeOf = ({ cpu }: Figures): number => Date.parse(cpu?.time ?? '') || 0;

const measured = ({ cpu }: Figures): { timestamp: string; window: string } => ({
  timestamp: cpu?.time ?? '',
  window: WINDOW,
});

/** CPU in billionths, memory in whole kibibytes, as metrics-server writes them. */
function usage({ cpu, memory }: Figures): { cpu: string; memory: string } {
  return {
    cpu: `${cpu?.usageNanoCores ?? 0}n`,
    memory: `${Math.floor((memory?.workingSetBytes ?? 0) / 1024)}Ki`,
  };
}

function answer(request: ResourceRequest, objects: readonly AnyObject[]): { code: number; object: unknown } {
  const { resource, name } = request;
  const options = representOptions(request);
  if (name === undefined) return { code: 200, object: representList(resource, objects, {}, options) };
  const [found] = objects;
  if (found === undefined) throw notFound(resource.definition, name);
  return { code: 200, object: representObject(resource, found, options) };
}
