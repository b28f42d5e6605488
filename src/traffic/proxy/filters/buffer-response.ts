// Keeps a response back until it is whole: the client then gets all of it, or an answer that says what went wrong.
// Knows nothing of sockets; a response that grows too long is streamed from then on.

import { fieldValue } from '../http/head-edits.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { FilterExchange, FilterFactory, ResponseSink } from './filter.ts';

export function bufferResponse({ maxBytes }: { readonly maxBytes: number }): FilterFactory {
  return () => ({
    wrap: (x, head, next) => (worthKeeping(head, maxBytes) ? new BufferedResponse(x, next, maxBytes) : next),
  });
}

/** Events are read as they come, for as long as the page is open. */
function worthKeeping(head: ResponseHead, maxBytes: number): boolean {
  if (head.contentLength > maxBytes) return false;
  return !(fieldValue(head, 'content-type') ?? '').toLowerCase().startsWith('text/event-stream');
}

class BufferedResponse implements ResponseSink {
  readonly #x: FilterExchange;
  readonly #next: ResponseSink;
  readonly #maxBytes: number;
  /** Until it is handed on; the connection it came over keeps it until the response ends. */
  #head: ResponseHead | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(x: FilterExchange, next: ResponseSink, maxBytes: number) {
    this.#x = x;
    this.#next = next;
    this.#maxBytes = maxBytes;
  }

  respond(head: ResponseHead): void {
    this.#head = head;
  }

  sendBody(bytes: Buffer, start: number, end: number, owned: boolean): void {
    if (this.#head === undefined) {
      this.#next.sendBody(bytes, start, end, owned);
      return;
    }
    const piece = bytes.subarray(start, end);
    this.#parts.push(owned ? piece : Buffer.from(piece));
    this.#bytes += end - start;
    if (this.#bytes > this.#maxBytes) this.#release();
  }

  flush(): boolean {
    return this.#head !== undefined || this.#next.flush();
  }

  end(trailers: string): void {
    const head = this.#head;
    // Now that it is known, the length is said; trailers can only follow chunks.
    if (head !== undefined && trailers === '' && head.trailer === '' && !hasNoBody(this.#x, head)) {
      head.chunked = false;
      head.contentLength = this.#bytes;
    }
    this.#release();
    this.#next.end(trailers);
  }

  blocked(): void {
    this.#next.blocked();
  }

  drained(): void {
    if (this.#next.drained === undefined) this.#x.unblocked();
    else this.#next.drained();
  }

  #release(): void {
    const head = this.#head;
    if (head === undefined) return;
    this.#head = undefined;
    this.#next.respond(head);
    for (const part of this.#parts) this.#next.sendBody(part, 0, part.length, true);
    this.#parts = [];
  }
}

function hasNoBody(x: FilterExchange, { status }: ResponseHead): boolean {
  return x.head.method === 'HEAD' || status === 204 || status === 304;
}
