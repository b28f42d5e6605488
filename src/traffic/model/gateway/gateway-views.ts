// The Gateways that are ours, seen anew when something that they have read is not what it was.
// Knows no route; says which names of things routes may have to look at again.
import type { Gateway } from '#kube/api/gateway/types.ts';
import { objectKey } from '#kube/api/object.ts';
import { byAge } from './age.ts';
import type { Parents } from './attach.ts';
import { attempt } from './attempt.ts';
import type { BackendLookups } from './backends.ts';
import { Dependents, thing } from './dependents.ts';
import { Grants } from './grants.ts';
import { keepSame, ownersThatDiffer } from './keep-same.ts';
import type { GatewayView } from './listener-view.ts';
import type { GatewayNews } from './news.ts';
import type { GatewayObjects, GatewayOptions } from './objects.ts';
import { type PolicyView, TlsPolicies } from './tls-policies.ts';
import { ourClasses, parentKeyOf, viewOf } from './views.ts';

export interface ViewChange {
  readonly key: string;
  readonly before: GatewayView | undefined;
  readonly now: GatewayView | undefined;
}

export interface Seen {
  readonly classes: boolean;
  readonly policies: boolean;
  readonly gateways: readonly ViewChange[];
  /** Names of the things that are not what they were. */
  readonly things: ReadonlySet<string>;
}

/** A name for each kind of news that somebody may have read. */
const NAMES: Readonly<Record<string, (key: string) => string>> = {
  Service: thing.service,
  Secret: thing.secret,
  ConfigMap: thing.configMap,
  Namespace: thing.namespace,
  Addresses: thing.addresses,
  ReferenceGrant: (key) => thing.grants(key.split('/', 1)[0] ?? ''),
};

