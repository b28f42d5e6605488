// metrics.k8s.io: what nodes and pods use now, for `kubectl top` and for autoscalers; answered and never stored.
// Knows how figures become objects; where they come from is kubelet-summary.ts. (Upstream: kubernetes-sigs/metrics-server.)
import type { ResourceDefinition } from '#kube/api/resources.ts';
import { notFound } from '#kube/api/status.ts';
import { customOffer, negotiate } from '../http/negotiation.ts';
import { includeObjectOf, type RepresentOptions, representList, representObject } from '../http/represent.ts';
import { type AnyObject, digString } from '../registry/any-object.ts';
import { selectionIn } from '../verbs/selection.ts';
import { timestamp } from '../write/times.ts';
import { type Figures, type Summary, summaryOf } from './kubelet-summary.ts';
import type { MetricsHandler, MetricsHome, MetricsRequest } from './metrics-home.ts';

export const RESOURCE_METRICS = 'metrics.k8s.io';
const GROUP = RESOURCE_METRICS;
/** Over which time a kubelet measures the use of CPU. */
const WINDOW = '10s';

const common = { group: GROUP, version: 'v1beta1', singular: '', shortNames: [], categories: [], subresources: [] };
const verbs = ['get', 'list'] as const;

/** In discovery, beside the resources that are stored. */
export const metricsResources: readonly ResourceDefinition[] = [
  { ...common, resource: 'nodes', kind: 'NodeMetrics', namespaced: false, verbs },
  { ...common, resource: 'pods', kind: 'PodMetrics', namespaced: true, verbs },
];

/** The handler of a resource of this group. */
export function metricsHandler({ resource }: ResourceDefinition): MetricsHandler {
  return resource === 'nodes' ? nodeMetrics : podMetrics;
}

async function nodeMetrics(request: MetricsRequest): Promise<{ code: number; object: unknown }> {
  const { home } = request;
  const wanted = (await objectsOf(home, 'nodes')).filter(selected(request));
  const found = await Promise.all(
    wanted.map(async (node): Promise<AnyObject[]> => {
      const summary = await summaryOf(home, node);
      return summary?.node.cpu?.usageNanoCores === undefined
        ? []
        : [{ ...head(request, node), ...measured(summary.node), usage: usage(summary.node) }];
    }),
  );
  return answer(request, found.flat());
}

async function podMetrics(request: MetricsRequest): Promise<{ code: number; object: unknown }> {
  const { home } = request;
  const pods = (await objectsOf(home, 'pods', request.namespace)).filter(selected(request));
  const byNode = new Map<string, Summary | undefined>();
  const names = new Set(pods.map((pod) => digString(pod, 'spec', 'nodeName')));
  await Promise.all(
    (await objectsOf(home, 'nodes'))
      .filter((node) => names.has(node.metadata?.name ?? ''))
      .map(async (node) => byNode.set(node.metadata?.name ?? '', await summaryOf(home, node))),
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

async function objectsOf(home: MetricsHome, resource: string, namespace?: string): Promise<readonly AnyObject[]> {
  const kind = home.objectKind(resource);
  return kind === undefined ? [] : home.objects(kind, namespace);
}

function selected({ query, name }: MetricsRequest): (object: AnyObject) => boolean {
  return selectionIn(undefined, query, name).matches;
}

function head({ home, definition }: MetricsRequest, { metadata = {} }: AnyObject): AnyObject {
  const { name, namespace, labels } = metadata;
  return {
    kind: definition.kind,
    apiVersion: `${GROUP}/${definition.version}`,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      creationTimestamp: timestamp(home.clock.wall()),
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

function answer(request: MetricsRequest, objects: readonly AnyObject[]): { code: number; object: unknown } {
  const { definition, name, accept, query, home } = request;
  const resource = { definition, custom: undefined };
  const options: RepresentOptions = {
    accepted: negotiate(accept, customOffer),
    includeObject: includeObjectOf(query),
    wallMs: home.clock.wall(),
  };
  if (name === undefined) return { code: 200, object: representList(resource, objects, {}, options) };
  const [found] = objects;
  if (found === undefined) throw notFound(definition, name);
  return { code: 200, object: representObject(resource, found, options) };
}
