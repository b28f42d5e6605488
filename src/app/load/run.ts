// Drives an open-loop load: requests leave when the schedule says, whether or not earlier ones have come back.
// A slow server therefore cannot slow the measurement down (no coordinated omission). Knows nothing of Kubernetes.
import { type Dispatcher, Pool } from 'undici';
import { codeOf } from '../failure.ts';
import { LoadRecorder, type LoadReport } from './report.ts';
import type { Schedule } from './schedule.ts';
import type { TracedRequest } from './trace.ts';

export interface LoadOptions {
  readonly url: URL;
  readonly schedule: Schedule;
  /** What differs from request to request, by its number; absent where all are alike. */
  readonly requests?: readonly TracedRequest[];
  readonly method: string;
  /** `Host` header and TLS server name, when they differ from the URL's. */
  readonly host?: string;
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
  readonly body?: string;
  /** At most this many connections; a request that finds none free waits, and its wait counts. */
  readonly connections: number;
  /** A request without its whole answer after this long has failed. */
  readonly timeoutMs: number;
  /** Accept any certificate. */
  readonly insecure: boolean;
  readonly caPem?: string;
  /** Called about every second. */
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the run early; the report covers what was sent until then. */
  readonly signal?: AbortSignal;
}

export interface Progress {
  readonly elapsedMs: number;
  readonly finished: number;
  readonly failed: number;
  readonly inFlight: number;
  readonly p50: number;
  readonly p99: number;
}

/** Set by Evenkeel's gateway: `namespace/pod` of the endpoint that answered. */
const ENDPOINT_HEADER = 'x-evenkeel-endpoint';
const TICK_MS = 1;
/** How long an interrupted run waits for requests under way, milliseconds. */
const INTERRUPTED_MS = 1_000;

export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { schedule, requests } = options;
  const recorder = new LoadRecorder();
  const pool = createPool(options);
  const request = dispatchOptions(options);
  const open = new Set<Call>();
  const start = performance.now();
  const startedAt = new Date().toISOString();
  let sent = 0;

  const finish = (call: Call, failure: string | undefined): void => {
    if (!open.delete(call)) return;
    const now = performance.now();
    const latencyMs = now - start - schedule.startOf(call.index);
    recorder.record({ latencyMs, pod: call.pod, ...(failure === undefined ? {} : { failure }) }, now - start);
  };

  const sweep = setInterval(() => {
    const late = performance.now() - start - options.timeoutMs;
    // In the order they were sent: the first that is not late ends the search.
    for (const call of open) {
      if (schedule.startOf(call.index) > late) break;
      call.abort();
      finish(call, 'timeout');
    }
    // What has not left yet may be late as well, on a machine that stood still.
    recorder.settle(Math.min(late, schedule.startOf(sent)));
  }, 50);
  const progress = setInterval(
    () => options.onProgress?.(progressOf(recorder, open.size, performance.now() - start)),
    1000,
  );

  try {
    while (sent < schedule.total && options.signal?.aborted !== true) {
      const due = schedule.dueBy(performance.now() - start);
      while (sent < due) {
        const call = new Call(sent++, finish);
        open.add(call);
        const own = requests?.[call.index];
        pool.dispatch(own === undefined ? request : { ...request, ...tracedOptions(own, options) }, call);
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    // The last ones sent have their full time as well; the sweep ends those that do not come back.
    // After an interruption only those that are about to finish anyway; what is left then is not counted.
    const patience = performance.now() + (options.signal?.aborted === true ? INTERRUPTED_MS : Number.POSITIVE_INFINITY);
    while (open.size > 0 && performance.now() < patience) await new Promise((resolve) => setTimeout(resolve, 5));
    // The last request has its share of the time as well: without it, a short run would claim more than it was asked for.
    const elapsedMs = Math.max(performance.now() - start, options.signal?.aborted === true ? 0 : schedule.durationMs);
    const rate = (schedule.total * 1000) / Math.max(1, schedule.durationMs);
    return recorder.report({ url: options.url.href, method: options.method, rate, startedAt, elapsedMs });
  } finally {
    open.clear();
    clearInterval(sweep);
    clearInterval(progress);
    await pool.destroy();
  }
}

function createPool(options: LoadOptions): Pool {
  const servername = options.host?.replace(/:\d+$/, '');
  return new Pool(options.url.origin, {
    connections: options.connections,
    pipelining: 1,
    keepAliveTimeout: 60_000,
    // The sweep measures from the intended start; the pool's own limits would count from elsewhere.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: options.timeoutMs,
      rejectUnauthorized: !options.insecure,
      ...(servername === undefined ? {} : { servername }),
      ...(options.caPem === undefined ? {} : { ca: options.caPem }),
    },
  });
}

function headersOf(options: LoadOptions, host = options.host): string[] {
  const headers = options.headers.flat();
  if (host !== undefined) headers.push('host', host);
  return headers;
}

/** The host of the command line holds for all requests; without one each goes to that of its record. */
function tracedOptions({ method, path, host }: TracedRequest, options: LoadOptions) {
  const headers = headersOf(options, options.host ?? host);
  return { method: method as Dispatcher.HttpMethod, path, headers };
}

function dispatchOptions(options: LoadOptions): Dispatcher.DispatchOptions {
  const headers = headersOf(options);
  return {
    path: `${options.url.pathname}${options.url.search}`,
    method: options.method as Dispatcher.HttpMethod,
    headers,
    ...(options.body === undefined ? {} : { body: options.body }),
  };
}

function progressOf(recorder: LoadRecorder, inFlight: number, elapsedMs: number): Progress {
  const { p50, p99 } = recorder.latencies();
  return { elapsedMs, finished: recorder.requests, failed: recorder.failed, inFlight, p50, p99 };
}

/** One request under way; the pool calls back into it. */
class Call implements Dispatcher.DispatchHandler {
  readonly index: number;
  readonly #finish: (call: Call, failure: string | undefined) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #aborted = false;
  #status = 0;
  pod = '';

  constructor(index: number, finish: (call: Call, failure: string | undefined) => void) {
    this.index = index;
    this.#finish = finish;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort(new Error('timeout'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Its time ran out while it waited for a connection.
    if (this.#aborted) controller.abort(new Error('timeout'));
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#status = status;
    const pod = headers[ENDPOINT_HEADER];
    this.pod = typeof pod === 'string' ? pod : '';
  }

  onResponseData(): void {
    // The body is read to its end and forgotten.
  }

  onResponseEnd(): void {
    this.#finish(this, this.#status < 400 ? undefined : `HTTP ${this.#status}`);
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#finish(this, kindOf(error));
  }
}

/** A short, countable name: the system's code where there is one. */
function kindOf(error: Error): string {
  const code = codeOf(error) ?? codeOf(error.cause);
  switch (code) {
    case 'UND_ERR_SOCKET':
      return 'connection closed';
    case 'UND_ERR_CONNECT_TIMEOUT':
      return 'connect timeout';
    case undefined:
      return error.message;
    default:
      return code;
  }
}
