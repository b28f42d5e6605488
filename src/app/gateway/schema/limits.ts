// How much clients may send, and how long they may take: of the whole gateway.
// Knows no route; limits of one route are filters.
import type { HttpLimits } from '#traffic/proxy/http1/limits.ts';
import { checked, type EveryField, object, optional, type Schema } from './kit.ts';
import { bytes, duration, integer } from './values.ts';

const TIMES = ['headTimeout', 'idleTimeout', 'bodyTimeout', 'sendTimeout'] as const;
/** One head is read into memory as a whole. */
const MOST_HEAD = 1024 * 1024;

export const limits: Schema<Partial<HttpLimits>> = checked(
  object({
    requestLine: optional(bytes),
    head: optional(bytes),
    headers: optional(integer(1, 10_000)),
    body: optional(bytes),
    headTimeout: optional(duration),
    idleTimeout: optional(duration),
    bodyTimeout: optional(duration),
    bodyMinimum: optional(bytes),
    sendTimeout: optional(duration),
    linger: optional(duration),
    handshakes: optional(integer(1, 1_000_000)),
    streams: optional(integer(1, 10_000)),
    replay: optional(bytes),
  } satisfies EveryField<HttpLimits>),
  (given) => {
    const endless = TIMES.find((name) => given[name] === 0);
    if (endless !== undefined)
      return { field: endless, error: 'is 0: a client could hold a connection for ever', remedy: 'Write e.g. 10m' };
    if ((given.head ?? 0) > MOST_HEAD)
      return { field: 'head', error: `is more than ${MOST_HEAD} bytes`, remedy: 'Use 1MiB or less' };
    return undefined;
  },
);
