// Keeps a copy of one resource true: list, watch from there, and start over when the server says so.
// Knows nothing of indexes or handlers; it feeds a sink.
import type { KubeObject } from '#kube/api/object.ts';
import { StatusError } from '#kube/api/status.ts';
import { backoffDelay, delay } from '#lib/backoff.ts';
import type { Clock } from '#lib/clock.ts';
import type { Logger } from '#lib/log.ts';
import type { Client, ResourceRef } from './client.ts';

export interface Scope {
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface ReflectorSink<T> {
  /** The whole truth as of now. */
  replace(objects: readonly T[]): void;
  upsert(object: T): void;
  remove(object: T): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: Client;
  readonly ref: ResourceRef;
  readonly scope: Scope;
  readonly sink: ReflectorSink<T>;
  /** What is kept of an object; all of it when left out. */
  readonly keep?: ((object: T) => T) | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly random?: () => number;
  readonly signal: AbortSignal;
}

const PAGE = 500;
/** client-go's reflector back-off: 800 ms doubling to 30 s, up to twice that by jitter. */
const BACKOFF = { baseMs: 800, capMs: 30_000, jitter: 1 };
/** A watch that stood this long was a good one: what comes next is not a repetition of the failure before. */
const GOOD_WATCH_MS = 5_000;

/**
 * Runs until the signal aborts; never rejects. After a failed watch it resumes from the last resourceVersion seen, and
 * lists again only when the server no longer knows that version. Events are therefore neither lost nor skipped.
 */
export async function runReflector<T extends KubeObject>(options: ReflectorOptions<T>): Promise<void> {
  const { clock, log, ref, signal, random } = options;
  let failures = 0;
  /** Where the next watch starts; undefined means that a list is due. */
  let position: string | undefined;
  while (!signal.aborted) {
    const started = clock.now();
    try {
      if (position === undefined) position = await listAll(options);
      await follow(options, position, (version) => {
        position = version;
      });
      // A server that ends watches as soon as they start must not be asked in a tight loop.
      failures = clock.now() - started >= GOOD_WATCH_MS ? 0 : failures + 1;
      if (failures === 0) continue;
    } catch (error) {
      if (signal.aborted) break;
      failures = clock.now() - started >= GOOD_WATCH_MS ? 1 : failures + 1;
      if (positionIsLost(error)) {
        position = undefined;
        log.debug({ resource: ref.resource, error: (error as Error).message }, 'Listing again');
        // The usual case, a compacted version after a break, is cured by listing now.
        if (failures === 1) continue;
      } else {
        const level = failures === 1 ? 'debug' : 'warn';
        log[level]({ resource: ref.resource, failures, error: (error as Error).message }, 'Watch or list failed');
      }
    }
    await delay(clock, backoffDelay(failures, { ...BACKOFF, ...(random === undefined ? {} : { random }) }), signal);
  }
}

const whole = <T>(object: T): T => object;

async function listAll<T extends KubeObject>({
  client,
  ref,
  scope,
  sink,
  keep = whole,
  signal,
}: ReflectorOptions<T>): Promise<string> {
  const objects: T[] = [];
  let next: string | undefined;
  let version: string | undefined;
  do {
    const page = await client.list<T>(ref, {
      ...scope,
      limit: PAGE,
      signal,
      ...(next === undefined ? {} : { continue: next }),
    });
    for (const item of page.items) objects.push(keep(item));
    version ??= page.metadata.resourceVersion;
    next = page.metadata.continue;
  } while (next !== undefined && next !== '');
  if (version === undefined || version === '')
    throw new Error(`List of ${ref.resource} came without a resourceVersion`);
  sink.replace(objects);
  return version;
}

async function follow<T extends KubeObject>(
  { client, ref, scope, sink, keep = whole, signal }: ReflectorOptions<T>,
  from: string,
  moved: (version: string) => void,
): Promise<void> {
  const events = client.watch<T>(ref, { ...scope, resourceVersion: from, allowWatchBookmarks: true, signal });
  for await (const event of events) {
    if (event.type === 'BOOKMARK') {
      if (event.resourceVersion !== '') moved(event.resourceVersion);
      continue;
    }
    if (event.type === 'DELETED') sink.remove(event.object);
    else sink.upsert(keep(event.object));
    const version = event.object.metadata?.resourceVersion;
    if (version !== undefined) moved(version);
  }
}

/**
 * Whether the version we hold means nothing to the server: compacted (410), from a future it has not reached (504
 * `ResourceVersionTooLarge`, after a restore), refused as malformed, or of a resource that is no longer served (404; it
 * may come back empty). Overload and broken connections keep it.
 */
function positionIsLost(error: unknown): boolean {
  if (!(error instanceof StatusError)) return false;
  return [400, 404, 410, 504].includes(error.code);
}
