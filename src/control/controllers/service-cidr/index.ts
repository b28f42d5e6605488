// ServiceCIDRs: each is held by a finalizer, says that it is ready, and goes only when no address would be left behind.
// Gives out no address: that is the API server's. Upstream: pkg/controller/servicecidrs.

import { builtin } from '#kube/api/resources.ts';
import {
  type IpAddress,
  isAllocated,
  SERVICE_CIDR_FINALIZER,
  type ServiceCidr,
  type ServiceCidrCondition,
} from '#kube/api/service-ranges.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue } from '#kube/client/work-queue.ts';
import type { Controller, ControllerContext, ControllerParts, ReconcileResult } from '../controller.ts';
import { orphansOf } from './orphans.ts';

const RANGES = builtin('ServiceCIDR');
const ADDRESSES = builtin('IPAddress');
/** So long an API server may not know yet that a range is going, and give out addresses of it. */
const DELETION_GRACE_MS = 10_000;

const READY = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' };
const HELD = {
  type: 'Ready',
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

export const serviceCidrController: Controller = {
  name: 'service-cidr',
  component: 'service-cidr-controller',
  setup: (context) => new ServiceCidrs(context).parts(),
};

class ServiceCidrs {
  readonly #context: ControllerContext;
  readonly #ranges: Informer<ServiceCidr>;
  readonly #addresses: Informer<IpAddress>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#ranges = context.informers.of<ServiceCidr>(RANGES);
    this.#addresses = context.informers.of<IpAddress>(ADDRESSES);
  }

  parts(): ControllerParts {
    const { clock, log } = this.#context;
    const queue = createWorkQueue('service-cidr', (name) => this.#reconcile(name), { clock, log });
    // Another range, or an address that is given back, may let one go that waits.
    const addWaiting = (): void => {
      for (const { metadata } of this.#ranges.list()) {
        if (metadata?.deletionTimestamp !== undefined) queue.add(metadata.name ?? '');
      }
    };
    this.#ranges.onChange((name) => {
      queue.add(name);
      addWaiting();
    });
    this.#addresses.onChange(addWaiting);
    return { queues: [queue], reads: [this.#ranges, this.#addresses] };
  }

  async #reconcile(name: string): Promise<ReconcileResult> {
    const range = this.#ranges.get(name);
    if (range === undefined) return undefined;
    try {
      if (range.metadata?.deletionTimestamp === undefined) await this.#hold(range);
      else return await this.#letGo(range, range.metadata.deletionTimestamp);
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
    return undefined;
  }

  async #hold(range: ServiceCidr): Promise<void> {
    const finalizers = range.metadata?.finalizers ?? [];
    if (!finalizers.includes(SERVICE_CIDR_FINALIZER))
      await this.#setFinalizers(range, [...finalizers, SERVICE_CIDR_FINALIZER]);
    await this.#say(range, READY);
  }

  async #letGo(range: ServiceCidr, since: string): Promise<ReconcileResult> {
    const finalizers = range.metadata?.finalizers ?? [];
    if (!finalizers.includes(SERVICE_CIDR_FINALIZER)) return undefined;
    const others = this.#ranges.list().filter(({ metadata }) => metadata?.name !== range.metadata?.name);
    const held = this.#addresses.list().filter(isAllocated);
    const orphans = orphansOf(
      range.spec?.cidrs ?? [],
      others.flatMap(({ spec }) => spec?.cidrs ?? []),
      held.map(({ metadata }) => metadata?.name ?? ''),
    );
    if (orphans.length > 0) {
      await this.#say(range, HELD);
      return undefined;
    }
    const left = Date.parse(since) + DELETION_GRACE_MS - this.#context.clock.wall();
    if (left > 0) return { requeueAfterMs: left };
    await this.#setFinalizers(
      range,
      finalizers.filter((each) => each !== SERVICE_CIDR_FINALIZER),
    );
    return undefined;
  }

  async #setFinalizers({ metadata }: ServiceCidr, finalizers: readonly string[]): Promise<void> {
    const { name = '', resourceVersion } = metadata ?? {};
    const patch = { metadata: { resourceVersion, finalizers } };
    await this.#context.client.patch(RANGES, name, undefined, 'merge', patch);
  }

  async #say(
    { metadata, status }: ServiceCidr,
    condition: Omit<ServiceCidrCondition, 'lastTransitionTime'>,
  ): Promise<void> {
    const said = status?.conditions?.find(({ type }) => type === condition.type);
    if (said?.status === condition.status && said.message === condition.message) return;
    const lastTransitionTime = new Date(this.#context.clock.wall()).toISOString().replace(/\.\d+Z$/, 'Z');
    const patch = { status: { conditions: [{ ...condition, lastTransitionTime }] } };
    await this.#context.client.patch(RANGES, metadata?.name ?? '', undefined, 'strategic', patch, {
      subresource: 'status',
    });
  }
}
