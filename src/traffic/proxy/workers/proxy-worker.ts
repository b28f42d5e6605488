// One worker's data plane: applies updates in order and owns every socket opened on its behalf.
// Knows nothing of threads; whoever starts it passes messages in and out.

import { randomBytes } from 'node:crypto';
import type { Clock } from '#lib/clock.ts';
import { hash32 } from '#lib/hash.ts';
import type { Logger } from '#lib/log.ts';
import { AccessLog } from '#telemetry/access-log.ts';
import { Exemplars } from '#telemetry/exemplars.ts';
import { MetricWriter } from '#telemetry/metric-writer.ts';
import { proxyMetrics } from '#telemetry/proxy-metrics.ts';
import { SpanBatch } from '#telemetry/traces/span-batch.ts';
import type { Listener } from '#traffic/model/ir.ts';
import {
  createSnapshotBuilder,
  type HealthUpdate,
  type Snapshot,
  type SnapshotBuilder,
} from '#traffic/snapshot/index.ts';
import { addressList } from '../address-list.ts';
import { explain } from '../explain/explain.ts';
import { Authorisers } from '../filters/external-auth/authorisers.ts';
import { Mirrors } from '../filters/mirror/mirrors.ts';
import { ClusterGuards } from '../guards/cluster-guard.ts';
import { WaitingRoom } from '../guards/waiting-room.ts';
import { OutcomeRecorder } from '../health/attempt-recorder.ts';
import type { HttpContext } from '../http/context.ts';
import { Tracer } from '../http/request-trace.ts';
import { OutBuffer } from '../http1/out-buffer.ts';
import type { FlowContext } from '../layer4/context.ts';
import { GatewayConnections } from '../listeners/gateway-connections.ts';
import { listenerRoute } from '../listeners/gateway-route.ts';
import { ServiceDriver } from '../services/service-driver.ts';
import { Sweeper, type Timed } from '../sweeper.ts';
import { ServerContexts } from '../tls/server-contexts.ts';
import { UdpListener } from '../udp/udp-listener.ts';
import { UpstreamPools } from '../upstream/pools.ts';
import { clustersLeft } from './departures.ts';
import { describeTargets } from './description.ts';
import { GatewayListeners } from './gateway-listeners.ts';
import { WorkerStats } from './http-stats.ts';
import { InFlightCounters } from './in-flight.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './messages.ts';
import { RouteNames } from './route-names.ts';
import { unpack } from './sent-hosts.ts';
import { serviceStats } from './service-stats.ts';
import { tlsStats } from './tls-stats.ts';

/** Milliseconds between two messages about requests that wait for one cluster. */
const HELD_PAUSE_MS = 200;

export interface WorkerDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly send: (message: FromWorker) => void;
}

export class ProxyWorker {
  readonly #deps: WorkerDeps;
  readonly #counters: InFlightCounters;
  readonly #builder: SnapshotBuilder;
  readonly #sweeper: Sweeper;
  readonly #pools: UpstreamPools;
  readonly #guards: ClusterGuards;
  readonly #stats: WorkerStats;
  readonly #contexts: ServerContexts;
  readonly #accessLog: AccessLog | undefined;
  readonly #spans: SpanBatch | undefined;
  readonly #exemplars: Exemplars;
  readonly #context: HttpContext;
  readonly #connections: GatewayConnections;
  readonly #gateway: GatewayListeners;
  readonly #services: ServiceDriver;
  readonly #serviceStats: ReturnType<typeof serviceStats>;
  /** Updates are applied one after the other, each with its listeners. */
  #queue: Promise<void> = Promise.resolve();
  #drainReported = false;
  readonly #routeNames = new RouteNames();

