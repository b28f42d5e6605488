// EndpointSlice: publishes the addresses of the pods behind each Service that has a selector.
// Knows nothing of proxies; who balances reads the slices.
import type { Node, Pod, Service } from 'kubernetes-types/core/v1.js';
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { mapSelectorMatches } from '#kube/api/selector.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import { semanticallyEqual } from '../common/canonical.ts';
import { controllerReference } from '../common/owners.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { type AddressType, addressTypes, desiredGroups, isManaged, type PortGroup, withHints } from './desired.ts';
import { identity, planSlices, type SliceContent } from './diff.ts';
import { asksForTopology, cpuShares, nodeShare, topologyHints } from './topology.ts';
import { WriteTracker } from './write-tracker.ts';

const SERVICES = builtin('Service');
const SLICES = builtin('EndpointSlice');
const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';
const BY_SERVICE = 'service';

export const endpointSliceController: Controller = {
  name: 'endpointslice',
  component: 'endpoint-slice-controller',
  setup: (context) => new EndpointSliceController(context).parts(),
};

class EndpointSliceController {
  readonly #context: ControllerContext;
  readonly #services: Informer<Service>;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #writes: WriteTracker;
  /** What was last said of hints by zone, by Service and family: it is said once, not with every change of a pod. */
  readonly #said = new Map<string, string>();

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#writes = new WriteTracker(context.clock);
    this.#services = context.informers.of<Service>(SERVICES);
    this.#pods = context.informers.of<Pod>(builtin('Pod'));
    this.#nodes = context.informers.of<Node>(builtin('Node'));
    this.#slices = context.informers.of<EndpointSlice>(SLICES);
    this.#slices.addIndex(BY_SERVICE, serviceOfSlice);
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const queue = createWorkQueue('endpointslice', (key) => this.#reconcile(key), { clock, log, workers: 5 });
    this.#services.onChange((key) => queue.add(key));
    this.#pods.onChange((_key, now, before) => {
      if (now !== undefined && before !== undefined && !matters(now, before)) return;
      for (const key of this.#servicesOf(now, before)) queue.add(key);
    });
    this.#slices.onChange((_key, now, before) => {
      for (const slice of [before, now]) {
        if (slice === undefined) continue;
        for (const key of serviceOfSlice(slice)) {
          if (now === undefined) this.#writes.gone(key, slice);
          queue.add(key);
        }
      }
    });
    this.#nodes.onChange((_key, now, before) => {
      // Heartbeats change nodes all the time; only coming, going and moving to another zone matter here.
      const both = now !== undefined && before !== undefined;
      const same = both && semanticallyEqual(now.metadata?.labels, before.metadata?.labels);
      // And, for hints by zone, what the ready nodes have.
      const even = both && semanticallyEqual(nodeShare(now), nodeShare(before));
      if (same && even) return;
      for (const service of this.#services.list()) if (!same || asksForTopology(service)) queue.add(objectKey(service));
    });
    return { queues: [queue], reads: [this.#services, this.#pods, this.#nodes, this.#slices] };
  }

  #servicesOf(now: Pod | undefined, before: Pod | undefined): Set<string> {
    const keys = new Set<string>();
    for (const pod of [now, before]) {
      if (pod === undefined) continue;
      for (const service of this.#services.list(pod.metadata?.namespace)) {
        if (mapSelectorMatches(service.spec?.selector, pod.metadata?.labels)) keys.add(objectKey(service));
      }
    }
    return keys;
  }

  async #reconcile(key: string): Promise<ReconcileResult> {
    const service = this.#services.get(key);
    const all = this.#slices
      .byIndex(BY_SERVICE, key)
      .filter((slice) => slice.metadata?.labels?.[MANAGED_BY] === MANAGER);
    // Its slices carry an owner reference, so the garbage collector removes them with the Service.
    if (service === undefined || service.metadata?.deletionTimestamp !== undefined) {
      if (service === undefined) {
        this.#writes.forget(key);
        for (const type of ['IPv4', 'IPv6']) this.#said.delete(`${key} ${type}`);
      }
      return undefined;
    }
    if (!isManaged(service)) return undefined;
    // Acting on a copy that lags behind our own writes would create the same slice twice. The slice's own event brings
    // us back; the delay is for an event that never comes.
    if (!this.#writes.caughtUp(key, all)) return { requeueAfterMs: 1_000 };
    const slices = all.filter((slice) => slice.metadata?.deletionTimestamp === undefined);
    const pods = this.#pods
      .list(service.metadata?.namespace)
      .filter((pod) => mapSelectorMatches(service.spec?.selector, pod.metadata?.labels));
    const types = addressTypes(service);
    for (const type of types) {
      const wanted = desiredGroups(service, pods, (name) => this.#nodes.get(name), type);
      await this.#apply(key, service, type, slices, this.#withHints(key, service, type, slices, wanted));
    }
    for (const slice of slices) {
      if (!types.some((type) => type === slice.addressType)) await this.#remove(key, slice);
    }
    return undefined;
  }

  /** By the annotation, where the Service has it; else by its spec. */
  #withHints(
    key: string,
    service: Service,
    type: AddressType,
    slices: readonly EndpointSlice[],
    groups: readonly PortGroup[],
  ): PortGroup[] {
    const place = `${key} ${type}`;
    const said = this.#said.get(place);
    const say = (kind: 'Normal' | 'Warning', what: string): void => {
      this.#said.set(place, what);
      if (said === what) return;
      const reason = kind === 'Normal' ? 'TopologyAwareHintsEnabled' : 'TopologyAwareHintsDisabled';
      const about = { ...service, apiVersion: 'v1', kind: 'Service' };
      this.#context.events.event(about, kind, reason, `${what}, addressType: ${type}`);
    };
    const hinted = hintsIn(slices.filter((slice) => slice.addressType === type));
    if (asksForTopology(service)) {
      const outcome = topologyHints(groups, cpuShares(this.#nodes.list()), hinted);
      if ('groups' in outcome) {
        say('Normal', 'Topology Aware Hints has been enabled');
        return outcome.groups;
      }
      say('Warning', outcome.obstacle);
      return [...groups];
    }
    if (said !== undefined) {
      say('Warning', 'Topology Aware Hints has been disabled');
      this.#said.delete(place);
    }
    return withHints(service, groups);
  }

  async #apply(
    key: string,
    service: Service,
    type: AddressType,
    slices: readonly EndpointSlice[],
    groups: ReturnType<typeof desiredGroups>,
  ): Promise<void> {
    const plan = planSlices(
      slices.filter((slice) => slice.addressType === type),
      groups,
    );
    for (const content of plan.create) await this.#create(key, service, type, content);
    for (const { slice, endpoints } of plan.update) await this.#update(key, service, slice, endpoints);
    // Labels of the Service are carried on; a slice whose endpoints stay may still need them.
    for (const slice of plan.keep) {
      if (!semanticallyEqual(sliceLabels(service), slice.metadata?.labels)) {
        await this.#update(key, service, slice, slice.endpoints ?? []);
      }
    }
    for (const slice of plan.remove) await this.#remove(key, slice);
  }

  async #create(
    key: string,
    service: Service,
    addressType: AddressType,
    { ports, endpoints }: SliceContent,
  ): Promise<void> {
    const { name = '', namespace } = service.metadata ?? {};
    const created = await this.#context.client.create<EndpointSlice>(SLICES, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: `${name}-`,
        namespace,
        labels: sliceLabels(service),
        ownerReferences: [controllerReference(SERVICES, service)],
      },
      addressType,
      endpoints: [...endpoints],
      ports: [...ports],
    });
    this.#writes.wrote(key, created);
  }

  async #update(key: string, service: Service, slice: EndpointSlice, endpoints: readonly Endpoint[]): Promise<void> {
    const metadata = { ...slice.metadata, labels: sliceLabels(service) };
    const updated = await this.#context.client.update<EndpointSlice>(SLICES, {
      ...slice,
      metadata,
      endpoints: [...endpoints],
    });
    this.#writes.wrote(key, updated);
  }

  async #remove(key: string, slice: EndpointSlice): Promise<void> {
    try {
      await this.#context.client.delete(SLICES, slice.metadata?.name ?? '', slice.metadata?.namespace);
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
    this.#writes.removed(key, slice);
  }
}

