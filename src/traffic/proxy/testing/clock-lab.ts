// The worker of the engine in this thread, on a clock that the test moves: time-outs without waiting.
// Knows nothing of what a test asserts.

import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { Cluster, Route } from '#traffic/model/ir.ts';
import { EndpointSlots } from '../endpoint-slots.ts';
import { createOutcomeMemory } from '../health/outcome-memory.ts';
import { defaultLimits, type HttpLimits } from '../http1/limits.ts';
import { createInFlightMemory } from '../workers/in-flight.ts';
import { ProxyWorker } from '../workers/proxy-worker.ts';
import { simpleModel } from './model.ts';
import { RawClient } from './peers.ts';

/** Of the kind of `Backend`, or one of HTTP/2. */
interface Backend {
  readonly port: number;
  close(): Promise<void>;
}

export class ClockLab {
  readonly clock = new FakeClock();
  readonly #worker: ProxyWorker;
  readonly #backend: Backend;
  readonly #clients: RawClient[] = [];
  #port = 0;
  #series = 0;
  #applied: () => void = () => {};

  private constructor(backend: Backend, limits: Partial<HttpLimits>) {
    this.#backend = backend;
    const settings = {
      index: 0,
      workers: 1,
      inFlight: createInFlightMemory(1),
      outcomes: createOutcomeMemory(1),
      metrics: new SharedArrayBuffer(1024 * 1024),
      limits: { ...defaultLimits, ...limits },
      accessLog: undefined,
      traceRatio: undefined,
      servedByHeader: '',
      forwarded: false,
      ticketSecrets: [new Uint8Array(32)] as const,
      trustedProxies: [],
      nodeAddresses: [],
      clusterAddresses: true,
      balancerCidrs: [],
      place: { node: '', zone: '' },
    };
    this.#worker = new ProxyWorker(settings, {
      clock: this.clock,
      log: silentLogger,
      send: (message) => {
        if (message.type === 'series') this.#series += message.series.ended === true ? -1 : 1;
        if (message.type === 'listening') this.#port = message.port;
        if (message.type === 'applied') this.#applied();
      },
    });
  }

  static async start(
    backend: Backend,
    limits: Partial<HttpLimits> = {},
    cluster: Partial<Cluster> = {},
    route: Partial<Route> = {},
  ): Promise<ClockLab> {
    const lab = new ClockLab(backend, limits);
    const update = simpleModel([backend.port], cluster, route);
    const slots = new EndpointSlots(createInFlightMemory(1), 1).apply(update);
    const applied = new Promise<void>((resolve) => {
      lab.#applied = resolve;
    });
    lab.#worker.receive({ type: 'update', update, slots, health: new Map() });
    await applied;
    return lab;
  }

  /** Of the HTTP listener. */
  get port(): number {
    return this.#port;
  }

  /** Series of metrics that are open. */
  get series(): number {
    return this.#series;
  }

  client(): RawClient {
    const client = new RawClient(this.#port);
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#worker.close();
    await this.#backend.close();
  }
}
