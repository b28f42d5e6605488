// Turns what happens to requests into counts; cells are looked up once and kept where the next request finds them.
// Knows nothing of sockets; runs on the hot path of a worker.

import type { Exemplars } from '#telemetry/exemplars.ts';
import type { MetricWriter } from '#telemetry/metric-writer.ts';
import { proxyMetrics } from '#telemetry/proxy-metrics.ts';
import type { RouteEntry } from '#traffic/snapshot/index.ts';
import type { HttpStats } from '../http/context.ts';
import type { EndpointPool } from '../upstream/endpoint-pool.ts';
import type { Failure } from '../upstream/failure.ts';
import type { InFlightCounters } from './in-flight.ts';

interface RouteCells {
  readonly duration: number;
  /** Cell by status code; 0 where none was asked for yet. */
  readonly codes: number[];
}

/** Label of requests that no route matched: a host that nobody serves must not open a series. */
const NO_ROUTE = 'none';

/** What is counted by cluster, its name first. */
const ofClusters = [
  proxyMetrics.upstreamRequests,
  proxyMetrics.upstreamDuration,
  proxyMetrics.retries,
  proxyMetrics.overflows,
  proxyMetrics.mirrored,
  proxyMetrics.authorised,
  proxyMetrics.heldTotal,
  proxyMetrics.holdDuration,
];

export class WorkerStats implements HttpStats {
  readonly #writer: MetricWriter;
  readonly #inFlight: InFlightCounters;
  readonly #exemplars: Exemplars;
  readonly #routes = new Map<string, Map<string, RouteCells>>();
  readonly #requests: number;
  readonly #onHeld: (cluster: string) => void;

  /** `onHeld` hears of every request that begins to wait. */
  constructor(
    writer: MetricWriter,
    inFlight: InFlightCounters,
    exemplars: Exemplars,
    onHeld: (cluster: string) => void,
  ) {
    this.#onHeld = onHeld;
    this.#writer = writer;
    this.#exemplars = exemplars;
    this.#inFlight = inFlight;
    this.#requests = writer.cell(proxyMetrics.inFlight, []);
  }

