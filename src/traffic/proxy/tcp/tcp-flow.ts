// One TCP connection to a Service, joined to one endpoint: bytes both ways, each side waiting for the other.
// Knows nothing of HTTP. A flow outlives the endpoint's place in the snapshot; it ends when either side ends it.

import { connect, type Socket } from 'node:net';
import type { ServicePort } from '#traffic/model/ir.ts';
import type { EngineTarget } from '#traffic/snapshot/index.ts';
import type { AffinityTable } from '../services/affinity.ts';
import { chooseTarget, type ServiceContext } from '../services/context.ts';
import type { Timed } from '../sweeper.ts';
import { type Failure, failures } from '../upstream/failure.ts';

/** What an endpoint that takes the connection is recorded as: bytes have no status. */
const CONNECTED = 200;
/** Endpoints tried before the client is refused. */
const ATTEMPTS = 3;

export class TcpFlow implements Timed {
  readonly #context: ServiceContext;
  readonly #service: ServicePort;
  readonly #affinity: AffinityTable;
  readonly #client: Socket;
  readonly #address: string;
  readonly #tried: EngineTarget[] = [];
  #upstream: Socket | undefined;
  #connectDeadline = 0;
  #attemptStarted = 0;
  #joined = false;

  /** `client` is paused: not a byte is read before there is somebody to hand it to. */
  constructor(context: ServiceContext, service: ServicePort, affinity: AffinityTable, client: Socket) {
    this.#context = context;
    this.#service = service;
    this.#affinity = affinity;
    this.#client = client;
    this.#address = client.remoteAddress ?? '';
    client.on('error', () => client.destroy());
    client.on('close', () => {
      context.sweeper.remove(this);
      this.#upstream?.destroy();
      if (this.#joined) context.stats.tcpClosed(service.name);
    });
    context.sweeper.add(this);
    this.#attempt();
  }

  /** Ends it at once, both ways. */
  destroy(): void {
    this.#client.destroy();
  }

  onTick(now: number): void {
    if (this.#connectDeadline !== 0 && now >= this.#connectDeadline) this.#upstream?.destroy();
  }

  #attempt(): void {
    const context = this.#context;
    const target = this.#tried.length < ATTEMPTS ? this.#choose() : undefined;
    if (target === undefined) {
      context.stats.tcpOpened(this.#service.name, this.#tried.length === 0 ? 'no_endpoint' : 'connect_failed');
      // The nearest a user-space listener comes to a refused connection.
      this.#client.resetAndDestroy();
      return;
    }
    this.#tried.push(target);
    const timeout = context.snapshot().cluster(this.#service.cluster)?.config.timeouts.connect ?? 0;
    this.#connectDeadline = timeout === 0 ? 0 : context.now() + timeout;
    context.stats.endpointBusy(target.key, 1);
    this.#attemptStarted = context.now();
    const upstream = connect({ host: target.address, port: target.port, noDelay: true, allowHalfOpen: true });
    this.#upstream = upstream;
    upstream.on('connect', () => this.#join(upstream, target));
    // `close` follows and decides.
    upstream.on('error', () => {});
    upstream.on('close', (failed: boolean) => {
      context.stats.endpointBusy(target.key, -1);
      this.#onUpstreamClose(target, failed);
    });
  }

  #choose(): EngineTarget | undefined {
    return chooseTarget(this.#context, this.#service, this.#affinity, this.#address, this.#tried);
  }

  #onUpstreamClose(target: EngineTarget, failed: boolean): void {
    if (this.#client.destroyed) return;
    if (!this.#joined) {
      this.#record(target, 0, failures.connect);
      this.#attempt();
    } else if (failed) this.#client.resetAndDestroy();
    else this.#client.destroySoon();
  }

  #record(target: EngineTarget, status: number, failure: Failure | undefined): void {
    const context = this.#context;
    const cluster = context.snapshot().cluster(this.#service.cluster);
    if (cluster === undefined) return;
    context.outcomes.record(cluster, target, status, failure, context.now() - this.#attemptStarted);
  }

  #join(upstream: Socket, target: EngineTarget): void {
    const client = this.#client;
    this.#joined = true;
    this.#connectDeadline = 0;
    this.#record(target, CONNECTED, undefined);
    this.#context.stats.tcpOpened(this.#service.name, 'connected');
    this.#context.stats.tcpJoined(this.#service.cluster, target);
    splice(client, upstream);
    splice(upstream, client);
    client.resume();
  }
}

/** Carries bytes and the end of the stream one way; reads no faster than the other side takes. */
function splice(from: Socket, to: Socket): void {
  from.on('data', (bytes: Buffer) => {
    if (!to.write(bytes)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
}
