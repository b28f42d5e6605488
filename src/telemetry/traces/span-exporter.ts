// Sends spans to a collector by OTLP over HTTP, one request at a time, as far as it takes them.
// Knows the collector's address; nothing of what the spans are about. What does not fit is dropped and counted.
import { delay } from '#lib/backoff.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { MetricSource } from '../exposition.ts';
import { proxyMetrics } from '../proxy-metrics.ts';
import { MetricRecorder } from '../recorder.ts';
import { type Attributes, SpanEncoder } from './otlp.ts';
import type { EncodedSpans } from './span-batch.ts';

export interface TraceSettings {
  /** Where OTLP is taken over HTTP, path and all: `http://127.0.0.1:4318/v1/traces`. */
  readonly url: string;
  /** Of each new trace the probability that it is recorded, 0 to 1; traces of callers are theirs to decide. */
  readonly ratio: number;
  /** Sent with each request, e.g. `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** `service.name`. */
  readonly serviceName: string;
  /** Milliseconds for one request. */
  readonly timeout: number;
}

/** Bytes held for a collector that is slow, or away. */
const HOLD_AT_MOST = 4 * 1024 * 1024;
/** Bytes of one request: collectors take 4 MiB as a rule. */
const SEND_AT_MOST = 1024 * 1024;
/** Tries of one request; the collector's answers that ask for another one are those of the specification. */
const TRIES = 3;
const WAIT_MS = 1000;
const AGAIN = new Set([429, 502, 503, 504]);

export class SpanExporter {
  readonly #settings: TraceSettings;
  readonly #resource: Attributes;
  readonly #scope: Attributes[number];
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #recorder = new MetricRecorder({}, 1024);
  readonly #encoder = new SpanEncoder();
  readonly #queue: EncodedSpans[] = [];
  #held = 0;
  #sending: Promise<void> | undefined;
  #closed = false;
  /** Said once for each time that the collector goes away. */
  #told = false;

  constructor(settings: TraceSettings, version: string, deps: { readonly clock: Clock; readonly log: Logger }) {
    this.#settings = settings;
    this.#resource = [
      ['service.name', settings.serviceName],
      ['service.version', version],
      ['telemetry.sdk.name', 'evenkeel'],
      ['telemetry.sdk.language', 'nodejs'],
    ];
    this.#scope = ['evenkeel', version];
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#recorder.add(proxyMetrics.spansExported, [], 0);
  }

  get source(): MetricSource {
    return this.#recorder.source;
  }

  take(spans: EncodedSpans): void {
    if (this.#closed || this.#held + spans.bytes.length > HOLD_AT_MOST) {
      this.#drop('queue_full', spans.count);
      return;
    }
    this.#queue.push(spans);
    this.#held += spans.bytes.length;
    this.#sending ??= this.#sendAll();
  }

  /** Sends what is left, for at most `ms`. */
  async close(ms: number): Promise<void> {
    this.#closed = true;
    await Promise.race([this.#sending, delay(this.#clock, ms)]);
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch: EncodedSpans[] = [];
      let bytes = 0;
      for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
        if (batch.length > 0 && bytes + next.bytes.length > SEND_AT_MOST) break;
        bytes += next.bytes.length;
        batch.push(next);
        this.#queue.shift();
      }
      const count = batch.reduce((sum, spans) => sum + spans.count, 0);
      const outcome = await this.#send(batch.map((spans) => spans.bytes));
      // Held until now: a collector that is away must not let the queue grow behind its back.
      this.#held -= bytes;
      if (outcome === 'taken') this.#recorder.add(proxyMetrics.spansExported, [], count);
      else this.#drop(outcome, count);
    }
    this.#sending = undefined;
  }

  async #send(spans: readonly Uint8Array[]): Promise<'taken' | 'refused' | 'unreachable'> {
    const { url, headers, timeout } = this.#settings;
    const body = this.#encoder.request(spans, this.#resource, this.#scope);
    let problem = '';
    for (let tried = 0; tried < TRIES && !(this.#closed && tried > 0); tried++) {
      if (tried > 0) await delay(this.#clock, WAIT_MS * tried);
      try {
        const answer = await fetch(url, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/x-protobuf' },
          body,
          redirect: 'error',
          signal: AbortSignal.timeout(timeout),
        });
        await answer.body?.cancel();
        if (answer.ok) {
          this.#told = false;
          return 'taken';
        }
        problem = `it answered ${answer.status}`;
        if (!AGAIN.has(answer.status)) {
          this.#tell(problem);
          return 'refused';
        }
      } catch (error) {
        const { cause, message } = error as Error;
        problem = cause instanceof Error ? cause.message || (cause as { code?: string }).code || message : message;
      }
    }
    this.#tell(problem);
    return 'unreachable';
  }

  #tell(problem: string): void {
    if (this.#told) return;
    this.#told = true;
    this.#log.warn({ collector: this.#settings.url, problem }, 'The collector does not take spans; they are dropped');
  }

  #drop(reason: string, count: number): void {
    this.#recorder.add(proxyMetrics.spansDropped, [reason], count);
  }
}
