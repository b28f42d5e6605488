// Reads one header out of a parsed head, in place: for routes and filters that ask for headers.
// Knows neither; nothing is read or made until somebody asks.
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
      return headerLines(head, name);
  }
}

function present(value: string): string | undefined {
  return value === '' ? undefined : value;
}

/** Of the lines that pass from one side to the other, in a request or a response. */
export function headerLines(
  { text, runs, runCount }: Pick<RequestHead, 'text' | 'runs' | 'runCount'>,
  name: string,
): string | undefined {
  let found: string | undefined;
  for (let run = 0; run < runCount; run += 2) {
    const runEnd = runs[run + 1] as number;
    for (let line = runs[run] as number; line < runEnd; ) {
      const end = text.indexOf('\r\n', line);
      if (isNamed(text, line, name)) {
        const value = text.slice(line + name.length + 1, end).trim();
        found = found === undefined ? value : `${found}, ${value}`;
      }
      line = end + 2;
    }
  }
  return found;
}

/** Whether the line at `start` is a header of this lower-case name. */
function isNamed(text: string, start: number, name: string): boolean {
  if (text.charCodeAt(start + name.length) !== 58 /* : */) return false;
  for (let at = 0; at < name.length; at++) {
    const code = text.charCodeAt(start + at);
    const lower = code >= 65 && code <= 90 ? code | 0x20 : code;
    if (lower !== name.charCodeAt(at)) return false;
  }
  return true;
}
