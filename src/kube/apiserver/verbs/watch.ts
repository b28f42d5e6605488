// Streams changes to one client: backlog, then what happens, with bookmarks, until time is up.
// Knows one watcher; each change is encoded once for all of them, and one that reads too slowly is cut off.
import { expired, StatusError } from '#kube/api/status.ts';
import { CompactedError, FutureRevisionError } from '#kube/store/store.ts';
import type { ResourceRequest } from '../context.ts';
import { notAcceptable } from '../http/negotiation.ts';
import { flag, wholeNumber } from '../http/parameters.ts';
import { loadProtobuf, type ProtobufCodec } from '../http/protobuf.ts';
import { type RepresentOptions, representObject } from '../http/represent.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { Change } from '../registry/collection.ts';
import { representOptions } from './read.ts';
import { type Selection, selectionOf } from './selection.ts';
import { assertWatchOptions, parseRevision } from './versions.ts';
import { openWatch, type WatchConnection } from './watch-connection.ts';

/** Upstream ends a watch without timeoutSeconds after 30 to 60 minutes. */
const MIN_TIMEOUT_SECONDS = 1800;
const BOOKMARK_EVERY_MS = 60_000;

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

export async function watchObjects(request: ResourceRequest): Promise<undefined> {
  const { resource, query } = request;
  assertWatchOptions(query);
  const options = representOptions(request);
  const { format } = options.accepted;
  // A stream of YAML has no frames.
  if (format === 'yaml') throw notAcceptable(['json', 'protobuf']);
  const selection = selectionOf(request);
  const asked = parseRevision(query.get('resourceVersion'));
  const initial = query.has('sendInitialEvents') ? flag(query, 'sendInitialEvents') : undefined;
  const times: Times = {
    bookmarks: flag(query, 'allowWatchBookmarks'),
    seconds: wholeNumber(query, 'timeoutSeconds') ?? 0,
  };
  const codec = format === 'protobuf' ? await loadProtobuf() : undefined;
  // Nobody would be told again that the client left while the codec was loading.
  if (request.http.stream?.destroyed ?? request.response.destroyed) return undefined;
  const leave = request.server.watches.take(request.user);
  let stream: WatchStream | undefined;
  // What can be wrong with the request has been found: a WebSocket takes no Status any more.
  const connection = await openWatch(request, format, () => {
    leave();
    stream?.end();
  });
  if (connection === undefined) return undefined;
  stream = new WatchStream(request, connection, selection, times, options, codec);
  stream.open();
  const { collection } = resource;
  try {
    // One turn of the event loop from here to subscribe: nothing can be written in between.
    const fromNow = asked === undefined || asked === 0;
    if (initial ?? fromNow) stream.sendCurrent(initial === true);
    else if (!fromNow) for (const change of collection.changesSince(asked)) stream.convey(change);
    stream.follow();
  } catch (error) {
    stream.fail(watchError(error, asked ?? 0));
  }
  return undefined;
}

function watchError(error: unknown, asked: number): StatusError {
  if (error instanceof CompactedError) return expired(`too old resource version: ${asked} (${error.compacted})`);
  // The client knows a history that this store never had (its data was replaced): it must list again.
  if (error instanceof FutureRevisionError)
    return expired(`too large resource version: ${asked}, current: ${error.current}`);
  return error instanceof StatusError
    ? error
    : new StatusError(500, 'InternalError', `Internal error occurred: ${String(error)}`);
}

interface Times {
  readonly bookmarks: boolean;
  /** As asked for; none when it is 0. */
  readonly seconds: number;
}

