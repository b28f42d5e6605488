// One TCP connection, joined to one endpoint: bytes both ways, each side waiting for the other.
// Knows nothing of HTTP. A flow may wait, unread, for the first endpoint of its cluster; it outlives the endpoint's place in
// the snapshot, and ends when either side ends it.

import type { Socket } from 'node:net';
import type { Endpoint } from '#traffic/model/ir.ts';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';
import type { ClusterGuard } from '../guards/cluster-guard.ts';
import { Hold } from '../guards/hold.ts';
import { isOwned, type NextRead, nextMemory, sharedMemory } from '../http1/read-memory.ts';
import { shareReads } from '../http1/shared-read.ts';
import type { FlowContext, FlowRoute } from '../layer4/context.ts';
import type { SocketPair } from '../proxy-protocol/socket-pair.ts';
import type { Timed } from '../sweeper.ts';
import { dial, dialFailure } from '../upstream/dial.ts';
import { type Failure, failures } from '../upstream/failure.ts';
import { relay } from './relay.ts';
import { reset } from './reset.ts';

/** What an endpoint that takes the connection is recorded as: bytes have no status. */
const CONNECTED = 200;
/** Endpoints tried before the client is refused. */
const ATTEMPTS = 3;

/** Milliseconds that what was said last may take to go out, once the other side has closed. */
const LINGER = 60_000;

export class TcpFlow implements Timed {
  readonly #context: FlowContext;
  readonly #route: FlowRoute;
  readonly #pair: SocketPair;
  readonly #onClose: () => void;
  readonly #tried: EngineTarget[] = [];
  /** Paused and unread until somebody is there to hand its bytes to. */
  readonly #client: Socket;
  #cluster: ClusterEntry | undefined;
  #guard: ClusterGuard | undefined;
  /** Of a flow that has waited. */
  #hold: Hold | undefined;
  #upstream: Socket | undefined;
  #memory: Buffer | undefined;
  #deadline = 0;
  /** As last looked through. */
  #endpoints: readonly Endpoint[] | undefined;
  /** When a flow whose endpoint has left has to end; 0 while it may stay. */
  #leaveAt = 0;
  #attemptStarted = 0;
  #joined = false;
  /** Sides of a joined flow that have closed. */
  #closed = 0;
  #over = false;

  /** `client` is paused; bytes that were put back into it come first. */
  constructor(context: FlowContext, route: FlowRoute, client: Socket, pair: SocketPair, onClose: () => void) {
    this.#context = context;
    this.#route = route;
    this.#client = client;
    this.#pair = pair;
    this.#onClose = onClose;
    // `close` follows and decides.
    client.on('error', () => {});
  }

  /** Called once: picks an endpoint and connects. */
  start(): void {
    this.#context.sweeper.add(this);
    const name = this.#route.pickCluster();
    this.#cluster = name === undefined ? undefined : this.#context.snapshot().cluster(name);
    if (this.#cluster === undefined) {
      this.#refuse('no_endpoint');
      return;
    }
    const guard = this.#context.guards.of(this.#cluster.config);
    if (guard?.allowsConnection() === false) {
      this.#refuse('overflow');
      return;
    }
    guard?.add('connections', 1);
    this.#guard = guard;
    this.#attempt(this.#cluster);
  }

  /** Ends it at once, both ways. */
  destroy(): void {
    this.#client.destroy();
    this.#upstream?.destroy();
    this.#finish();
  }

