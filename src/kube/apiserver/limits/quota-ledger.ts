// Quotas kept in memory: what is used of each, counted as objects come and go, and what writes under way will use.
// Knows quotas and objects; nothing of HTTP. Upstream source: apiserver/pkg/admission/plugin/resourcequota.
import type { ResourceQuotaSpec } from 'kubernetes-types/core/v1.js';
import { type Amounts, add, amountOf, NONE, readAmounts, subtract } from '#kube/api/quota/amounts.ts';
import { inScope } from '#kube/api/quota/scopes.ts';
import { countedBy, usageOf } from '#kube/api/quota/usage.ts';
import type { ResourceDefinition } from '#kube/api/resources.ts';
import type { ResourceName } from '#kube/api/status.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Change, Collection } from '../registry/collection.ts';
import type { Registry } from '../registry/registry.ts';
import { assertWithin } from './quota-check.ts';

/** What is known of one quota. */
export interface QuotaAccount {
  readonly name: string;
  readonly namespace: string;
  readonly spec: ResourceQuotaSpec | undefined;
  readonly hard: Amounts;
  /** Of objects that are stored. */
  used: Amounts;
  /** Of objects that are about to be. */
  pending: Amounts;
}

const nothing = (): void => {};
const GROWING: readonly string[] = ['persistentvolumeclaims', 'services'];

/**
 * A charge is checked and noted in one go, without waiting for anybody in between: two writers cannot both have the
 * last place. It ends in the moment in which its object is counted.
 */
export class QuotaLedger {
  readonly #registry: Registry;
  /** By namespace and name. */
  readonly #accounts = new Map<string, Map<string, QuotaAccount>>();
  /** Resources that some quota counts, by `resource.group`. */
  readonly #followed = new Map<string, { readonly of: ResourceName; readonly collection: Collection }>();
  readonly #stops: (() => void)[] = [];
  /** Charges by the uid of their object. */
  readonly #charges = new Map<string, () => void>();
  /** Told of accounts whose use has changed. */
  readonly #changed: (account: QuotaAccount) => void;