class WatchStream {
  readonly #request: ResourceRequest;
  readonly #connection: WatchConnection;
  readonly #selection: Selection;
  readonly #options: RepresentOptions;
  /** Undefined: events are JSON. */
  readonly #codec: ProtobufCodec | undefined;
  readonly #prefix: string;
  readonly #encoding: string;
  readonly #bookmarks: boolean;
  readonly #seconds: number;
  readonly #cleanUp: (() => void)[] = [];
  /** A Table's columns are sent with its first rows only, as upstream: they outweigh a row by far. */
  #columnsSent = false;
  #ended = false;
  /** Settled when all that came before has been sent. */
  #waiting: Promise<void> | undefined;

  constructor(
    request: ResourceRequest,
    connection: WatchConnection,
    selection: Selection,
    { bookmarks, seconds }: Times,
    options: RepresentOptions,
    codec: ProtobufCodec | undefined,
  ) {
    this.#codec = codec;
    this.#request = request;
    this.#connection = connection;
    this.#selection = selection;
    this.#options = options;
    const { collection } = request.resource;
    this.#prefix = request.namespace === undefined ? collection.prefix : `${collection.prefix}${request.namespace}/`;
    const { representation, version, format } = options.accepted;
    const { group, version: resourceVersion } = request.resource.definition;
    this.#encoding = `${group}/${resourceVersion} ${representation} ${version} ${format} ${options.includeObject}`;
    this.#bookmarks = bookmarks;
    this.#seconds = seconds;
  }

  open(): void {
    const { server } = this.#request;
    const end = (): void => this.end();
    server.closing.addEventListener('abort', end, { once: true });
    this.#cleanUp.push(() => server.closing.removeEventListener('abort', end));
    this.#cleanUp.push(server.clock.after(this.#timeoutMs(), () => this.#finish()));
    if (this.#bookmarks) this.#cleanUp.push(server.clock.every(BOOKMARK_EVERY_MS, () => this.#bookmark(false)));
  }

  sendCurrent(markEnd: boolean): void {
    const { resource, namespace } = this.#request;
    const items = resource.collection.list(namespace);
    const revision = resource.collection.revision();
    this.#inTurn(resource.prepare(items.map(({ object }) => object)), revision, () => {
      for (const { object } of items) {
        const shown = resource.view(object);
        if (this.#selection.matches(shown)) this.#write('ADDED', this.#rows(shown, this.#takeColumns()));
      }
      if (markEnd) this.#bookmark(true, revision);
    });
  }

  follow(): void {
    const { resource } = this.#request;
    const unsubscribe = resource.collection.subscribe((change) => {
      try {
        this.convey(change);
      } catch (error) {
        this.#lose(change.now.revision, error);
      }
    });
    this.#cleanUp.push(unsubscribe);
  }

  /** Whoever has to be asked about one of them first, they come in their order. */
  convey(change: Change): void {
    if (this.#request.resource.conversion?.asked === undefined) {
      this.send(change);
      return;
    }
    const objects = [change.now.object, ...(change.before === undefined ? [] : [change.before.object])];
    this.#inTurn(this.#request.resource.prepare(objects), change.now.revision, () => this.send(change));
  }

