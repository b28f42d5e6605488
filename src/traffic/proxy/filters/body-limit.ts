// Refuses request bodies beyond a limit: by their announced length at once, else as soon as they exceed it.
// Knows nothing of framing; counts payload.

import { textReply } from '../http/local-reply.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { HttpFilter } from './filter.ts';

export const bodyTooLarge = textReply(413, 'Body is too large', 'body_too_large');

export function announcedTooLong({ contentLength }: RequestHead, maxBytes: number): boolean {
  return contentLength > maxBytes;
}

export function bodyLimit({ maxBytes }: { readonly maxBytes: number }): HttpFilter {
  return {
    onRequest: ({ head }) => (announcedTooLong(head, maxBytes) ? bodyTooLarge : undefined),
    onRequestBody: ({ bytesIn }) => (bytesIn > maxBytes ? bodyTooLarge : undefined),
  };
}