  constructor(registry: Registry, changed: (account: QuotaAccount) => void) {
    this.#registry = registry;
    this.#changed = changed;
    const { collection } = registry.builtin('', 'v1', 'resourcequotas');
    for (const { object } of collection.list()) this.#open(object);
    this.#stops.push(
      collection.subscribe(({ type, now }) => {
        if (type === 'delete') this.#forget(now.object);
        else this.#open(now.object);
      }),
    );
  }

  /**
   * Notes what a write will use; the returned function ends that once the write is done, or has failed. Throws
   * `StatusError` 403 in upstream's words when it is more than there is.
   */
  charge(
    { definition }: { readonly definition: ResourceDefinition },
    object: AnyObject,
    before?: AnyObject,
  ): () => void {
    const accounts = this.#accounts.get(object.metadata?.namespace ?? '');
    if (accounts === undefined || !definition.namespaced) return nothing;
    const charges: [QuotaAccount, Amounts][] = [];
    for (const account of accounts.values()) {
      if (!inScope(account.spec, definition, object)) continue;
      this.#follow(account);
      const own = before !== undefined && inScope(account.spec, definition, before);
      const usage = subtract(usageOf(definition, object), own ? usageOf(definition, before) : NONE);
      const relevant = new Map([...usage].filter(([name, { nanos }]) => nanos > 0n && account.hard.has(name)));
      assertWithin(account, definition, object, relevant, before === undefined);
      if (relevant.size > 0) charges.push([account, relevant]);
    }
    if (charges.length === 0) return nothing;
    for (const [account, amounts] of charges) account.pending = add(account.pending, amounts);
    const uid = object.metadata?.uid ?? '';
    let open = true;
    const end = (): void => {
      if (!open) return;
      open = false;
      if (this.#charges.get(uid) === end) this.#charges.delete(uid);
      for (const [account, amounts] of charges) account.pending = subtract(account.pending, amounts);
    };
    // Of two writes of one object, one will fail.
    this.#charges.get(uid)?.();
    this.#charges.set(uid, end);
    return end;
  }

  /** The same for a change of what can grow by one. */
  chargeUpdate(resource: { readonly definition: ResourceDefinition }, next: AnyObject, current: AnyObject): () => void {
    const { group, resource: plural } = resource.definition;
    return group === '' && GROWING.includes(plural) ? this.charge(resource, next, current) : nothing;
  }

  account(namespace: string, name: string): QuotaAccount | undefined {
    return this.#accounts.get(namespace)?.get(name);
  }

  accounts(): QuotaAccount[] {
    return [...this.#accounts.values()].flatMap((each) => [...each.values()]);
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  #open(quota: AnyObject): void {
    const { name = '', namespace = '' } = quota.metadata ?? {};
    const known = this.account(namespace, name);
    const spec = quota.spec as ResourceQuotaSpec | undefined;
    // Its status is ours to write: such a change is no news.
    if (known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec)) return;
    const account: QuotaAccount = {
      name,
      namespace,
      spec,
      hard: readAmounts(spec?.hard),
      used: NONE,
      pending: known?.pending ?? NONE,
    };
    let accounts = this.#accounts.get(namespace);
    if (accounts === undefined) {
      accounts = new Map();
      this.#accounts.set(namespace, accounts);
    }
    accounts.set(name, account);
    // Those that are followed already count for it as well.
    for (const of of this.#sources(account)) {
      const followed = this.#followed.get(keyOf(of));
      if (followed !== undefined) this.#count(account, followed);
    }
    this.#follow(account);
    this.#changed(account);
  }

  #forget(quota: AnyObject): void {
    const { name = '', namespace = '' } = quota.metadata ?? {};
    const accounts = this.#accounts.get(namespace);
    accounts?.delete(name);
    if (accounts?.size === 0) this.#accounts.delete(namespace);
  }

  #sources(account: QuotaAccount): ResourceName[] {
    const sources = new Map<string, ResourceName>();
    for (const hard of account.hard.keys()) {
      const of = countedBy(hard);
      if (of !== undefined) sources.set(keyOf(of), of);
    }
    return [...sources.values()];
  }

  /** A custom resource may be defined later than the quota that counts it. */
  #follow(account: QuotaAccount): void {
    for (const of of this.#sources(account)) {
      if (this.#followed.has(keyOf(of))) continue;
      const definition = this.#registry
        .definitions()
        .find(({ group, resource, namespaced }) => namespaced && group === of.group && resource === of.resource);
      if (definition === undefined) continue;
      const resource = this.#registry.find(definition.group, definition.version, definition.resource);
      if (resource === undefined || !definition.verbs.includes('create')) continue;
      const followed = { of, collection: resource.collection };
      this.#followed.set(keyOf(of), followed);
      this.#stops.push(followed.collection.subscribe((change) => this.#apply(of, change)));
      for (const each of this.accounts()) {
        if (this.#sources(each).some((source) => keyOf(source) === keyOf(of))) this.#count(each, followed);
      }
    }
  }

  #count(account: QuotaAccount, { of, collection }: { of: ResourceName; collection: Collection }): void {
    for (const { object } of collection.list(account.namespace)) {
      account.used = add(account.used, this.#usage(account, of, object));
    }
    this.#changed(account);
  }

  #apply(of: ResourceName, { type, now, before }: Change): void {
    this.#charges.get(now.object.metadata?.uid ?? '')?.();
    for (const account of this.#accounts.get(now.object.metadata?.namespace ?? '')?.values() ?? []) {
      const after = type === 'put' ? this.#usage(account, of, now.object) : NONE;
      const gone = before === undefined ? NONE : this.#usage(account, of, before.object);
      const used = subtract(add(account.used, after), gone);
      if ([...account.hard.keys()].every((name) => amountOf(used, name).nanos === amountOf(account.used, name).nanos)) {
        continue;
      }
      account.used = used;
      this.#changed(account);
    }
  }

  #usage(account: QuotaAccount, of: ResourceName, object: AnyObject): Amounts {
    if (!inScope(account.spec, of, object)) return NONE;
    return new Map([...usageOf(of, object)].filter(([name]) => account.hard.has(name)));
  }
}

function keyOf({ group, resource }: ResourceName): string {
  return `${resource}.${group}`;
}
