// An EndpointSlice as a proxy keeps it: what layer 4 reads of it, its endpoints in one string until somebody asks.
// A third of what the object takes with all its fields trimmed, a tenth of what the API sends. Knows no Service.
import type { Endpoint, EndpointConditions, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { SERVICE_NAME_LABEL } from '../service-endpoints.ts';
import { shared } from './shared-parts.ts';
import { defined, trimAnnotations, trimLabels } from './trims.ts';

/** When the endpoints of a slice changed, as its controller says: RFC 3339. */
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

/** All but the endpoints: the same in most slices of a cluster. */
type Head = Pick<EndpointSlice, 'addressType' | 'ports'> & {
  readonly metadata: Pick<NonNullable<EndpointSlice['metadata']>, 'labels' | 'annotations'>;
};

export interface PackedSlice extends KubeObject {
  /** `namespace/name` of its Service; empty when it names none. */
  readonly service: string;
  /** Milliseconds of the wall; NaN when it does not say. */
  readonly changed: number;
  /** Undefined for a slice of unforeseen shape, which is `whole`. */
  readonly head?: Head;
  readonly endpoints?: string;
  readonly whole?: EndpointSlice;
}

/** Address, conditions as a number (`CONDITIONS`), node, hints. */
type PackedEndpoint = [address: string, conditions: number, node?: string | null, hints?: Endpoint['hints']];

const CONDITIONS = ['ready', 'serving', 'terminating'] as const;
/** Left out, false, true: what a condition may be. */
const STATES = [undefined, false, true] as const;

export function packSlice(object: KubeObject): PackedSlice {
  const slice = object as EndpointSlice & KubeObject;
  const { namespace, name, resourceVersion, labels, annotations } = slice.metadata ?? {};
  const service = labels?.[SERVICE_NAME_LABEL] ?? '';
  const which = {
    metadata: defined({ namespace: shared.one(namespace), name, resourceVersion }),
    service: service === '' ? '' : `${namespace ?? ''}/${service}`,
    changed: Date.parse(annotations?.[TRIGGER_TIME] ?? ''),
  };
  try {
    const ports = slice.ports?.map(({ name: port, port: number, protocol }) =>
      defined({ name: port, port: number, protocol }),
    );
    const metadata = defined({ labels: trimLabels(labels), annotations: trimAnnotations(annotations) });
    const head = shared.one(defined<Head>({ addressType: slice.addressType, ports, metadata }));
    return { ...which, head, endpoints: JSON.stringify((slice.endpoints ?? []).map(pack)) };
  } catch {
    // Who translates it says what is wrong with it.
    return { ...which, whole: slice };
  }
}

export function unpackSlice({ metadata, service, head, endpoints, whole }: PackedSlice): EndpointSlice {
  if (head === undefined || endpoints === undefined) return whole ?? { addressType: '', endpoints: [] };
  const labels =
    service === '' ? head.metadata.labels : { ...head.metadata.labels, [SERVICE_NAME_LABEL]: nameIn(service) };
  return {
    ...head,
    metadata: defined({ ...head.metadata, namespace: metadata?.namespace, name: metadata?.name, labels }),
    endpoints: (JSON.parse(endpoints) as PackedEndpoint[]).map(unpack),
  };
}

/** Whether an endpoint is on one of these nodes; none that is goes unnoticed. */
export function isOnAny({ endpoints, whole }: PackedSlice, nodes: ReadonlySet<string>): boolean {
  if (endpoints === undefined) return whole !== undefined;
  for (const node of nodes) if (endpoints.includes(JSON.stringify(node))) return true;
  return false;
}

function nameIn(key: string): string {
  return key.slice(key.indexOf('/') + 1);
}

function pack({ addresses, conditions, nodeName, hints }: Endpoint): PackedEndpoint {
  let number = 0;
  for (const name of CONDITIONS) number = number * STATES.length + STATES.indexOf(conditions?.[name] ?? undefined);
  // All addresses of an endpoint are the same one.
  const packed: PackedEndpoint = [addresses[0] ?? '', number];
  if (nodeName !== undefined || hints !== undefined) packed.push(nodeName ?? null);
  if (hints !== undefined) packed.push(hints);
  return packed;
}

function unpack([address, number, nodeName, hints]: PackedEndpoint): Endpoint {
  const conditions: EndpointConditions = {};
  let rest = number;
  for (const name of CONDITIONS.toReversed()) {
    const state = STATES[rest % STATES.length];
    if (state !== undefined) conditions[name] = state;
    rest = Math.floor(rest / STATES.length);
  }
  return defined<Endpoint>({ addresses: [address], conditions, nodeName: nodeName ?? undefined, hints });
}
