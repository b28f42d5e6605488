// Decodes a watch: lines of JSON, cut anywhere, into events; and notices a connection that has gone silent.
// Knows nothing of TLS or of what is done with the events.
import type { KubeObject } from '#kube/api/object.ts';
import { StatusError } from '#kube/api/status.ts';
import type { Clock } from '#lib/clock.ts';
import type { WatchEvent } from './client.ts';

/** No object comes near this (etcd stops at 1.5 MiB); more without a line break is not a watch. */
const MAX_LINE = 32 * 1024 * 1024;

/**
 * Yields the events of one watch response. Throws `StatusError` for an ERROR event (410 `Expired` among them) and
 * `Error` when what arrives is not a watch: garbage, or an end in the middle of a line.
 */
export async function* decodeWatch<T extends KubeObject>(
  body: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<WatchEvent<T>> {
  const decoder = new TextDecoder('utf-8', { fatal: false });
  let rest = '';
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = rest + text.slice(start, end);
      rest = '';
      start = end + 1;
      if (line.trim() !== '') yield decodeEvent<T>(line, what);
    }
    rest += text.slice(start);
    if (rest.length > MAX_LINE) throw new Error(`Watch of ${what} sent ${rest.length} characters without a line break`);
  }
  if (rest.trim() !== '') throw new Error(`Watch of ${what} was cut in the middle of an event`);
}

interface WireEvent {
  type?: unknown;
  object?: unknown;
}

function decodeEvent<T extends KubeObject>(line: string, what: string): WatchEvent<T> {
  let wire: WireEvent | null;
  try {
    wire = JSON.parse(line) as WireEvent | null;
  } catch (error) {
    throw new Error(`Watch of ${what} sent a line that is not JSON: "${line.slice(0, 80)}"`, { cause: error });
  }
  const object = wire?.object as T | undefined;
  if (wire === null || typeof object !== 'object' || object === null) {
    throw new Error(`Watch of ${what} sent a line that is not an event: "${line.slice(0, 80)}"`);
  }
  switch (wire.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (object.metadata?.name === undefined) throw new Error(`Watch of ${what} sent an object without metadata.name`);
      return { type: wire.type, object };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: object.metadata?.resourceVersion ?? '' };
    case 'ERROR':
      throw StatusError.from(object, 500, `Watch of ${what} failed`);
    default:
      throw new Error(`Watch of ${what} sent an event of unknown type "${String(wire.type)}"`);
  }
}

export interface SilenceLimits {
  /** The connection is given up when nothing at all arrived for so long; 0 switches this off. */
  readonly silenceMs: number;
  /** The connection is given up when it has stood for so long, whatever arrives. */
  readonly totalMs: number;
}

/**
 * Passes chunks on and throws once a limit is passed, after calling `giveUp`. A half-open connection delivers neither
 * data nor an error, so only a clock can find it.
 */
export async function* untilSilent(
  body: AsyncIterable<Uint8Array>,
  limits: SilenceLimits,
  clock: Clock,
  giveUp: () => void,
): AsyncGenerator<Uint8Array> {
  let verdict: string | undefined;
  const end = (why: string): void => {
    verdict = why;
    giveUp();
  };
  const cancelTotal = clock.after(limits.totalMs, () =>
    end(`stood longer than ${limits.totalMs} ms without being ended`),
  );
  // One timer that re-arms itself, so that a busy watch does not make and cancel a timer for every chunk.
  let lastData = clock.now();
  let cancelSilence = (): void => {};
  const arm = (ms: number): void => {
    cancelSilence = clock.after(ms, () => {
      const left = lastData + limits.silenceMs - clock.now();
      if (left <= 0) end(`sent nothing for ${limits.silenceMs} ms`);
      else arm(left);
    });
  };
  if (limits.silenceMs > 0) arm(limits.silenceMs);
  try {
    for await (const chunk of body) {
      lastData = clock.now();
      yield chunk;
    }
  } catch (error) {
    if (verdict === undefined) throw error;
  } finally {
    cancelTotal();
    cancelSilence();
  }
  if (verdict !== undefined) throw new Error(`The connection ${verdict}`);
}