  connectionOpened(listener: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.connections, [listener]), 1);
    this.#writer.add(this.#writer.cell(proxyMetrics.accepted, [listener]), 1);
  }

  connectionClosed(listener: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.connections, [listener]), -1);
  }

  requestStarted(): void {
    this.#writer.add(this.#requests, 1);
  }

  requestDone(
    listener: string,
    route: RouteEntry | undefined,
    status: number,
    duration: number,
    traceId: string | undefined,
  ): void {
    const writer = this.#writer;
    const name = route === undefined ? NO_ROUTE : route.route.metricName;
    const cells = this.#routes.get(listener)?.get(name) ?? this.#routeCells(listener, name);
    let code = cells.codes[status] ?? 0;
    if (code === 0) {
      code = writer.cell(proxyMetrics.requests, [listener, name, String(status)]);
      cells.codes[status] = code;
    }
    writer.add(code, 1);
    writer.observe(cells.duration, duration);
    if (traceId !== undefined) this.#exemplars.note(cells.duration, duration, traceId);
    writer.add(this.#requests, -1);
  }

  upstreamStarted(pool: EndpointPool): void {
    this.#inFlight.add(pool.slot, 1);
  }

  upstreamDone(
    cluster: string,
    pool: EndpointPool,
    status: number,
    failure: Failure | undefined,
    duration: number,
  ): void {
    const writer = this.#writer;
    this.#inFlight.add(pool.slot, -1);
    // What a departed endpoint still answers is counted by route only: its own series are over.
    if (pool.retired) return;
    let cells = pool.cells;
    if (
      cells === undefined ||
      cells.generation !== writer.generation ||
      cells.cluster !== cluster ||
      cells.pod !== pool.pod
    ) {
      cells = {
        cluster,
        pod: pool.pod,
        generation: writer.generation,
        duration: writer.cell(proxyMetrics.upstreamDuration, [cluster, endpointLabel(pool)]),
        classes: [],
      };
      pool.cells = cells;
    }
    if (failure === undefined && status !== 499) {
      const first = Math.floor(status / 100);
      let cell = cells.classes[first] ?? 0;
      if (cell === 0) {
        cell = writer.cell(proxyMetrics.upstreamRequests, [cluster, endpointLabel(pool), `${first}xx`]);
        cells.classes[first] = cell;
      }
      writer.add(cell, 1);
    } else {
      const outcome = failure?.code ?? 'aborted';
      writer.add(writer.cell(proxyMetrics.upstreamRequests, [cluster, endpointLabel(pool), outcome]), 1);
    }
    writer.observe(cells.duration, duration);
  }

  /** An endpoint has left every cluster: without this, each rollout would add series for good. */
  endpointLeft(pool: EndpointPool): void {
    const label = endpointLabel(pool);
    this.#writer.release(proxyMetrics.upstreamRequests, (labels) => labels[1] === label);
    this.#writer.release(proxyMetrics.upstreamDuration, (labels) => labels[1] === label);
  }

  /** Clusters that are gone, by name. */
  clustersLeft(names: ReadonlySet<string>): void {
    if (names.size === 0) return;
    for (const metric of ofClusters) {
      this.#writer.release(metric, ([cluster = '']) => names.has(cluster));
    }
  }

  /** Routes that are gone, by their names in metrics. */
  routesLeft(names: ReadonlySet<string>): void {
    if (names.size === 0) return;
    // Their cells will be others' soon.
    this.#exemplars.take();
    for (const routes of this.#routes.values()) for (const name of names) routes.delete(name);
    this.#writer.release(proxyMetrics.requests, ([, route = '']) => names.has(route));
    this.#writer.release(proxyMetrics.duration, ([route = '']) => names.has(route));
  }

  retried(cluster: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.retries, [cluster]), 1);
  }

  overflowed(cluster: string, limit: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.overflows, [cluster, limit]), 1);
  }

  heldBegan(cluster: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.held, [cluster]), 1);
    this.#onHeld(cluster);
  }

  heldEnded(cluster: string, outcome: string, duration: number): void {
    const writer = this.#writer;
    writer.add(writer.cell(proxyMetrics.held, [cluster]), -1);
    writer.add(writer.cell(proxyMetrics.heldTotal, [cluster, outcome]), 1);
    writer.observe(writer.cell(proxyMetrics.holdDuration, [cluster]), duration);
  }

  heldOverflowed(cluster: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.heldTotal, [cluster, 'overflow']), 1);
  }

  mirrored(cluster: string, outcome: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.mirrored, [cluster, outcome]), 1);
  }

  mirrorDone(cluster: string, pool: EndpointPool, outcome: string): void {
    this.#inFlight.add(pool.slot, -1);
    this.mirrored(cluster, outcome);
  }

  authorised(cluster: string, outcome: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.authorised, [cluster, outcome]), 1);
  }

  authTryDone(pool: EndpointPool): void {
    this.#inFlight.add(pool.slot, -1);
  }

  answered(code: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.localReplies, [code]), 1);
  }

  compressed(coding: string, bytesIn: number, bytesOut: number): void {
    const writer = this.#writer;
    writer.add(writer.cell(proxyMetrics.compressionBytes, [coding, 'in']), bytesIn);
    writer.add(writer.cell(proxyMetrics.compressionBytes, [coding, 'out']), bytesOut);
  }

  sessionOpened(listener: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.sessions, [listener]), 1);
  }

  sessionClosed(listener: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.sessions, [listener]), -1);
  }

  sessionFault(listener: string, fault: string): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.sessionFaults, [listener, fault]), 1);
  }

  streamReset(listener: string, by: 'client' | 'proxy'): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.streamResets, [listener, by]), 1);
  }

  rejected(listener: string, status: number): void {
    this.#writer.add(this.#writer.cell(proxyMetrics.rejected, [listener, String(status)]), 1);
  }

  #routeCells(listener: string, name: string): RouteCells {
    let routes = this.#routes.get(listener);
    if (routes === undefined) {
      routes = new Map();
      this.#routes.set(listener, routes);
    }
    const cells = { duration: this.#writer.cell(proxyMetrics.duration, [name]), codes: new Array<number>(600).fill(0) };
    routes.set(name, cells);
    return cells;
  }
}

/** The pod, or the address where no pod stands behind it. */
function endpointLabel(pool: EndpointPool): string {
  return pool.pod === '' ? pool.key : pool.pod;
}
