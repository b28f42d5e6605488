// All Ingresses as objects come, change and go: only those that a change concerns are translated again, and only their
// hosts and certificates follow. Pure apart from its memory, which is a function of the objects.
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';
import { objectKey } from '#kube/api/object.ts';
import { type FindSecret, type IngressTls, translateTls } from './certificates.ts';
import type { ClusterVariant } from './gateway/backends.ts';
import { Dependents, thing } from './gateway/dependents.ts';
import { VariantNotes, Variants } from './gateway/variants.ts';
import { type IngressRoutes, translateIngress } from './ingress.ts';
import type { FindService } from './ingress-backend.ts';
import { IngressCertificates } from './ingress-certificates.ts';
import { classFault, ownedBy } from './ingress-class.ts';
import type { Certificate, VirtualHost } from './ir.ts';
import { isolated, type Problem } from './problem.ts';
import type { ReadCertificate } from './secret.ts';
import { IngressHosts } from './virtual-hosts.ts';

/** What the Ingresses depend on. EndpointSlices are not among it: no route changes when a pod comes or goes. */
export interface IngressObjects {
  readonly ingresses: readonly Ingress[];
  readonly ingressClasses: readonly IngressClass[];
  readonly ingress: (key: string) => Ingress | undefined;
  readonly service: FindService;
  readonly secret: FindSecret;
}

export interface IngressOptions {
  /** Name of the IngressClass that is ours even before it exists. */
  readonly ingressClass: string;
  readonly readCertificate: ReadCertificate;
  /** Names of the listeners that Ingresses are served on; every one when left out. */
  readonly ingressListeners?: readonly string[];
}

export interface ChangedIngressObject {
  readonly kind: 'Ingress' | 'Service' | 'Secret';
  readonly key: string;
}

export interface IngressChanges {
  readonly virtualHosts: ReadonlyMap<string, VirtualHost | undefined>;
  readonly certificates: ReadonlyMap<string, Certificate | undefined>;
  /** Keys of Services that have other variants of their clusters than before. */
  readonly variants: ReadonlySet<string>;
  /** Keys of the Ingresses that have become ours. */
  readonly owned: readonly string[];
}

interface Cell {
  readonly order: string;
  readonly isOurs: boolean;
  readonly problems: readonly Problem[];
}

/** What an Ingress of ours has read and asks for. */
interface Made {
  readonly reads: ReadonlySet<string>;
  readonly variants: ReadonlyMap<string, ClusterVariant>;
  readonly routes: IngressRoutes | undefined;
  readonly tls: IngressTls | undefined;
}

const NOTHING: Made = { reads: new Set(), variants: new Map(), routes: undefined, tls: undefined };

export class IngressTranslator {
  readonly #options: IngressOptions;
  readonly #cells = new Map<string, Cell>();
  readonly #hosts: IngressHosts;
  readonly #certificates = new IngressCertificates();
  readonly #variants = new Variants();
  readonly #reads = new Dependents();
  #classes: readonly IngressClass[] = [];
  #isOurs: (ingress: Ingress) => boolean = () => false;

  constructor(options: IngressOptions) {
    this.#options = options;
    this.#hosts = new IngressHosts(options.ingressListeners);
  }

  get virtualHosts(): ReadonlyMap<string, VirtualHost> {
    return this.#hosts.now;
  }

  get certificates(): ReadonlyMap<string, Certificate> {
    return this.#certificates.now;
  }

  get variants(): Pick<Variants, 'all' | 'ofService'> {
    return this.#variants;
  }

  /** Those of single Ingresses first, the oldest first. */
  get problems(): readonly Problem[] {
    const cells = [...this.#cells.values()].filter(({ problems }) => problems.length > 0);
    const own = cells.sort((a, b) => (a.order < b.order ? -1 : 1)).flatMap(({ problems }) => problems);
    return [...own, ...this.#hosts.problems, ...this.#certificates.problems];
  }

  isOurs(key: string): boolean {
    return this.#cells.get(key)?.isOurs === true;
  }

  /** Whether an Ingress names this Secret, whether or not it exists. */
  needsSecret(key: string): boolean {
    return this.#reads.of(thing.secret(key)).size > 0;
  }

  /** Takes in what has changed; without `news` everything may have, classes among it. */
  update(objects: IngressObjects, news?: Iterable<ChangedIngressObject>): IngressChanges {
    const keys = new Set<string>();
    if (news === undefined) {
      this.#classes = objects.ingressClasses;
      this.#isOurs = ownedBy(this.#options.ingressClass, this.#classes);
      for (const key of [...objects.ingresses.map(objectKey), ...this.#cells.keys()]) keys.add(key);
    }
    for (const { kind, key } of news ?? []) {
      if (kind === 'Ingress') keys.add(key);
      else
        for (const reader of this.#reads.of(kind === 'Service' ? thing.service(key) : thing.secret(key)))
          keys.add(reader);
    }
    const owned: string[] = [];
    for (const key of keys) {
      const wasOurs = this.isOurs(key);
      this.#look(key, objects);
      if (!wasOurs && this.isOurs(key)) owned.push(key);
    }
    return {
      virtualHosts: this.#hosts.settle(),
      certificates: this.#certificates.settle(),
      variants: this.#variants.takeChanged(),
      owned,
    };
  }

  #look(key: string, objects: IngressObjects): void {
    const ingress = objects.ingress(key);
    if (ingress === undefined) {
      this.#put(key, undefined);
      return;
    }
    const order = `${String(ingress.metadata?.creationTimestamp ?? '')}\n${key}`;
    if (!this.#isOurs(ingress)) {
      const fault = classFault(ingress, this.#options.ingressClass, this.#classes);
      const problems: readonly Problem[] = fault === undefined ? [] : [{ kind: 'Ingress', key, ...fault }];
      this.#put(key, { order, isOurs: false, problems });
      return;
    }
    const reads = new Set<string>();
    const notes = new VariantNotes();
    const outcome = isolated('Ingress', ingress, () => ({
      routes: translateIngress(ingress, noting(objects.service, reads, thing.service), notes.nameOf),
      tls: translateTls(ingress, noting(objects.secret, reads, thing.secret), this.#options.readCertificate),
    }));
    if ('problem' in outcome) {
      this.#put(key, { order, isOurs: true, problems: [outcome.problem] }, { ...NOTHING, reads });
      return;
    }
    const { routes, tls } = outcome.result;
    const problems = [...routes.problems, ...tls.problems];
    this.#put(key, { order, isOurs: true, problems }, { reads, variants: notes.noted, routes, tls });
  }

  #put(key: string, cell: Cell | undefined, { reads, variants, routes, tls }: Made = NOTHING): void {
    if (cell === undefined) this.#cells.delete(key);
    else this.#cells.set(key, cell);
    const { order } = cell ?? { order: '' };
    this.#reads.put(key, reads);
    this.#variants.use(key, variants);
    this.#hosts.put(key, routes && { ...routes, order });
    this.#certificates.put(key, tls && { ...tls, order });
  }
}

function noting<T>(find: (key: string) => T, reads: Set<string>, name: (key: string) => string): (key: string) => T {
  return (key) => {
    reads.add(name(key));
    return find(key);
  };
}
