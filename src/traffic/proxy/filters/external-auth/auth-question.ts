// One question on its way to an authorisation service: two tries at most, one time-out for both, one verdict.
// Knows nothing of what is asked, nor of what becomes of the request.

import type { Cancel } from '#lib/clock.ts';
import type { ClusterEntry } from '#traffic/snapshot/index.ts';
import type { RequestBody } from '../../http/request-body.ts';
import type { ResponseHandler, UpstreamRequest, UpstreamStream } from '../../http/upstream-stream.ts';
import type { ClientFacts } from '../../http1/compose.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import type { EndpointChoice } from '../../upstream/endpoint-choice.ts';
import { type Failure, failures } from '../../upstream/failure.ts';
import type { FilterExchange } from '../filter.ts';
import type { AuthDialect, Verdict } from './dialect.ts';

/** Milliseconds that a request is held at most, where the cluster's own time-out is not shorter. */
const LONGEST = 5_000;
/** Bytes of an answer that are kept: no denial needs more. */
const MAX_ANSWER = 64 * 1024;
/** A kept connection may have been closed meanwhile, and an endpoint may be gone. */
const MAX_TRIES = 2;

export class AuthQuestion implements ResponseHandler, UpstreamRequest {
  readonly head: RequestHead;
  readonly facts: ClientFacts;
  readonly requestId: string;
  readonly #x: FilterExchange;
  readonly #cluster: ClusterEntry;
  readonly #dialect: AuthDialect;
  readonly #body: RequestBody;
  readonly #over: (verdict: Verdict | undefined) => void;
  #choice: EndpointChoice | undefined;
  #stream: UpstreamStream | undefined;
  #cancelTimeout: Cancel | undefined;
  #tries = 0;
  #answer: Buffer[] = [];
  #answerBytes = 0;
  #done = false;

  /** `over` is called once: with no verdict when the question was given up. */
  constructor(
    x: FilterExchange,
    cluster: ClusterEntry,
    dialect: AuthDialect,
    over: (verdict: Verdict | undefined) => void,
  ) {
    const { head, body } = dialect.question(x);
    this.head = head;
    this.facts = x.facts;
    this.requestId = x.requestId;
    this.#x = x;
    this.#cluster = cluster;
    this.#dialect = dialect;
    this.#body = body;
    this.#over = over;
  }

  begin(choice: EndpointChoice): void {
    const { connect, response } = this.#cluster.config.timeouts;
    const own = response === 0 ? LONGEST : connect + response;
    this.#choice = choice;
    this.#cancelTimeout = this.#x.context.after(Math.min(own, LONGEST), () => this.#timedOut());
    this.#try();
  }

  cancel(): void {
    if (this.#done) return;
    const stream = this.#finish('cancelled');
    stream?.release(false, this.#x.context.now());
    this.#over(undefined);
  }

  onConnected(): void {}

  onInterim(): void {}

  onHead(stream: UpstreamStream): void {
    if (stream.head.status === 101) this.#giveUp('failed');
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    this.#answerBytes += end - start;
    if (this.#answerBytes <= MAX_ANSWER) this.#answer.push(Buffer.from(bytes.subarray(start, end)));
    else this.#answer.length = 0;
  }

  onPause(): boolean {
    return true;
  }

  onEnd(stream: UpstreamStream): boolean {
    const { context } = this.#x;
    const body = this.#answerBytes > MAX_ANSWER ? undefined : Buffer.concat(this.#answer);
    // Read before the connection serves somebody else.
    const verdict = this.#dialect.verdict({ head: stream.head, body, trailers: stream.trailers }, this.#x);
    this.#finish(outcomes[verdict.type]);
    stream.release(true, context.now());
    this.#over(verdict);
    return true;
  }

  onTunnel(): void {}

  onTunnelEnd(): void {}

  onTunnelClose(): void {}

  onFailure(stream: UpstreamStream, failure: Failure): void {
    const { pools, now } = this.#x.context;
    if (this.#stream !== stream) return;
    if (!stream.connected) pools.avoided.avoid(stream.pool.key, false, now());
    if (failure.retrySafe === 'never' || failure === failures.responseTimeout || this.#tries >= MAX_TRIES) {
      this.#finish(failure === failures.responseTimeout ? 'timeout' : 'failed');
      this.#over({ type: 'unclear' });
      return;
    }
    this.#leave(stream);
    this.#try();
  }

  onDrain(): void {}

  #try(): void {
    const { context, facts } = this.#x;
    const now = context.now();
    const pick = this.#choice?.next(this.#cluster, context.pools.avoided.of(this.#cluster, now), now);
    if (pick === undefined || pick.type === 'none') {
      this.#giveUp('no_endpoint');
      return;
    }
    const pool = context.pools.of(pick.target, this.#cluster.config, facts.pair);
    const fresh = this.#tries++ > 0;
    if (pool.transport.guard !== undefined && !pool.reuses(true, fresh, now) && !context.pools.hasRoom(pool)) {
      this.#giveUp('overflow');
      return;
    }
    pool.pod = pick.target.endpoint.pod;
    this.#answer = [];
    this.#answerBytes = 0;
    const stream = pool.take(true, fresh, now);
    this.#stream = stream;
    context.stats.upstreamStarted(pool);
    stream.begin(this, this, this.#body);
  }

  #timedOut(): void {
    const stream = this.#stream;
    if (stream === undefined) this.#giveUp('timeout');
    else stream.fail(failures.responseTimeout);
  }

  #giveUp(outcome: string): void {
    if (this.#done) return;
    const stream = this.#finish(outcome);
    stream?.release(false, this.#x.context.now());
    this.#over({ type: 'unclear' });
  }

  /** The try counts no longer. */
  #leave(stream: UpstreamStream): void {
    this.#stream = undefined;
    this.#x.context.stats.authTryDone(stream.pool);
  }

  #finish(outcome: string): UpstreamStream | undefined {
    const stream = this.#stream;
    this.#done = true;
    this.#cancelTimeout?.();
    if (stream !== undefined) this.#leave(stream);
    this.#x.context.stats.authorised(this.#cluster.config.name, outcome);
    return stream;
  }
}

const outcomes: Readonly<Record<Verdict['type'], string>> = { allow: 'allowed', deny: 'denied', unclear: 'failed' };
