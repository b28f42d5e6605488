// One copy of a request on its way to a mirror: its answer is read and thrown away, its failure counted and forgotten.
// Knows nothing of the exchange it was copied from, which may be long over.

import type { Cancel } from '#lib/clock.ts';
import type { Cluster } from '#traffic/model/ir.ts';
import type { HttpContext } from '../../http/context.ts';
import type { RequestBody } from '../../http/request-body.ts';
import type { ResponseHandler, UpstreamRequest, UpstreamStream } from '../../http/upstream-stream.ts';
import type { ClientFacts } from '../../http1/compose.ts';
import { RequestHead } from '../../http1/request-head.ts';
import { type Failure, failures } from '../../upstream/failure.ts';
import type { FilterExchange } from '../filter.ts';

/** Milliseconds a mirror may take where its cluster sets no time-out of its own. */
const DEFAULT_TIMEOUT = 15_000;
/** Bytes of an answer that are worth reading for the sake of the connection. */
const WORTH_READING = 64 * 1024;

export class MirroredRequest implements ResponseHandler, UpstreamRequest {
  readonly head: RequestHead;
  readonly facts: ClientFacts;
  readonly requestId: string;
  readonly #context: HttpContext;
  readonly #cluster: Cluster;
  readonly #over: () => void;
  #stream: UpstreamStream | undefined;
  #cancelTimeout: Cancel | undefined;
  #answerBytes = 0;

  /** `over` is called once, whatever becomes of it. */
  constructor({ head, facts, requestId, context }: FilterExchange, cluster: Cluster, over: () => void) {
    this.head = copyOf(head);
    this.facts = facts;
    this.requestId = requestId;
    this.#context = context;
    this.#cluster = cluster;
    this.#over = over;
  }

  begin(stream: UpstreamStream, body: RequestBody): void {
    const context = this.#context;
    const { connect, response } = this.#cluster.timeouts;
    this.#stream = stream;
    context.stats.upstreamStarted(stream.pool);
    const timeout = response === 0 ? DEFAULT_TIMEOUT : connect + response;
    this.#cancelTimeout = context.after(timeout, () => this.#stream?.fail(failures.responseTimeout));
    stream.begin(this, this, body);
  }

  cancel(): void {
    const stream = this.#stream;
    this.#done('cancelled');
    stream?.release(false, this.#context.now());
  }

  onConnected(): void {}

  onInterim(): void {}

  onHead(stream: UpstreamStream): void {
    if (stream.head.status === 101) this.#leave(stream, 'failed');
  }

  onBody(_bytes: Buffer, start: number, end: number): void {
    this.#answerBytes += end - start;
  }

  onPause(): boolean {
    const stream = this.#stream;
    if (stream !== undefined && this.#answerBytes > WORTH_READING) this.#leave(stream, 'answered');
    return true;
  }

  onEnd(stream: UpstreamStream): boolean {
    this.#done('answered');
    stream.release(true, this.#context.now());
    return true;
  }

  onTunnel(): void {}

  onTunnelEnd(): void {}

  onTunnelClose(): void {}

  onFailure(stream: UpstreamStream, failure: Failure): void {
    const context = this.#context;
    if (!stream.connected) context.pools.avoided.avoid(stream.pool.key, false, context.now());
    this.#done(failure === failures.responseTimeout ? 'timeout' : 'failed');
  }

  onDrain(): void {}

  #leave(stream: UpstreamStream, outcome: string): void {
    this.#done(outcome);
    stream.release(false, this.#context.now());
  }

  #done(outcome: string): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#stream = undefined;
    this.#cancelTimeout?.();
    this.#context.stats.mirrorDone(this.#cluster.name, stream.pool, outcome);
    this.#over();
  }
}

/** The head as it stands now: its own will soon say what the next request on that connection says. */
function copyOf(head: RequestHead): RequestHead {
  return Object.assign(new RequestHead(), head, {
    runs: head.runs.slice(0, head.runCount),
    // The whole body is here: nobody has to be asked for it.
    expectContinue: false,
  });
}
