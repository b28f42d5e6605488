// The traffic controller: watches Services, endpoints, Ingresses and their Secrets, and publishes what they mean.
// Knows no engine: it hands traffic updates to a sink, and tells owners of objects through status and events.
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js';
import type { Service } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';
import type { KubeObject } from '#kube/api/object.ts';
import { builtin } from '#kube/api/resources.ts';
import type { Client } from '#kube/client/client.ts';
import { createEventRecorder } from '#kube/client/events.ts';
import type { Informers } from '#kube/client/informer.ts';
import type { Cancel, Clock } from '#lib/clock.ts';
import { jsonEqual } from '#lib/json.ts';
import type { Logger } from '#lib/log.ts';
import { servicesFromZero } from '#traffic/model/hold.ts';
import type { Listener, TrafficSink } from '#traffic/model/ir.ts';
import type { Problem } from '#traffic/model/problem.ts';
import { serviceKeyOf } from '#traffic/model/translate.ts';
import type { DnsFeed } from './dns-feed.ts';
import { DrainNotes } from './drain-notes.ts';
import { ExternalNames, type Resolve, resolveByMachine } from './external-names.ts';
import type { AddressHost } from './gateways/address-claims.ts';
import { Gateways } from './gateways/index.ts';
import { createIngressStatusQueue } from './ingress-status.ts';
import { Mesh } from './mesh/index.ts';
import { LINGER_MS } from './mesh/mesh-tables.ts';
import { PolicyFeed } from './policies/index.ts';
import { WatchedPodLabels } from './policies/pod-labels.ts';
import { createProblemReporter } from './problem-reporter.ts';
import { createCertificateReader, readAuthorities } from './read-certificate.ts';
import { allSecrets, ReferencedSecrets } from './secret-source.ts';
import { serviceFaults } from './service-faults.ts';
import { type Changes, merge, TrafficWorld } from './world.ts';

export interface TrafficOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly sink: TrafficSink;
  readonly listeners: readonly Listener[];
  /** Name of the IngressClass that is ours even before it exists. */
  readonly ingressClass: string;
  /** IP address or hostname written into the status of our Ingresses; left out, no status is written. */
  readonly publishAddress?: string;
  /** Brings addresses of Gateways to this machine; left out, Gateways are not served. */
  readonly gatewayAddresses?: AddressHost;
  /** Reads a Secret only once something that may refers to it, for who may not list them all. */
  readonly referencedSecretsOnly?: boolean;
  /** Routes may be attached to Services, and are told what became of them. */
  readonly mesh?: boolean;
  /** Publishes what it has in the moment in which traffic is published. */
  readonly dns?: Pick<DnsFeed, 'flush'>;
  /** How names of ExternalName Services are resolved; left out: as this machine does it. */
  readonly resolve?: Resolve;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * The first news after a while is published at once; what follows is gathered until so many milliseconds have passed
 * since, for a rollout brings many objects one after the other.
 */
const GATHER_MS = 2;

/** An update waits so long for Secrets that were referred to just now, so that it has the certificates as well. */
const LOOK_UP_MS = 1_000;

/** Problems are told after this many milliseconds: an Ingress applied just before its Service is no one's mistake. */
const SETTLE_MS = 1_000;

/** Index of slices by the key of the Service that they belong to. */
const BY_SERVICE = 'traffic/service';
const byService = (slice: EndpointSlice): readonly string[] => [serviceKeyOf(slice)];

/**
 * Resolves when the first update is published, which holds everything there is. From then on an update is published
 * only when the model changes. Rejects when the informers are stopped before their first list.
 */