  onTick(now: number): void {
    if (this.#joined) this.#lookForEndpoint(now);
    const late = this.#deadline !== 0 && now >= this.#deadline;
    if (this.#joined && (late || (this.#leaveAt !== 0 && now >= this.#leaveAt))) this.destroy();
    else if (late && this.#hold?.waits === true) this.#refuse('no_endpoint');
    else if (late) this.#upstream?.destroy();
  }

  /** Once the endpoint has left its cluster, the flow may go on for as long as the cluster says. */
  #lookForEndpoint(now: number): void {
    const { config } = this.#cluster as ClusterEntry;
    const limit = config.timeouts.drain ?? 0;
    const endpoints = limit === 0 ? undefined : this.#context.snapshot().cluster(config.name)?.endpoints;
    if (limit === 0 || endpoints === this.#endpoints) return;
    this.#endpoints = endpoints;
    const target = this.#tried.at(-1);
    const stays = endpoints?.some(({ address, port }) => address === target?.address && port === target.port) ?? false;
    if (stays) this.#leaveAt = 0;
    else if (this.#leaveAt === 0) this.#leaveAt = now + limit;
  }

  #attempt(cluster: ClusterEntry): void {
    const context = this.#context;
    const now = context.now();
    const more = this.#tried.length < ATTEMPTS;
    const target = more ? this.#route.choose(cluster, this.#pair.source.address, this.#tried, now) : undefined;
    if (target === undefined) {
      if (this.#tried.length === 0) this.#waitFor(cluster, now);
      else this.#refuse('connect_failed');
      return;
    }
    this.#hold?.release(now);
    this.#tried.push(target);
    const { timeouts, tls, proxyProtocol } = cluster.config;
    this.#deadline = timeouts.connect === 0 ? 0 : now + timeouts.connect;
    context.stats.endpointBusy(target.key, 1);
    this.#attemptStarted = now;
    this.#memory = sharedMemory;
    const { address, port } = target;
    const upstream = dial(
      { address, port, transport: { protocol: 'tcp', tls, proxyProtocol }, client: this.#pair },
      () => this.#join(upstream, target),
      { memory: () => this.#takeMemory(), onBytes: (memory, length) => this.#onUpstream(memory, length) },
    );
    this.#upstream = upstream;
    // `close` follows and decides.
    upstream.on('error', () => {});
    upstream.on('close', (failed: boolean) => {
      context.stats.endpointBusy(target.key, -1);
      this.#onUpstreamClose(upstream, target, failed);
    });
  }

  /**
   * Nothing of it is read meanwhile: what the client has sent waits in its socket, and is bounded by that. Who has left is
   * noticed only afterwards.
   */
  #waitFor(cluster: ClusterEntry, now: number): void {
    const { waitingRoom, holdStats } = this.#context;
    const hold = this.#hold ?? new Hold(waitingRoom, holdStats);
    const state = hold.wait(cluster, () => this.#lookAgain(), now);
    if (state === undefined) this.#refuse('no_endpoint');
    else if (state === 'full') this.#refuse('overflow');
    else if (state === 'began') {
      this.#hold = hold;
      this.#deadline = now + (cluster.config.hold?.timeout ?? 0);
      this.#client.once('close', () => {
        if (hold.waits) this.#finish();
      });
    }
  }

  /** There may be an endpoint, or no such cluster any more. */
  #lookAgain(): void {
    const cluster = this.#context.snapshot().cluster(this.#cluster?.config.name ?? '');
    if (cluster === undefined) {
      this.#refuse('no_endpoint');
      return;
    }
    this.#cluster = cluster;
    this.#attempt(cluster);
  }

  #refuse(outcome: 'no_endpoint' | 'connect_failed' | 'overflow'): void {
    this.#context.stats.tcpOpened(this.#route.name, outcome);
    // The nearest a user-space listener comes to a refused connection.
    reset(this.#client);
    this.#finish();
  }

  #join(upstream: Socket, target: EngineTarget): void {
    const { stats } = this.#context;
    const cluster = this.#cluster as ClusterEntry;
    this.#joined = true;
    this.#record(target, CONNECTED, undefined);
    stats.tcpOpened(this.#route.name, 'connected');
    stats.tcpJoined(cluster.config.name, target);
    const client = this.#client;
    if ('encrypted' in client) {
      // What was decrypted meanwhile is more than one read, and comes as the stream has it.
      client.on('data', (bytes: Buffer) => this.#onClient(bytes, bytes.length, true));
      client.resume();
    } else shareReads(client, (bytes, length, owned) => this.#onClient(bytes, length, owned));
    client.on('end', () => upstream.end());
    client.on('drain', () => upstream.resume());
    client.on('close', (failed: boolean) => this.#closeOther(upstream, failed));
    upstream.on('end', () => client.end());
    upstream.on('drain', () => client.resume());
    this.#touch();
  }

  #onClient(bytes: Buffer, length: number, owned: boolean): NextRead {
    const upstream = this.#upstream;
    if (upstream === undefined || upstream.destroyed) return 'short';
    const next = relay(upstream, bytes, length, owned);
    if (upstream.writableNeedDrain) this.#client.pause();
    this.#touch();
    return next;
  }

  #onUpstream(memory: Buffer, length: number): void {
    const next = relay(this.#client, memory, length, isOwned(memory, length));
    this.#memory = nextMemory(memory, length, next);
    if (this.#client.writableNeedDrain) this.#upstream?.pause();
    this.#touch();
  }

  /** Where the endpoint's next bytes are read into; undefined to stay. */
  #takeMemory(): Buffer | undefined {
    const memory = this.#memory;
    this.#memory = undefined;
    return memory;
  }

  #onUpstreamClose(upstream: Socket, target: EngineTarget, failed: boolean): void {
    if (this.#over || upstream !== this.#upstream) return;
    if (!this.#joined) {
      const late = this.#deadline !== 0 && this.#context.now() >= this.#deadline;
      this.#record(target, 0, late ? failures.connectTimeout : dialFailure(upstream));
      this.#attempt(this.#cluster as ClusterEntry);
    } else {
      this.#closeOther(this.#client, failed);
    }
  }

  /** One side is closed: a reset is passed on, and so is what was said before an orderly end. */
  #closeOther(other: Socket, failed: boolean): void {
    if (++this.#closed === 2) {
      this.#finish();
      return;
    }
    this.#deadline = this.#context.now() + LINGER;
    if (failed) reset(other);
    else other.destroySoon();
  }

  /** A silent flow may last: only a cluster of its own protocol says how long. */
  #touch(): void {
    if (this.#closed > 0) return;
    const { upstreamProtocol, timeouts } = (this.#cluster as ClusterEntry).config;
    const idle = upstreamProtocol === 'tcp' ? timeouts.idle : 0;
    this.#deadline = idle === 0 ? 0 : this.#context.now() + idle;
  }

  #record(target: EngineTarget, status: number, failure: Failure | undefined): void {
    const context = this.#context;
    context.outcomes.record(
      this.#cluster as ClusterEntry,
      target,
      status,
      failure,
      context.now() - this.#attemptStarted,
    );
  }

  /** Lets go of everything that is counted; once. */
  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#hold?.leave(this.#context.now());
    this.#context.sweeper.remove(this);
    if (this.#guard !== undefined) {
      this.#guard.add('connections', -1);
      this.#guard.wake();
    }
    if (this.#joined) this.#context.stats.tcpClosed(this.#route.name);
    this.#onClose();
  }
}