function serviceOfSlice(slice: EndpointSlice): readonly string[] {
  const name = slice.metadata?.labels?.[SERVICE_NAME];
  return name === undefined ? [] : [`${slice.metadata?.namespace}/${name}`];
}

/** The zone that each endpoint is for, as the slices say. */
function hintsIn(slices: readonly EndpointSlice[]): ReadonlyMap<string, string> {
  const zones = new Map<string, string>();
  for (const endpoint of slices.flatMap((slice) => slice.endpoints ?? [])) {
    const [zone, more] = endpoint.hints?.forZones ?? [];
    if (zone !== undefined && more === undefined) zones.set(identity(endpoint), zone.name);
  }
  return zones;
}

function sliceLabels(service: Service): Record<string, string> {
  const { [HEADLESS]: _own, ...labels } = service.metadata?.labels ?? {};
  return {
    ...labels,
    [SERVICE_NAME]: service.metadata?.name ?? '',
    [MANAGED_BY]: MANAGER,
    ...(service.spec?.clusterIP === 'None' ? { [HEADLESS]: '' } : {}),
  };
}

/** Whether a change of a pod can change an endpoint; probes and restarts that leave readiness alone cannot. */
function matters(now: Pod, before: Pod): boolean {
  const relevant = (pod: Pod): unknown => [
    pod.metadata?.uid,
    pod.metadata?.labels,
    pod.metadata?.deletionTimestamp,
    pod.spec?.nodeName,
    pod.status?.phase,
    pod.status?.podIPs ?? pod.status?.podIP,
    pod.status?.conditions?.find((condition) => condition.type === 'Ready')?.status,
  ];
  return !semanticallyEqual(relevant(now), relevant(before));
}
