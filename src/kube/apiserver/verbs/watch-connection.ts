// What a watch is sent over: the answer of a request, or a WebSocket with one event a message.
// Knows bytes and their ends; which events there are is watch.ts. Upstream source: apiserver/pkg/endpoints/handlers/watch.go.
import type { WebSocket } from 'ws';
import { acceptWebSocket, upgradeKind } from '#kube/streaming/upgrade.ts';
import type { ResourceRequest } from '../context.ts';
import { type Format, mediaTypes } from '../http/negotiation.ts';
import { flushHead } from '../http/respond.ts';

export interface WatchConnection {
  /** One event as it stands in a stream. How many bytes wait for the reader. */
  send(bytes: Uint8Array): number;
  /** After what has been sent. */
  end(): void;
  /** At once. */
  cut(): void;
}

/** Before each event in a stream of protocol buffers; messages have a length of their own. */
const FRAME_HEAD_BYTES = 4;

/** Undefined when the client is gone, or its handshake was refused. `ended` is called once, when either side ends it. */
export async function openWatch(
  { http, response, upgrade }: ResourceRequest,
  format: Exclude<Format, 'yaml'>,
  ended: () => void,
): Promise<WatchConnection | undefined> {
  response.once('close', ended);
  if (upgrade === undefined || upgradeKind(upgrade.request) !== 'websocket') {
    // HTTP/1.1 has no stream.
    if (http.stream?.destroyed ?? response.destroyed) return undefined;
    return new ResponseConnection(response, format);
  }
  // As upstream, whatever protocol the client names: browsers insist on hearing one of theirs.
  const accepted = await acceptWebSocket(upgrade, 'any');
  return accepted === undefined ? undefined : new WebSocketConnection(accepted.webSocket, format);
}

class ResponseConnection implements WatchConnection {
  readonly #response: ResourceRequest['response'];

  constructor(response: ResourceRequest['response'], format: Exclude<Format, 'yaml'>) {
    this.#response = response;
    // As upstream: only what is not JSON says that it is a stream.
    const type = format === 'json' ? mediaTypes.json : `${mediaTypes[format]};stream=watch`;
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-cache, private' });
    // The client must learn that the watch stands even when nothing happens for long.
    flushHead(response);
  }

  send(bytes: Uint8Array): number {
    this.#response.write(bytes);
    return this.#response.writableLength;
  }

  end(): void {
    this.#response.end();
  }

  cut(): void {
    this.#response.destroy();
  }
}

class WebSocketConnection implements WatchConnection {
  readonly #webSocket: WebSocket;
  readonly #binary: boolean;

  constructor(webSocket: WebSocket, format: Exclude<Format, 'yaml'>) {
    this.#webSocket = webSocket;
    this.#binary = format === 'protobuf';
  }

  send(bytes: Uint8Array): number {
    this.#webSocket.send(this.#binary ? bytes.subarray(FRAME_HEAD_BYTES) : bytes, { binary: this.#binary });
    return this.#webSocket.bufferedAmount;
  }

  end(): void {
    this.#webSocket.close(1000);
  }

  cut(): void {
    this.#webSocket.terminate();
  }
}
