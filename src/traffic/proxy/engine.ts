// The user-space engine as the process sees it: takes updates in, hands them to its workers, adds up their counts.
// Knows nothing of Kubernetes; it keeps serving on the last update when nobody publishes any more.

import { systemClock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import { version } from '#lib/version.ts';
import { checkAccessFile } from '#telemetry/access-file.ts';
import { EndedCounts } from '#telemetry/ended-counts.ts';
import { exposition, type MetricSource, type Total, totals } from '#telemetry/exposition.ts';
import type { MetricFormat } from '#telemetry/format.ts';
import { proxyMetrics } from '#telemetry/proxy-metrics.ts';
import type { Reporting } from '#telemetry/reporting.ts';
import { SpanExporter } from '#telemetry/traces/span-exporter.ts';
import type { TrafficSink, TrafficUpdate } from '#traffic/model/ir.ts';
import { buildInfo } from './build-info.ts';
import { type ClusterReport, reportCluster } from './cluster-report.ts';
import { DrainWatch } from './drain-watch.ts';
import { EndpointSlots } from './endpoint-slots.ts';
import { explainNowhere } from './explain/explain.ts';
import type { Explanation, Question } from './explain/explanation.ts';
import { findArrival } from './explain/find-listener.ts';
import { withHealth } from './explain/with-health.ts';
import { HealthMonitor } from './health/health-monitor.ts';
import { createOutcomeMemory } from './health/outcome-memory.ts';
import { defaultLimits, type HttpLimits } from './http1/limits.ts';
import { MergedModel } from './merged-model.ts';
import { CertificateExpiry } from './tls/certificate-expiry.ts';
import { TicketSecretRing } from './tls/ticket-keys.ts';
import { gatherCounts, type TrafficCounts } from './traffic-counts.ts';
import { joinDescriptions } from './workers/description.ts';
import { createInFlightMemory } from './workers/in-flight.ts';
import type { ToWorker } from './workers/messages.ts';
import { PortProbe } from './workers/port-probe.ts';
import { pack } from './workers/sent-hosts.ts';
import { METRIC_BYTES, WorkerHandle } from './workers/worker-handle.ts';

export interface EngineOptions extends Reporting {
  /** Worker threads, 1 or more; where the platform cannot share a port, 1 is used. */
  readonly workers: number;
  /** Response header that names the pod (`namespace/pod`) that answered; off when absent. */
  readonly servedByHeader?: string;
  readonly log: Logger;
  /** Overrides of single limits. */
  readonly limits?: Partial<HttpLimits>;
  /** CIDRs of clients whose forwarding headers are believed; none by default. */
  readonly trustedProxies?: readonly string[];
  /** Tells backends of clients by `Forwarded` (RFC 7239) beside `X-Forwarded-*`; off by default. */
  readonly forwarded?: boolean;
  /** Addresses, besides 127.0.0.1, that node ports are served on. */
  readonly nodeAddresses?: readonly string[];
  /** Whether Services are served at their ClusterIPs; so they are when left out. */
  readonly clusterAddresses?: boolean;
  /** CIDRs of load-balancer addresses that are served here although no interface has them. */
  readonly balancerCidrs?: readonly string[];
  /** Node and zone that this engine runs in, for clusters that prefer endpoints near by. */
  readonly node?: string;
  readonly zone?: string;
  /** Requests have begun to wait for the first endpoint of a cluster; called a few times a second at most. */
  readonly onHeld?: (cluster: string) => void;
}

export interface ListeningAddress {
  readonly address: string;
  readonly port: number;
}

export interface Engine extends Required<TrafficSink> {
  /** Text of everything the workers counted, in Prometheus' format when none is named. */
  metricsText(format?: MetricFormat): Promise<string>;
  /** Everything that was counted, for rates. */
  counts(): Promise<TrafficCounts>;
  /** Every cluster with its endpoints: how they fare, why, and what they have in flight. */
  clusters(): Promise<readonly ClusterReport[]>;
  /**
   * Gives an endpoint (`address:port`) of a cluster no new requests any more, or gives it some again; false when the
   * cluster has no such endpoint. Holds until the endpoint leaves the cluster.
   */
  drainEndpoint(cluster: string, key: string, drained: boolean): boolean;
  /** The model in force, without secrets. */
  configDump(): Promise<unknown>;
  /** What would become of a request now, as one of the workers sees it; rejects when none of them answers. */
  explain(question: Question): Promise<Explanation>;
  /** Goes on in a new file of the access log, the one so far having been moved away. */
  reopenLog(): void;
  /** Stops accepting, lets what is under way finish, for at most `ms`. */
  drain(ms: number): Promise<void>;
  /** Ends everything at once; resolves within a second. */
  close(): Promise<void>;
  /** Called when a worker has ended by itself: until another one serves (`applied`), what it listened at may be deaf. */
  onWorkerLost(fn: () => void): void;
  /** Called once for each listener or Service that cannot be bound; others go on. */
  onListenError(fn: (listenerOrService: string, error: Error) => void): void;
  /** Resolves when every worker has applied the first update and its listeners are bound or reported. */
  ready(): Promise<void>;
  /** Where a listener (or a Service, `namespace/service:port@address`) is bound; tells the port behind port 0. */
  address(name: string): ListeningAddress | undefined;
}

/** Milliseconds after which session tickets get a new key; the last one opens tickets for as long again. */
const TICKET_ROTATION = 12 * 60 * 60 * 1000;

/** Milliseconds for the collector to take the last spans. */
const LAST_SPANS_MS = 400;

/** Starts the workers; rejects when the access log cannot be opened. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  checkAccessFile(options.accessLog?.file);
  return new WorkerEngine(options);
}

class WorkerEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #workers: WorkerHandle[] = [];
  readonly #model = new MergedModel();
  readonly #slots: EndpointSlots;
  readonly #drains: DrainWatch;
  readonly #health: HealthMonitor;
  readonly #buildInfo = buildInfo();
  readonly #certificates = new CertificateExpiry();
  readonly #exporter: SpanExporter | undefined;
  /** What workers counted that have ended. */
  readonly #ended = new EndedCounts(Object.values(proxyMetrics), METRIC_BYTES);
  readonly #probe = new PortProbe();
  readonly #tickets = new TicketSecretRing();
  readonly #ticketTimer: NodeJS.Timeout;
  readonly #listenErrorFns: ((name: string, error: Error) => void)[] = [];
  readonly #lostFns: (() => void)[] = [];
  readonly #reported = new Map<string, Error>();
  readonly #bound = new Map<string, ListeningAddress>();
  readonly #waiting: { version: number; resolve: () => void }[] = [];
  #queue: Promise<void> = Promise.resolve();
  #published = 0;
  #draining = false;
  #closed = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { traces, log } = options;
    this.#exporter = traces && new SpanExporter(traces, version, { clock: systemClock, log });
    const sharesPorts = process.platform === 'linux' || process.platform === 'freebsd';
    const count = sharesPorts ? Math.max(1, Math.floor(options.workers)) : 1;
    const inFlight = createInFlightMemory(count);
    const outcomes = createOutcomeMemory(count);
    const place = { node: options.node ?? '', zone: options.zone ?? '' };
    this.#slots = new EndpointSlots(inFlight, count);
    this.#drains = new DrainWatch(this.#slots.table, systemClock);
    this.#health = new HealthMonitor({
      clock: systemClock,
      random: Math.random,
      log: options.log,
      memory: outcomes,
      workers: count,
      place,
      published: this.#model,
      slotOf: (key) => this.#slots.table.slotOf(key),
      onChange: (health) => this.#sendAll({ type: 'health', health }),
    });
    for (let index = 0; index < count; index++) {
      const worker = new WorkerHandle(
        {
          index,
          workers: count,
          inFlight,
          outcomes,
          limits: { ...defaultLimits, ...options.limits },
          ticketSecrets: this.#tickets.secrets,
          accessLog: options.accessLog,
          traceRatio: options.traces?.ratio,
          servedByHeader: options.servedByHeader ?? '',
          trustedProxies: options.trustedProxies ?? [],
          forwarded: options.forwarded ?? false,
          nodeAddresses: options.nodeAddresses ?? [],
          clusterAddresses: options.clusterAddresses ?? true,
          balancerCidrs: options.balancerCidrs ?? [],
          place,
        },
        {
          log: options.log,
          onApplied: () => this.#settleWaiting(),
          onListening: (name, address, port) => {
            this.#bound.set(name, { address, port });
            // A second try may have found what the first did not.
            this.#forgetReport(name);
          },
          onListenError: (name, error) => this.#reportListenError(name, error),
          onLongRun: (run) => this.#health.onLongRun(run),
          onHeld: (cluster) => options.onHeld?.(cluster),
          onSpans: (spans) => this.#exporter?.take(spans),
          onCrash: (source) => {
            this.#ended.add(source);
            // At once: until another one runs, limits and policies must not reckon with requests that are gone.
            this.#slots.table.clearRow(index);
            for (const fn of this.#lostFns) fn();
          },
          onRestart: () => {
            worker.start();
            if (this.#draining) worker.send({ type: 'drain' });
            worker.send({ type: 'ticket_secrets', secrets: this.#tickets.secrets });
            worker.send({
              type: 'update',
              update: pack(this.#model.full(), new Map()),
              slots: this.#slots.table.entries(),
              health: this.#health.full(),
            });
          },
        },
      );
      this.#workers.push(worker);
      worker.start();
    }
    this.#ticketTimer = setInterval(() => this.#rotateTickets(), TICKET_ROTATION);
    this.#ticketTimer.unref();
  }

  #rotateTickets(): void {
    const secrets = this.#tickets.rotate();
    for (const worker of this.#workers) worker.send({ type: 'ticket_secrets', secrets });
  }

  publish(update: TrafficUpdate): void {
    this.#published = Math.max(this.#published, update.version);
    this.#queue = this.#queue.then(() => this.#distribute(update));
  }

  async #distribute(published: TrafficUpdate): Promise<void> {
    // Workers share ports, so the kernel would let a second process share them too: one plain bind finds that out.
    const update =
      this.#workers.length === 1
        ? published
        : await this.#probe.check(published, (name, error) => this.#reportListenError(name, error));
    if (this.#closed) return;
    const sent = pack(update, this.#model.model().virtualHosts);
    this.#model.apply(update);
    for (const name of published.listeners?.keys() ?? []) this.#forgetReport(name);
    for (const name of published.services?.keys() ?? []) this.#forgetReport(name);
    const slots = this.#slots.apply(update);
    this.#sendAll({ type: 'update', update: sent, slots, health: this.#health.apply(update) });
  }

  #sendAll(message: ToWorker): void {
    for (const worker of this.#workers) worker.send(message);
  }

  #forgetReport(name: string): void {
    if (!this.#probe.failed.has(name)) this.#reported.delete(name);
  }

  #reportListenError(name: string, error: Error): void {
    if (this.#reported.has(name)) return;
    this.#reported.set(name, error);
    this.#options.log.error({ listener: name, error: error.message }, 'Cannot listen');
    for (const fn of this.#listenErrorFns) fn(name, error);
  }

  onWorkerLost(fn: () => void): void {
    this.#lostFns.push(fn);
  }

  onListenError(fn: (listenerOrService: string, error: Error) => void): void {
    this.#listenErrorFns.push(fn);
    for (const [name, error] of this.#reported) fn(name, error);
  }

  listenErrors(): ReadonlyMap<string, Error> {
    return this.#reported;
  }

  ready(): Promise<void> {
    return this.#reached(0);
  }

  applied(): Promise<void> {
    return this.#reached(this.#published);
  }

  #reached(version: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ version, resolve });
      this.#settleWaiting();
    });
  }

  #settleWaiting(): void {
    const lowest = Math.min(...this.#workers.map((worker) => worker.appliedVersion));
    for (const waiting of this.#waiting.splice(0)) {
      if (lowest >= waiting.version || this.#closed) waiting.resolve();
      else this.#waiting.push(waiting);
    }
  }

  address(name: string): ListeningAddress | undefined {
    return this.#bound.get(name);
  }

  #sources(): MetricSource[] {
    return [
      this.#buildInfo,
      this.#ended.source,
      this.#health.stats.source,
      this.#certificates.source,
      ...(this.#exporter === undefined ? [] : [this.#exporter.source]),
      ...this.#workers.map((worker) => worker.source()),
    ];
  }

  async metricsText(format?: MetricFormat): Promise<string> {
    await Promise.all(this.#workers.map((worker) => worker.sync()));
    const { clusters, certificates } = this.#model.model();
    this.#health.measure(clusters.values());
    this.#certificates.measure(certificates.values());
    return exposition(Object.values(proxyMetrics), this.#sources(), format);
  }

  async counts(): Promise<TrafficCounts> {
    await Promise.all(this.#workers.map((worker) => worker.sync()));
    return gatherCounts(this.#sources(), this.#model, this.#slots.table);
  }

  reopenLog(): void {
    this.#sendAll({ type: 'reopen_log' });
  }

  drainEndpoint(cluster: string, key: string, drained: boolean): boolean {
    return this.#health.drain(cluster, key, drained);
  }

  async drained(addresses: readonly string[], signal: AbortSignal): Promise<void> {
    const cells = this.#drains.cellsOf(addresses);
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.applied(), aborted]);
    await this.#drains.quiet(cells, signal);
  }

  async clusters(): Promise<readonly ClusterReport[]> {
    const factsOf = joinDescriptions(await Promise.all(this.#workers.map((worker) => worker.sync(true))));
    const sources = this.#sources();
    const outcomes = byEndpoint(totals(proxyMetrics.upstreamRequests, sources));
    const connections = byEndpoint(totals(proxyMetrics.upstreamConnections, sources));
    return [...this.#model.model().clusters.values()].map((cluster) => {
      const endpoints = this.#model.endpointsOf(cluster.name);
      return reportCluster(cluster, endpoints, this.#health.selection(cluster), (endpoint, key) => {
        const own = `${cluster.name} ${endpoint.pod === '' ? key : endpoint.pod}`;
        const requests = (outcomes.get(own) ?? []).map(({ labels, values }) => [labels[2], values[0]]);
        return {
          ...this.#health.view(cluster.name, endpoint),
          inFlight: this.#slots.table.of(key),
          connections: connections.get(own)?.[0]?.values[0] ?? 0,
          requests: Object.fromEntries(requests),
          facts: factsOf(cluster.name, key),
        };
      });
    });
  }

  async configDump(): Promise<unknown> {
    return this.#model.dump();
  }

  async explain(question: Question): Promise<Explanation> {
    const model = this.#model.model();
    const bound = [...model.listeners.values()].map((listener) => ({
      ...listener,
      port: this.#bound.get(listener.name)?.port ?? listener.port,
    }));
    const arrival = findArrival(question, model, bound);
    if (arrival.type === 'none') return explainNowhere(question, arrival.summary, arrival.remedy);
    for (const worker of this.#workers) {
      const explanation = await worker.explain(question, arrival);
      if (explanation === undefined) continue;
      return withHealth(explanation, {
        endpointsOf: (cluster) => this.#model.endpointsOf(cluster),
        view: (cluster, endpoint) => this.#health.view(cluster, endpoint),
      });
    }
    throw new Error('No worker answers: all of them are starting, or too busy');
  }

  async drain(ms: number): Promise<void> {
    await this.#queue;
    this.#draining = true;
    await Promise.all(this.#workers.map((worker) => worker.drain(ms)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#ticketTimer);
    this.#settleWaiting();
    this.#health.close();
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    // The last spans came with the end of the workers.
    await this.#exporter?.close(LAST_SPANS_MS);
  }
}

/** Totals by the cluster and endpoint that they name first. */
function byEndpoint(all: readonly Total[]): ReadonlyMap<string, readonly Total[]> {
  return Map.groupBy(all, ({ labels }) => `${labels[0]} ${labels[1]}`);
}