  constructor(settings: WorkerSettings, deps: WorkerDeps) {
    this.#deps = deps;
    const { clock } = deps;
    const now = (): number => clock.now();
    this.#counters = new InFlightCounters(settings.inFlight, settings.index, settings.workers, (key) => {
      for (const pool of this.#pools.retire(key, now())) this.#stats.endpointLeft(pool);
      this.#serviceStats.endpointLeft(key);
    });
    this.#builder = createSnapshotBuilder({
      random: Math.random,
      counters: this.#counters,
      place: settings.place,
      now,
    });
    this.#guards = new ClusterGuards(this.#counters, now);
    this.#sweeper = new Sweeper(clock);
    this.#pools = new UpstreamPools((key) => this.#counters.knownSlot(key), this.#guards, settings.limits, now);
    this.#sweeper.add(this.#pools);
    this.#sweeper.add(this.#guards);
    this.#contexts = new ServerContexts(deps.log, settings.ticketSecrets, settings.limits.headTimeout);
    this.#accessLog = settings.accessLog && new AccessLog(settings.accessLog, clock);
    const writer = new MetricWriter(settings.metrics, (series) => deps.send({ type: 'series', series }));
    this.#exemplars = new Exemplars(() => clock.wall());
    this.#stats = new WorkerStats(
      writer,
      this.#counters,
      this.#exemplars,
      seldom(now, (cluster) => deps.send({ type: 'held', cluster })),
    );
    this.#spans = settings.traceRatio === undefined ? undefined : this.#spanBatch(writer);
    const tracer =
      this.#spans &&
      new Tracer({
        ratio: settings.traceRatio ?? 0,
        add: (span) => this.#spans?.add(span),
        now,
        wall: () => clock.wall(),
      });
    this.#serviceStats = serviceStats(writer, this.#counters);
    const outcomes = new OutcomeRecorder(settings.outcomes, settings.index, (run) =>
      deps.send({ type: 'long_run', ...run }),
    );
    const accessLog = this.#accessLog;
    this.#context = {
      snapshot: this.#builder.apply({ version: 0 }),
      draining: false,
      limits: settings.limits,
      pools: this.#pools,
      guards: this.#guards,
      waitingRoom: new WaitingRoom(settings.workers),
      mirrors: new Mirrors(),
      authorisers: new Authorisers(),
      out: new OutBuffer(),
      stats: this.#stats,
      outcomes,
      sweeper: this.#sweeper,
      accessLog,
      tracer,
      servedByHeader: settings.servedByHeader,
      random: Math.random,
      now,
      wall: () => clock.wall(),
      after: (ms, fn) => clock.after(ms, fn),
      newRequestId: requestIds(),
      isTrusted: addressList(settings.trustedProxies).has,
      forwarded: settings.forwarded,
    };
    const report = {
      listening: (name: string, address: string, port: number) => deps.send({ type: 'listening', name, address, port }),
      failed: (name: string, code: string, message: string) => deps.send({ type: 'listen_error', name, code, message }),
    };
    const flows: FlowContext = {
      snapshot: () => this.#context.snapshot,
      stats: this.#serviceStats,
      guards: this.#guards,
      waitingRoom: this.#context.waitingRoom,
      holdStats: this.#stats,
      outcomes,
      sweeper: this.#sweeper,
      log: deps.log,
      now,
    };
    const reusePort = settings.workers > 1;
    this.#connections = new GatewayConnections(this.#context, flows, this.#contexts, tlsStats(writer));
    const datagrams = (listener: Listener): UdpListener =>
      new UdpListener(flows, listenerRoute(flows, listener.name), { reusePort });
    this.#gateway = new GatewayListeners(this.#connections, datagrams, report, reusePort);
    this.#services = new ServiceDriver(
      flows,
      {
        nodeAddresses: settings.nodeAddresses,
        clusterAddresses: settings.clusterAddresses,
        balancerCidrs: settings.balancerCidrs,
        fronts: this.#connections,
        owns: (service) => hash32(service) % settings.workers === settings.index,
      },
      report,
    );
    this.#sweeper.add({ onTick: () => this.#reportDrained() });
    this.#sweeper.add({ onTick: (now) => this.#refreshWeights(now) });
    writer.add(writer.cell(proxyMetrics.inFlight, []), 0);
    if (accessLog !== undefined)
      this.#sweeper.add(countDropped(accessLog, writer, writer.cell(proxyMetrics.accessLogDropped, [])));
  }

  receive(message: ToWorker): void {
    if (message.type === 'update') {
      this.#queue = this.#queue.then(() => this.#apply(message));
    } else if (message.type === 'ticket_secrets') {
      this.#contexts.useSecrets(message.secrets);
    } else if (message.type === 'health') {
      // Behind the updates that came before it, of whose endpoints it may speak.
      this.#queue = this.#queue.then(() => this.#applyHealth(message.health));
    } else if (message.type === 'drain') {
      // Whoever asks again waits for an answer, too.
      this.#drainReported = false;
      this.#context.draining = true;
      this.#gateway.close();
      this.#connections.drain();
      this.#services.drain();
    } else if (message.type === 'explain') {
      const { id, question, arrival } = message;
      const { snapshot, limits, isTrusted } = this.#context;
      const now = this.#context.now();
      const explanation = explain(question, arrival, { snapshot, limits, now, atRest: false, isTrusted });
      this.#deps.send({ type: 'explained', id, explanation });
    } else if (message.type === 'sync') {
      const descriptions = message.describe ? describeTargets(this.#context.snapshot, this.#deps.clock.now()) : [];
      this.#deps.send({ type: 'synced', descriptions, exemplars: this.#exemplars.take() });
    } else if (message.type === 'reopen_log') {
      this.#accessLog?.reopen();
    } else if (message.type === 'spans_taken') {
      this.#spans?.taken();
    } else {
      this.close();
    }
  }

  /** Closes every socket at once and writes what the access log still holds. */
  close(): void {
    this.#context.draining = true;
    this.#gateway.close();
    this.#connections.close();
    this.#services.close();
    this.#context.mirrors.close();
    this.#context.authorisers.close();
    this.#pools.close();
    this.#sweeper.stop();
    this.#accessLog?.close();
    this.#spans?.close();
  }

  #spanBatch(writer: MetricWriter): SpanBatch {
    const batch = new SpanBatch(this.#deps.clock, (spans) => this.#deps.send({ type: 'spans', spans }));
    this.#sweeper.add(countDropped(batch, writer, writer.cell(proxyMetrics.spansDropped, ['overload'])));
    return batch;
  }

  async #apply(message: Extract<ToWorker, { type: 'update' }>): Promise<void> {
    this.#counters.learn(message.slots);
    const before = this.#context.snapshot;
    const update = unpack(message.update, before.virtualHosts);
    const snapshot: Snapshot = this.#builder.apply(update, message.health);
    this.#counters.settle();
    if (update.clusters !== undefined) this.#guards.apply(update.clusters);
    this.#stats.routesLeft(this.#routeNames.left(update, before.virtualHosts));
    this.#stats.clustersLeft(clustersLeft(update));
    this.#use(snapshot);
    const { services, listeners, clients, virtualHosts } = update;
    // In the same turn, so that no request meets hosts that are not for it any more.
    if (services ?? listeners ?? clients ?? virtualHosts) this.#connections.onFronts();
    // What is under way goes on, and may try again: it follows the endpoints. Nobody new is let in.
    if (!this.#context.draining)
      await Promise.all([this.#gateway.reconcile(snapshot.listeners), this.#services.reconcile(snapshot.services)]);
    this.#deps.send({ type: 'applied', version: update.version });
  }

  #applyHealth(health: HealthUpdate): void {
    this.#use(this.#builder.applyHealth(health));
  }

  /** Requests that waited for what is new in it go on at once. */
  #use(snapshot: Snapshot): void {
    this.#context.snapshot = snapshot;
    this.#context.waitingRoom.look(snapshot);
  }

  #refreshWeights(now: number): void {
    const snapshot = this.#builder.refresh(now);
    if (snapshot !== undefined) this.#context.snapshot = snapshot;
  }

  #reportDrained(): void {
    if (!this.#context.draining || this.#drainReported || this.#connections.size + this.#services.connections > 0)
      return;
    this.#drainReported = true;
    this.#deps.send({ type: 'drained' });
  }
}

/** Of many calls about one name, a few a second. */
function seldom(now: () => number, tell: (name: string) => void): (name: string) => void {
  const told = new Map<string, number>();
  return (name) => {
    if (now() - (told.get(name) ?? Number.NEGATIVE_INFINITY) < HELD_PAUSE_MS) return;
    // Names come from the model: as few as there are clusters that hold.
    told.set(name, now());
    tell(name);
  };
}

function countDropped(from: { readonly dropped: number }, writer: MetricWriter, cell: number): Timed {
  let counted = 0;
  return {
    onTick() {
      writer.add(cell, from.dropped - counted);
      counted = from.dropped;
    },
  };
}

/** Ids unique over workers and restarts: a random part once, a count per request. */
function requestIds(): () => string {
  const prefix = randomBytes(8).toString('hex');
  let count = 0;
  return () => `${prefix}-${(count++).toString(16)}`;
}
