// Takes a whole request in before an endpoint is chosen: a slow client then keeps no backend busy.
// Knows nothing of framing; a body that came in chunks goes on with its length, for backends that know no chunks.

import { announcedTooLong, bodyTooLarge } from './body-limit.ts';
import type { FilterExchange, HttpFilter } from './filter.ts';

/** The memory of one request is at most `maxBytes`, and what one read brought beyond. */
export function bufferRequest({ maxBytes }: { readonly maxBytes: number }): HttpFilter {
  return {
    onRequest(x) {
      if (announcedTooLong(x.head, maxBytes)) return bodyTooLarge;
      if (x.body.ended) return undefined;
      x.askForBody();
      return 'wait';
    },
    onRequestBody(x) {
      if (!x.body.ended) return x.bytesIn > maxBytes ? bodyTooLarge : undefined;
      if (x.bytesIn > maxBytes) return bodyTooLarge;
      announce(x);
      x.resume();
      return undefined;
    },
  };
}

function announce({ head, body }: FilterExchange): void {
  // Trailers can only follow chunks.
  if (head.contentLength < 0 && body.trailers === '') head.contentLength = body.bytes;
}