export class GatewayViews {
  readonly #options: GatewayOptions;
  readonly #views = new Map<string, GatewayView>();
  readonly #bySet = new Map<string, GatewayView>();
  readonly #reads = new Dependents();
  readonly #policyReads = new Set<string>();
  readonly #parentOf = new Map<string, string>();
  readonly #setsOf = new Map<string, Set<string>>();
  #grants = new Grants([]);
  #policies: TlsPolicies;
  #classNames: ReadonlySet<string> = new Set();
  #sorted: readonly GatewayView[] = [];

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#policies = new TlsPolicies([], options, () => undefined);
  }

  get all(): readonly GatewayView[] {
    return this.#sorted;
  }

  get policies(): readonly PolicyView[] {
    return this.#policies.views;
  }

  of(key: string): GatewayView | undefined {
    return this.#views.get(key);
  }

  needs(kind: 'Secret' | 'ConfigMap', key: string): boolean {
    const readers = this.#reads.of(kind === 'Secret' ? thing.secret(key) : thing.configMap(key));
    return readers.size > 0 || (kind === 'ConfigMap' && this.#policyReads.has(key));
  }

  parents(): Pick<Parents, 'gateways' | 'sets'> {
    return { gateways: this.#views, sets: this.#bySet };
  }

  /** What the rules of routes look up. */
  lookups(objects: GatewayObjects): Omit<BackendLookups, 'variant'> {
    return {
      grants: this.#grants,
      policies: objects.policies,
      service: (key) => objects.service(key),
      tlsOf: (service, port) => this.#policies.tlsOf(service, port),
    };
  }

  update(objects: GatewayObjects, news: GatewayNews | undefined): Seen {
    const things = new Set<string>();
    for (const { kind, key } of news ?? []) {
      const name = NAMES[kind]?.(key);
      if (name !== undefined) things.add(name);
    }
    const has = (wanted: string): boolean => news === undefined || news.some(({ kind }) => kind === wanted);
    const classes = has('GatewayClass');
    if (classes) this.#classNames = new Set(ourClasses(objects.classes).map(({ metadata }) => metadata?.name ?? ''));
    if (has('ReferenceGrant')) this.#grants = new Grants(objects.grants);
    const authorities = (news ?? []).some(({ kind, key }) => kind === 'ConfigMap' && this.#policyReads.has(key));
    const policies = has('BackendTLSPolicy') || authorities;
    if (policies) for (const service of this.#readPolicies(objects)) things.add(thing.tls(service));
    const touched = new Set<string>();
    if (news === undefined) this.#forgetSets();
    const sets = news === undefined ? objects.listenerSets.map(objectKey) : keysOf(news, 'ListenerSet');
    for (const set of sets) for (const gateway of this.#placeSet(set, objects)) touched.add(gateway);
    if (classes) for (const key of [...objects.gateways.map(objectKey), ...this.#views.keys()]) touched.add(key);
    for (const key of keysOf(news ?? [], 'Gateway')) touched.add(key);
    for (const one of things) for (const key of this.#reads.of(one)) touched.add(key);
    const gateways = [...touched].flatMap((key): ViewChange[] => {
      const before = this.#views.get(key);
      const seen = this.#see(key, objects);
      const change = { key, before, now: seen && keepSame(seen, before) };
      return change.before === undefined && change.now === undefined ? [] : [change];
    });
    this.#keep(gateways);
    for (const { before, now } of gateways) {
      for (const owner of ownersThatDiffer(before, now)) things.add(thing.parent(owner.kind, owner.key));
    }
    return { classes, policies, gateways, things };
  }

  #keep(changes: readonly ViewChange[]): void {
    if (changes.length === 0) return;
    for (const { key, before } of changes) {
      this.#views.delete(key);
      for (const set of before?.sets ?? []) this.#bySet.delete(set.key);
    }
    for (const { key, now } of changes) {
      if (now === undefined) continue;
      this.#views.set(key, now);
      for (const set of now.sets) this.#bySet.set(set.key, now);
    }
    this.#sorted = [...this.#views.values()].sort((a, b) => byAge(a.gateway, b.gateway));
  }

  /** The Gateway as it is now, with notes of everything that was looked at for it. */
  #see(key: string, objects: GatewayObjects): GatewayView | undefined {
    const gateway = objects.find('Gateway', key) as Gateway | undefined;
    const reads = new Set<string>();
    const view =
      gateway === undefined || !this.#classNames.has(attempt(() => classOf(gateway)) ?? '')
        ? undefined
        : attempt(() => viewOf(gateway, this.#setsAt(key, objects), ...this.#noting(objects, reads)));
    this.#reads.put(key, reads);
    return view;
  }

  #setsAt(key: string, objects: GatewayObjects) {
    return [...(this.#setsOf.get(key) ?? [])].flatMap((set) => objects.find('ListenerSet', set) ?? []).sort(byAge);
  }

  #noting(objects: GatewayObjects, reads: Set<string>): [Parameters<typeof viewOf>[2], Parameters<typeof viewOf>[3]] {
    return [
      {
        namespaceLabels(name) {
          reads.add(thing.namespace(name));
          return objects.namespaceLabels(name);
        },
        addresses(gateway) {
          reads.add(thing.addresses(gateway));
          return objects.addresses(gateway);
        },
      },
      {
        options: this.#options,
        grants: {
          permit: (from, to) => {
            if (from.namespace !== to.namespace) reads.add(thing.grants(to.namespace));
            return this.#grants.permit(from, to);
          },
        },
        secret(secret) {
          reads.add(thing.secret(secret));
          return objects.secret(secret);
        },
        configMap(configMap) {
          reads.add(thing.configMap(configMap));
          return objects.configMap(configMap);
        },
      },
    ];
  }

  /** Keys of all Services of which policies speak now, or did before. */
  #readPolicies(objects: GatewayObjects): readonly string[] {
    const before = this.#policies.views;
    this.#policyReads.clear();
    this.#policies = new TlsPolicies(objects.tlsPolicies, this.#options, (key) => {
      this.#policyReads.add(key);
      return objects.configMap(key);
    });
    return [...before, ...this.#policies.views].flatMap(({ services }) => [...services]);
  }

  #forgetSets(): void {
    this.#parentOf.clear();
    this.#setsOf.clear();
  }

  /** Puts a ListenerSet to its Gateway; the Gateways that it was, and is, of. */
  #placeSet(set: string, objects: GatewayObjects): readonly string[] {
    const object = objects.find('ListenerSet', set);
    const before = this.#parentOf.get(set);
    const now = object === undefined ? undefined : attempt(() => parentKeyOf(object));
    if (before !== undefined) this.#setsOf.get(before)?.delete(set);
    if (now === undefined) {
      this.#parentOf.delete(set);
    } else {
      this.#parentOf.set(set, now);
      const here = this.#setsOf.get(now);
      if (here === undefined) this.#setsOf.set(now, new Set([set]));
      else here.add(set);
    }
    return [before, now].filter((key) => key !== undefined);
  }
}

function classOf(gateway: Gateway): string {
  return gateway.spec?.gatewayClassName ?? '';
}

function keysOf(news: GatewayNews, wanted: string): readonly string[] {
  return news.flatMap(({ kind, key }) => (kind === wanted ? [key] : []));
}
