// Addresses for Services of type LoadBalancer: watches them and the pools, and writes what each gets into its status.
// Decides nothing; allocator.ts does. How addresses become reachable is others' matter. Upstream: controller/ of metallb.io.
import type { Namespace, Service } from 'kubernetes-types/core/v1.js';
import { loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import type { AddressPool, IPAddressPool } from '#kube/api/load-balancer/types.ts';
import { type KubeObject, objectKey, splitKey } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import { timestamp } from '#kube/client/events.ts';
import type { Informer } from '#kube/client/informer.ts';
import { createWorkQueue, type WorkQueue } from '#kube/client/work-queue.ts';
import { formatAddress } from '#lib/address-range.ts';
import { balancerClassOf } from '#traffic/model/pools/balancer-class.ts';
import type { PoolKind } from '#traffic/model/pools/pool.ts';
import { type PoolProblem, readPools } from '#traffic/model/pools/read-pools.ts';
import { type CustomInformer, customInformer } from '../common/custom-informer.ts';
import type { Controller, ControllerContext, ControllerParts } from '../controller.ts';
import { Allocator, type Outcome } from './allocator.ts';
import { claimOf, termsOf } from './claim.ts';
import { countPools, idOf, poolPatch } from './pool-status.ts';
import type { Refusal } from './refusal.ts';
import { addressesIn, clearingPatch, isAnothers, patchFor } from './service-status.ts';

const SERVICES = builtin('Service');
const POOL_KINDS = {
  AddressPool: loadBalancerResource('AddressPool'),
  IPAddressPool: loadBalancerResource('IPAddressPool'),
} as const;
const FIELD_MANAGER = 'evenkeel-ipam';
const ALL_POOLS = 'pools';
/** Counts are written once a rollout has made its Services, in milliseconds. */
const COUNT_AFTER_MS = 100;

export const ipamController: Controller = {
  name: 'ipam',
  component: 'evenkeel-ipam',
  setup: (context) => new IpamController(context).parts(),
};

class IpamController {
  readonly #context: ControllerContext;
  readonly #services: Informer<Service & KubeObject>;
  readonly #namespaces: Informer<Namespace>;
  readonly #addressPools: CustomInformer<AddressPool>;
  readonly #ipAddressPools: CustomInformer<IPAddressPool>;
  readonly #allocator = new Allocator();
  readonly #queue: WorkQueue;
  readonly #poolQueue: WorkQueue;
  #problems: readonly PoolProblem[] = [];
  #poolsChanged = true;
  #begun = false;
  /** A Service that is made anew under an old name is another one. */
  readonly #uids = new Map<string, string>();
  /** Services that may get more as soon as somebody gives back. */
  readonly #waiting = new Set<string>();
  /** What each object was told last; told again only when it is something else. */
  readonly #told = new Map<string, string>();

  constructor(context: ControllerContext) {
    const { informers, clock, log } = context;
    this.#context = context;
    this.#services = informers.of<Service & KubeObject>(SERVICES);
    this.#namespaces = informers.of<Namespace>(builtin('Namespace'));
    this.#addressPools = customInformer(informers, POOL_KINDS.AddressPool);
    this.#ipAddressPools = customInformer(informers, POOL_KINDS.IPAddressPool);
    // One worker: two Services must not be given one address at the same time.
    this.#queue = createWorkQueue('ipam', (key) => this.#service(key), { clock, log });
    this.#poolQueue = createWorkQueue('ipam-pools', () => this.#reportPools(), { clock, log });
  }

  parts(): ControllerParts {
    this.#services.onChange((key, now, before) => {
      for (const service of [now, before]) if (service !== undefined && this.#isOurs(service)) this.#queue.add(key);
      if (now !== undefined && clearingPatch(now) !== undefined) this.#queue.add(key);
    });
    this.#namespaces.onChange((name, now, before) => {
      // One that is new may have Services already: the two are heard of in any order.
      const same = JSON.stringify(now?.metadata?.labels) === JSON.stringify(before?.metadata?.labels);
      if (before !== undefined && same) return;
      for (const service of this.#services.list(name)) this.#queue.add(objectKey(service));
    });
    this.#addressPools.onChange((_key, now, before) => this.#poolChanged(now, before));
    this.#ipAddressPools.onChange((_key, now, before) => this.#poolChanged(now, before));
    const reads = [this.#services, this.#namespaces, this.#addressPools, this.#ipAddressPools];
    return { queues: [this.#queue, this.#poolQueue], reads };
  }

  #poolChanged(now: AddressPool | IPAddressPool | undefined, before: AddressPool | IPAddressPool | undefined): void {
    // What we write into their status is no news.
    const same = JSON.stringify(now?.spec) === JSON.stringify(before?.spec);
    if (now !== undefined && before !== undefined && same) return;
    this.#poolsChanged = true;
    this.#poolQueue.addAfter(ALL_POOLS, COUNT_AFTER_MS);
    for (const service of this.#services.list()) {
      if (this.#isOurs(service)) this.#queue.add(objectKey(service));
    }
  }

  #isOurs(service: Service): boolean {
    return balancerClassOf(service, this.#context.settings.defaultLoadBalancer) !== undefined;
  }

  async #service(key: string): Promise<void> {
    this.#readPools();
    this.#begin();
    const service = this.#services.get(key);
    if (service === undefined || !this.#isOurs(service)) {
      this.#release(key);
      const patch = service === undefined ? undefined : clearingPatch(service);
      if (patch !== undefined) await this.#write(key, patch);
      return;
    }
    const { uid = '' } = service.metadata ?? {};
    if (this.#uids.get(key) !== uid) this.#release(key);
    if (this.#allocator.book.heldBy(key).length === 0) this.#adopt(service);
    if (this.#allocator.book.heldBy(key).length === 0 && this.#isAnothers(service)) return;
    const outcome = this.#settle(key, service);
    const patch = patchFor(service, outcome, timestamp(this.#context.clock.wall()));
    if (patch !== undefined) await this.#write(key, patch);
    this.#tell(service, outcome);
    this.#wait(key, outcome);
  }

  #readPools(): void {
    if (!this.#poolsChanged) return;
    this.#poolsChanged = false;
    const { pools, problems } = readPools(this.#addressPools.list(), this.#ipAddressPools.list());
    this.#allocator.setPools(pools);
    this.#problems = problems;
  }

  /** Before anything is given out, everybody who has something from before is known. */
  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    const ours = this.#services.list().filter((one) => this.#isOurs(one));
    const age = (one: Service & KubeObject) => `${one.metadata?.creationTimestamp ?? ''}|${objectKey(one)}`;
    for (const service of ours.sort((a, b) => (age(a) < age(b) ? -1 : 1))) this.#adopt(service);
  }

  #adopt(service: Service & KubeObject): void {
    const key = objectKey(service);
    this.#uids.set(key, service.metadata?.uid ?? '');
    const addresses = addressesIn(service);
    if (addresses.length === 0 || this.#isAnothers(service)) return;
    const why = this.#allocator.adopt(termsOf(service), addresses);
    if (why !== undefined) this.#context.log.warn({ service: key, reason: why.reason }, why.message);
  }

  #isAnothers(service: Service): boolean {
    return isAnothers(service, (address) => this.#allocator.poolOf(address) !== undefined);
  }

  #namespaceLabels(service: KubeObject): Readonly<Record<string, string>> {
    return this.#namespaces.get(service.metadata?.namespace ?? '')?.metadata?.labels ?? {};
  }

  #settle(key: string, service: Service & KubeObject): Outcome {
    const claim = claimOf(service, this.#namespaceLabels(service));
    if (!('reason' in claim)) return this.#allocator.settle(claim);
    // A wish that cannot be read costs nobody what they have.
    const addresses = this.#allocator.book.heldBy(key).map((address) => {
      const pool = this.#allocator.poolOf(address);
      return { address, ...(pool === undefined ? {} : { pool }) };
    });
    return { addresses, refusal: claim };
  }

  #release(key: string): void {
    this.#uids.delete(key);
    this.#waiting.delete(key);
    this.#told.delete(key);
    if (this.#allocator.release(key).length > 0) this.#wake();
  }

  #wait(key: string, { refusal, given }: Outcome): void {
    if (refusal === undefined) this.#waiting.delete(key);
    else this.#waiting.add(key);
    if (given !== undefined) this.#wake(key);
  }

  #wake(except?: string): void {
    this.#poolQueue.addAfter(ALL_POOLS, COUNT_AFTER_MS);
    for (const key of this.#waiting) if (key !== except) this.#queue.add(key);
  }

  async #write(key: string, patch: object): Promise<void> {
    const { namespace, name } = splitKey(key);
    try {
      const options = { subresource: 'status', fieldManager: FIELD_MANAGER };
      await this.#context.client.patch(SERVICES, name, namespace, 'strategic', patch, options);
      this.#poolQueue.addAfter(ALL_POOLS, COUNT_AFTER_MS);
    } catch (error) {
      // Deleted meanwhile: the informer will say so.
      if (!isStatus(error, 404)) throw error;
    }
  }

  #tell(service: Service & KubeObject, { addresses, refusal, given }: Outcome): void {
    const { events } = this.#context;
    if (given !== undefined) {
      const back = given.back.map(formatAddress).join(', ');
      events.event(service, 'Normal', 'AddressReleased', `Gave back ${back}: ${given.cause.message}`);
    }
    const texts = addresses.map(({ address }) => formatAddress(address));
    const before = addressesIn(service).map(formatAddress);
    if (texts.some((text) => !before.includes(text))) {
      const pools = [...new Set(addresses.map(({ pool }) => `"${pool?.name}"`))].join(' and ');
      events.event(service, 'Normal', 'IPAllocated', `Assigned IP ${JSON.stringify(texts)} of pool ${pools}`);
    }
    this.#tellOnce(service, objectKey(service), refusal);
  }

  #tellOnce(object: KubeObject, id: string, problem: Refusal | PoolProblem | undefined): void {
    if (problem === undefined) {
      this.#told.delete(id);
      return;
    }
    const text = `${problem.reason}: ${problem.message}`;
    if (this.#told.get(id) === text) return;
    this.#told.set(id, text);
    this.#context.events.event(object, 'Warning', problem.reason, problem.message);
  }

  async #reportPools(): Promise<void> {
    this.#readPools();
    this.#begin();
    const counts = countPools(this.#allocator);
    const kinds: readonly (readonly [PoolKind, readonly (AddressPool | IPAddressPool)[]])[] = [
      ['AddressPool', this.#addressPools.list()],
      ['IPAddressPool', this.#ipAddressPools.list()],
    ];
    for (const [kind, objects] of kinds) {
      for (const object of objects) {
        const key = objectKey(object);
        const problems = this.#problems.filter((problem) => problem.kind === kind && problem.key === key);
        for (const problem of problems) this.#tellOnce(object, `${idOf(kind, object)}|${problem.field}`, problem);
        const now = timestamp(this.#context.clock.wall());
        const patch = poolPatch(kind, object, counts.get(idOf(kind, object)), problems, now);
        if (patch !== undefined) await this.#writePool(kind, key, patch);
      }
    }
  }

  async #writePool(kind: PoolKind, key: string, patch: object): Promise<void> {
    const { namespace, name } = splitKey(key);
    try {
      const options = { subresource: 'status', fieldManager: FIELD_MANAGER };
      await this.#context.client.patch(POOL_KINDS[kind], name, namespace, 'merge', patch, options);
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }
}
