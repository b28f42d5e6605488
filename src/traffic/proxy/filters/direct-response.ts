// Answers of a route without a backend, with the status, headers and body that its owner wrote.
// Knows nothing of requests.

import type { RouteAction } from '#traffic/model/ir.ts';
import { headerLine } from '../http/head-edits.ts';
import { type LocalReply, textReply } from '../http/local-reply.ts';

/** End with their head (RFC 9110, 15.3.5, 15.3.6, 15.4.5). */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

/** A route without `body` answers with its reason as a line of text, if it has one. */
export function directResponse({
  status,
  reason,
  body,
  headers = [],
}: Extract<RouteAction, { type: 'respond' }>): LocalReply {
  // A Service that does not exist is no answer that anybody wanted.
  const plain = textReply(status, reason, status >= 500 ? 'refused' : 'direct');
  const isType = (name: string): boolean => name.toLowerCase() === 'content-type';
  const text = bodiless.has(status) ? '' : (body ?? (reason === '' ? '' : plain.body));
  return {
    ...plain,
    body: text,
    contentType: headers.find(({ name }) => isType(name))?.value ?? (text === '' ? '' : plain.contentType),
    headers: headers
      .filter(({ name }) => !isType(name))
      .map(({ name, value }) => headerLine(name, value))
      .join(''),
  };
}
