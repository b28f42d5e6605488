// Refuses request bodies beyond a limit: by their announced length at once, else as soon as they exceed it.
// Knows nothing of framing; counts payload.

import { textReply } from '../http/local-reply.ts';
import type { HttpFilter } from './filter.ts';

export const bodyTooLarge = textReply(413, 'Body is too large', 'body_too_large');

export function bodyLimit({ maxBytes }: { readonly maxBytes: number }): HttpFilter {
  return {
    onRequest: ({ head }) => (head.contentLength > maxBytes ? bodyTooLarge : undefined),
    onRequestBody: ({ bytesIn }) => (bytesIn > maxBytes ? bodyTooLarge : undefined),
  };
}