  /** At once, where nothing is waited for: neither for `ready` nor for what came before. */
  #inTurn(ready: Promise<void> | undefined, revision: number, act: () => void): void {
    if (ready === undefined && this.#waiting === undefined) {
      act();
      return;
    }
    const settled = Promise.all([this.#waiting, ready])
      .then(() => {
        if (!this.#ended) act();
      })
      .catch((error: unknown) => this.#lose(revision, error))
      .finally(() => {
        if (this.#waiting === settled) this.#waiting = undefined;
      });
    this.#waiting = settled;
  }

  /** Without this change the client's picture would be wrong: it must list again. */
  #lose(revision: number, error: unknown): void {
    if (this.#ended) return;
    const { server, resource } = this.#request;
    server.log.error({ error, resource: resource.definition.resource }, 'Cannot send a change to a watcher');
    this.fail(watchError(error, revision));
  }

  /** A change is an addition or a deletion when the object enters or leaves the selection. */
  send(change: Change): void {
    if (!change.now.key.startsWith(this.#prefix)) return;
    const { resource } = this.#request;
    const isIn = change.type === 'put' && this.#selection.matches(resource.view(change.now.object));
    const wasIn = change.before !== undefined && this.#selection.matches(resource.view(change.before.object));
    if (!isIn && !wasIn) return;
    const type = isIn ? (wasIn ? 'MODIFIED' : 'ADDED') : 'DELETED';
    // What left the selection is shown as it was, with the revision of the change.
    const leaves = type === 'DELETED' && change.type === 'put';
    this.#writeBytes(this.#encoded(change, type, leaves));
  }

  fail(error: StatusError): void {
    this.#write('ERROR', error.toStatus());
    this.end();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const step of this.#cleanUp.splice(0)) step();
    this.#connection.end();
  }

  #finish(): void {
    if (this.#bookmarks) this.#bookmark(false);
    this.end();
  }

  #encoded(change: Change, type: EventType, leaves: boolean): Uint8Array {
    const withColumns = this.#takeColumns();
    const key = `${this.#encoding} ${type} ${withColumns}`;
    const known = change.encodings.get(key);
    if (known !== undefined) return known;
    const { resource } = this.#request;
    const shown = leaves && change.before !== undefined ? change.before.object : change.now.object;
    const seen = resource.view(shown);
    const object = leaves ? withVersion(seen, change.now.revision) : seen;
    const bytes = this.#frame(type, this.#rows(object, withColumns));
    change.encodings.set(key, bytes);
    return bytes;
  }

  #takeColumns(): boolean {
    const first = !this.#columnsSent;
    this.#columnsSent = true;
    return first;
  }

  #rows(object: AnyObject, withColumns: boolean): unknown {
    const shown = this.#represent(object);
    if (withColumns || this.#options.accepted.representation !== 'table') return shown;
    return { ...(shown as object), columnDefinitions: null };
  }

  #represent(object: AnyObject): unknown {
    return representObject(this.#request.resource, object, {
      ...this.#options,
      wallMs: this.#request.server.clock.wall(),
    });
  }

  /** Says how far this client has seen, although nothing it selects has changed. */
  #bookmark(initialEnd: boolean, revision?: number): void {
    // What waits is older than now: the client would never hear of it.
    if (this.#waiting !== undefined && revision === undefined) return;
    const { resource } = this.#request;
    const { definition } = resource;
    const object: AnyObject = {
      kind: definition.kind,
      apiVersion: definition.group === '' ? definition.version : `${definition.group}/${definition.version}`,
      metadata: {
        resourceVersion: String(revision ?? resource.collection.revision()),
        ...(initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
      },
    };
    const isTable = this.#options.accepted.representation === 'table';
    this.#write('BOOKMARK', isTable ? { ...(this.#represent(object) as object), rows: [] } : this.#represent(object));
  }

  #write(type: EventType, object: unknown): void {
    this.#writeBytes(this.#frame(type, object));
  }

  #frame(type: EventType, object: unknown): Uint8Array {
    if (this.#codec !== undefined) return this.#codec.encodeWatchFrame(type, object);
    return Buffer.from(`${JSON.stringify({ type, object })}\n`);
  }

  #writeBytes(bytes: Uint8Array): void {
    if (this.#ended) return;
    const { server, resource } = this.#request;
    if (this.#connection.send(bytes) <= server.maxUnreadBytes) return;
    server.log.warn({ resource: resource.definition.resource }, 'Watcher reads too slowly and is cut off');
    this.end();
    this.#connection.cut();
  }

  #timeoutMs(): number {
    const seconds = this.#seconds > 0 ? this.#seconds : MIN_TIMEOUT_SECONDS * (1 + this.#request.server.random());
    // Timers go no further.
    return Math.min(seconds * 1000, 2 ** 31 - 1);
  }
}

function withVersion(object: AnyObject, revision: number): AnyObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
