// Reads one header out of a parsed request head, in place: for routes and filters that ask for headers.
// Knows neither; nothing is read or made until somebody asks.
import { fieldValue } from '../http/head-edits.ts';
import type { RequestHead } from './request-head.ts';

/**
 * The value of `name` (lower case), without the white space around it; several lines are joined with `, ` (RFC 9110,
 * 5.3). Undefined when the request has no such header, or only one that the proxy keeps to itself
 * (`Connection`, framing, what only the proxy may set).
 */
export function headerOf(head: RequestHead, name: string): string | undefined {
  switch (name) {
    case 'host':
      return present(head.authority);
    case 'x-forwarded-for':
      return present(head.forwardedFor);
    case 'x-forwarded-proto':
      return present(head.forwardedProto);
    case 'x-forwarded-host':
      return present(head.forwardedHost);
    case 'x-forwarded-port':
      return present(head.forwardedPort);
    case 'forwarded':
      return present(head.forwarded);
    case 'x-request-id':
      return present(head.requestId);
    case 'upgrade':
      return present(head.upgrade);
    case 'te':
      return head.acceptsTrailers ? 'trailers' : undefined;
    case 'trailer':
      return present(head.trailer);
    case 'expect':
      return head.expectContinue ? '100-continue' : undefined;
    case 'content-length':
      return head.contentLength > 0 ? String(head.contentLength) : undefined;
    default:
      return fieldValue(head, name);
  }
}

function present(value: string): string | undefined {
  return value === '' ? undefined : value;
}
