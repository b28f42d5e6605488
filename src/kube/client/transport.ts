// Connections to one API server: TLS, identity, time limits, retries that cannot do harm.
// Knows nothing of resources; it moves JSON bodies and streams.
import { Agent, type Dispatcher } from 'undici';
import { StatusError } from '#kube/api/status.ts';
import { delay } from '#lib/backoff.ts';
import type { Clock } from '#lib/clock.ts';
import type { ClientConfig } from './kubeconfig.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
/** As client-go: how often a refusal that carries Retry-After is tried again. */
const MAX_THROTTLED = 10;

export interface Exchange {
  readonly method: string;
  /** Path and query below the server's base URL. */
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** An open response whose body is still to come. */
export interface OpenStream {
  readonly body: AsyncIterable<Uint8Array>;
  /** Closes the connection; harmless after the end. */
  close(): void;
}

export interface Transport {
  readonly server: string;
  /** Resolves with the parsed JSON, or the text when the answer is not JSON. Rejects with `StatusError` or `Error`. */
  exchange(exchange: Exchange): Promise<unknown>;
  /** Resolves once the head is there and says 200. `timeoutMs` ends only the wait for the head. */
  open(exchange: Exchange): Promise<OpenStream>;
  close(): Promise<void>;
}

type Answer = Awaited<ReturnType<Dispatcher['request']>>;

export function createTransport(config: ClientConfig, clock: Clock): Transport {
  const base = new URL(config.server);
  const prefix = base.pathname.replace(/\/$/, '');
  const agent = new Agent({
    // One watch holds one connection for minutes; over HTTP/2 one stuck connection would stall every watch at once.
    allowH2: false,
    // Time limits are ours, on the injected clock.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
    connect: {
      timeout: 10_000,
      // The kernel finds a peer that vanished within half a minute: idle 15 s, then 10 probes a second apart.
      keepAlive: true,
      keepAliveInitialDelay: 15_000,
      rejectUnauthorized: config.insecureSkipTlsVerify !== true,
      ...(config.caPem === undefined ? {} : { ca: config.caPem }),
      ...(config.clientCertPem === undefined ? {} : { cert: config.clientCertPem, key: config.clientKeyPem }),
      ...(config.tlsServerName === undefined ? {} : { servername: config.tlsServerName }),
    },
  });
  const headers: Record<string, string> = {
    accept: 'application/json',
    'user-agent': config.userAgent ?? 'evenkeel',
    ...(config.token === undefined ? {} : { authorization: `Bearer ${config.token}` }),
  };

  function send(exchange: Exchange, signal: AbortSignal): Promise<Answer> {
    return agent.request({
      origin: base.origin,
      path: prefix + exchange.path,
      method: exchange.method as Dispatcher.HttpMethod,
      signal,
      headers: {
        ...headers,
        ...(exchange.accept === undefined ? {} : { accept: exchange.accept }),
        ...(exchange.body === undefined ? {} : { 'content-type': exchange.contentType ?? 'application/json' }),
      },
      // A body that is unusual for the method, as that of a DELETE, would cost undici's connection.
      ...(exchange.body === undefined ? {} : { body: JSON.stringify(exchange.body), reset: false }),
    });
  }

  /** A GET changes nothing, so a kept-alive connection that the server had just closed is worth one more try. */
  async function sendSafely(exchange: Exchange, signal: AbortSignal): Promise<Answer> {
    try {
      return await send(exchange, signal);
    } catch (error) {
      if (exchange.method !== 'GET' || signal.aborted || !isStaleConnection(error)) throw error;
      return send(exchange, signal);
    }
  }

  /** Runs `work` with a signal that aborts on the caller's signal or after `timeoutMs`; then names the server. */
  async function limited<T>(
    exchange: Exchange,
    work: (signal: AbortSignal, settled: () => void) => Promise<T>,
  ): Promise<T> {
    const timeoutMs = exchange.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const timeout = new AbortController();
    const cancel = clock.after(timeoutMs, () => timeout.abort());
    const signal = exchange.signal === undefined ? timeout.signal : AbortSignal.any([exchange.signal, timeout.signal]);
    try {
      return await work(signal, cancel);
    } catch (error) {
      if (error instanceof StatusError || exchange.signal?.aborted === true) throw error;
      const why = timeout.signal.aborted ? `no answer within ${timeoutMs} ms` : reasonOf(error);
      throw new Error(`Cannot reach the API server at ${base.origin} (${exchange.method} ${exchange.path}): ${why}`, {
        cause: error,
      });
    } finally {
      cancel();
    }
  }

  async function exchangeOnce(
    exchange: Exchange,
    signal: AbortSignal,
  ): Promise<{ value: unknown } | { retryMs: number }> {
    const answer = await sendSafely(exchange, signal);
    const text = await answer.body.text();
    const value = parseBody(text);
    if (answer.statusCode < 400) return { value };
    const retryAfter = Number(answer.headers['retry-after']);
    const throttled = answer.statusCode === 429 || answer.statusCode === 503;
    if (throttled && Number.isFinite(retryAfter) && !isEviction(exchange)) return { retryMs: retryAfter * 1000 };
    throw refusal(exchange, answer.statusCode, value, text);
  }

  return {
    server: config.server,

    exchange(exchange) {
      return limited(exchange, async (signal) => {
        for (let attempt = 1; ; attempt++) {
          const outcome = await exchangeOnce(exchange, signal);
          if ('value' in outcome) return outcome.value;
          if (attempt >= MAX_THROTTLED) {
            throw new StatusError(
              429,
              'TooManyRequests',
              `${base.origin} still asks to retry ${exchange.path} after ${attempt} tries`,
            );
          }
          await delay(clock, outcome.retryMs, signal);
          signal.throwIfAborted();
        }
      });
    },

    open(exchange) {
      return limited(exchange, async (signal, settled) => {
        const answer = await sendSafely(exchange, signal);
        settled();
        if (answer.statusCode !== 200) {
          const text = await answer.body.text();
          throw refusal(exchange, answer.statusCode, parseBody(text), text);
        }
        return { body: answer.body, close: () => void answer.body.destroy() };
      });
    },

    async close() {
      await agent.destroy();
    },
  };
}

/** 429 on an eviction is the disruption budget speaking, an answer and not a request to slow down. */
function isEviction(exchange: Exchange): boolean {
  return exchange.path.includes('/eviction');
}

function refusal(exchange: Exchange, code: number, value: unknown, text: string): StatusError {
  const excerpt = text.trim().slice(0, 200);
  return StatusError.from(
    value,
    code,
    `${exchange.method} ${exchange.path} answered ${code}${excerpt === '' ? '' : `: ${excerpt}`}`,
  );
}

function parseBody(text: string): unknown {
  const first = text.trimStart()[0];
  if (first !== '{' && first !== '[') return text;
  try {
    return JSON.parse(text);
  } catch {
    // A text that merely starts like JSON (a log line) is handed on as it is.
    return text;
  }
}

function isStaleConnection(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}

function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error && error.message !== ''
    ? error.message
    : String((error as { code?: string }).code ?? error);
}