export async function startTraffic(options: TrafficOptions): Promise<{ stop(): Promise<void> }> {
  const { client, informers, sink, listeners, clock, log } = options;
  const services = informers.of<Service & KubeObject>(builtin('Service'));
  const slices = informers.of<EndpointSlice & KubeObject>(builtin('EndpointSlice'));
  const ingresses = informers.of<Ingress & KubeObject>(builtin('Ingress'));
  const classes = informers.of<IngressClass & KubeObject>(builtin('IngressClass'));
  const secrets =
    options.referencedSecretsOnly === true
      ? new ReferencedSecrets({ client, clock, log: log.child({ part: 'secrets' }) })
      : allSecrets(informers);
  const autoscalers = informers.of<HorizontalPodAutoscaler & KubeObject>(builtin('HorizontalPodAutoscaler'));
  slices.addIndex(BY_SERVICE, byService);

  const world = new TrafficWorld(
    {
      service: (key) => services.get(key),
      slicesOf: (key) => {
        const service = services.get(key);
        if (service?.spec?.type === 'ExternalName') return externalNames.slicesOf(service, key);
        return slices.byIndex(BY_SERVICE, key);
      },
      ingresses: () => ingresses.list(),
      ingress: (key) => ingresses.get(key),
      ingressClasses: () => classes.list(),
      secret: (key) => secrets.get(key),
      autoscalers: (namespace) => autoscalers.list(namespace),
      policies: () => policies.list(),
      podLabels: () => pods.labels(),
      ...(options.gatewayAddresses === undefined ? {} : { gateways: () => (gateways as Gateways).objects() }),
      ...(options.mesh !== true
        ? {}
        : {
            mesh: () => (mesh as Mesh).objects(),
            podAddresses: (namespace: string) => (mesh as Mesh).podAddresses(namespace),
          }),
    },
    {
      ingressClass: options.ingressClass,
      ingressListeners: listeners.map(({ name }) => name),
      readCertificate: createCertificateReader(),
      readAuthorities,
    },
  );
  const events = createEventRecorder(client, { component: 'evenkeel-ingress-controller', clock, log });
  const find = (kind: Problem['kind'], key: string): KubeObject | undefined => {
    if (kind === 'Ingress') return ingresses.get(key);
    return kind === 'Service' ? services.get(key) : gateways?.get(kind, key);
  };
  const problems = createProblemReporter(find, events, log, clock);
  const statuses =
    options.publishAddress === undefined
      ? undefined
      : createIngressStatusQueue({
          client,
          publishAddress: options.publishAddress,
          findOwned: (key) => (world.ownsIngress(key) ? ingresses.get(key) : undefined),
          clock,
          log,
        });

  const drains = sink.drained === undefined ? undefined : new DrainNotes({ client, sink, clock, log });
  let ready = false;
  let policyNews = false;
  const host = options.gatewayAddresses;
  const gateways: Gateways | undefined =
    host === undefined
      ? undefined
      : new Gateways({
          client,
          informers,
          services,
          secrets,
          sink,
          host,
          onNews: (kind, key) => {
            world.touchGateways(kind, key);
            policyNews = true;
            // What is there from the start is heard of while all of this is still being made.
            if (ready) touch();
          },
          translator: world.gateways,
          clock,
          log: log.child({ part: 'gateways' }),
        });
  const externalNames = new ExternalNames(clock, options.resolve ?? resolveByMachine, (key) => {
    world.touchService(key);
    touch();
  });
  const pods = new WatchedPodLabels(informers, (namespace) => {
    world.touchPods(namespace);
    touch();
  });
  const policies: PolicyFeed = new PolicyFeed({
    client,
    informers,
    sink,
    service: (key) => services.get(key),
    route: (kind, key) => gateways?.route(kind, key),
    policies: () => world.policies,
    onNews: () => {
      world.touchPolicies();
      policyNews = true;
      if (ready) touch();
    },
    clock,
    log: log.child({ part: 'policies' }),
  });
  const mesh: Mesh | undefined =
    options.mesh !== true
      ? undefined
      : new Mesh({
          client,
          informers,
          services,
          sink,
          onNews: () => {
            world.mesh.touch();
            if (ready) touch();
          },
          onClients: (namespace) => {
            world.mesh.touchClients(namespace);
            if (ready) touch();
          },
          part: () => world.mesh.part,
          clock,
          log: log.child({ part: 'mesh' }),
        });
  let version = 0;
  let publishedAt = Number.NEGATIVE_INFINITY;
  let pending: Cancel | undefined;
  let reporting: Cancel | undefined;
  let sweeping: Cancel | undefined;
  /** Translated, and not published yet. */
  let held: Changes | undefined;
  let looking: Cancel | undefined;
  const first = Promise.withResolvers<void>();
  const publish = (): void => {
    pending = undefined;
    held = merge([held, world.refresh()].filter((changes) => changes !== undefined));
    const reading = secrets.reading();
    if (reading === undefined) send();
    else if (looking === undefined) {
      looking = clock.after(LOOK_UP_MS, () => looked(send));
      void reading.then(() => looked(publish));
    }
  };
  const looked = (then: () => void): void => {
    if (looking === undefined) return;
    looking();
    looking = undefined;
    then();
  };
  const send = (): void => {
    publishedAt = clock.now();
    const changes = held;
    held = undefined;
    for (const key of world.takeNewlyOwned()) statuses?.add(key);
    reporting ??= clock.after(SETTLE_MS, () => {
      reporting = undefined;
      secrets.retain((key) => world.needsSecret(key));
      // What cannot be listened at is known when it has been tried.
      void (sink.applied?.() ?? Promise.resolve()).then(() => {
        const faults = serviceFaults(sink.listenErrors?.() ?? new Map(), (key) => services.get(key) !== undefined);
        problems.report([...world.problems(), ...externalNames.problems(), ...faults]);
      });
    });
    if (version === 0 || changes !== undefined) {
      version += 1;
      const own = version === 1 ? listeners.map((listener) => [listener.name, listener] as const) : [];
      const all = new Map<string, Listener | undefined>([...own, ...(changes?.listeners ?? [])]);
      sink.publish({ version, ...changes, ...(all.size === 0 ? {} : { listeners: all }) });
    }
    gateways?.published(world.takeTellings());
    if (policyNews) policies.published();
    policyNews = false;
    mesh?.published();
    if (world.mesh.lingers) sweeping ??= clock.after(LINGER_MS, sweep);
    options.dns?.flush();
    drains?.settle();
    first.resolve();
  };
  const sweep = (): void => {
    sweeping = undefined;
    world.mesh.sweep();
    touch();
  };
  const touch = (): void => {
    if (!ready || pending !== undefined) return;
    const wait = publishedAt + GATHER_MS - clock.now();
    pending = wait > 0 ? clock.after(wait, publish) : soon(publish);
  };

  const unsubscribe = [
    services.onChange((key, now, before) => {
      world.touchService(key);
      externalNames.see(key, now);
      // A route looks at type and ports of its Service, never at its endpoints.
      if (!jsonEqual(now?.spec, before?.spec)) {
        world.touchIngress('Service', key);
        world.touchGateways('Service', key);
        world.mesh.touch();
        policyNews = true;
      } else if (!jsonEqual(now?.metadata?.annotations, before?.metadata?.annotations)) {
        // They may say which protocol its backends speak.
        world.touchGateways('Service', key);
        world.mesh.touch();
      }
      touch();
    }),
    slices.onChange((key, now, before) => {
      drains?.see(key, now, before);
      for (const slice of [now, before]) if (slice !== undefined) world.touchService(serviceKeyOf(slice));
      touch();
    }),
    ingresses.onChange((key, now, before) => {
      statuses?.add(key);
      if (jsonEqual(meaningOf(now), meaningOf(before))) return;
      world.touchIngress('Ingress', key);
      touch();
    }),
    autoscalers.onChange((_key, now, before) => {
      // Their status changes all the time; a Service has to know only whether it may come back from zero.
      const all = [now, before].flatMap((one) => (one === undefined ? [] : servicesFromZero(one)));
      if (all.length === 0 || jsonEqual(now?.spec, before?.spec)) return;
      for (const service of all) world.touchService(service);
      touch();
    }),
    classes.onChange(() => {
      world.touchIngresses();
      touch();
    }),
    secrets.onChange((key) => {
      if (!world.needsSecret(key)) return;
      world.touchIngress('Secret', key);
      world.touchGateways('Secret', key);
      touch();
    }),
  ];
  const unsubscribeAll = (): void => {
    for (const end of unsubscribe) end();
  };
  try {
    await Promise.all(
      [services, slices, ingresses, classes, secrets, autoscalers, policies, gateways, mesh].map((part) =>
        part?.synced(),
      ),
    );
  } catch (error) {
    unsubscribeAll();
    throw error;
  }
  ready = true;
  publish();
  await first.promise;
  statuses?.start();
  policies.start();
  gateways?.start();
  mesh?.start();
  return {
    async stop() {
      ready = false;
      pending?.();
      reporting?.();
      problems.stop();
      sweeping?.();
      looking?.();
      looking = undefined;
      secrets.stop();
      unsubscribeAll();
      drains?.stop();
      await statuses?.stop();
      await gateways?.stop();
      pods.stop();
      externalNames.stop();
      await policies.stop();
      await mesh?.stop();
      await events.flush();
    },
  };
}

/** Once everybody has heard of the event that is being told: others who listen to it are called after us. */
function soon(act: () => void): Cancel {
  let cancelled = false;
  queueMicrotask(() => {
    if (!cancelled) act();
  });
  return () => {
    cancelled = true;
  };
}

/** What an Ingress says, without what is said about it: our own status writes change nothing. */
function meaningOf(ingress: Ingress | undefined): unknown {
  if (ingress === undefined) return undefined;
  const { annotations, creationTimestamp, uid } = ingress.metadata ?? {};
  return { spec: ingress.spec, annotations, creationTimestamp, uid };
}
