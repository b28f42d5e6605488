// Answers of a route without a backend, with the status, headers and body that its owner wrote.
// Knows nothing of requests.

import type { RouteAction } from '#traffic/model/ir.ts';
import { headerLine } from '../http/head-edits.ts';
import { type LocalReply, textReply } from '../http/local-reply.ts';

/** A route without `body` answers with its reason as a line of text. */
export function directResponse({
  status,
  reason,
  body,
  headers = [],
}: Extract<RouteAction, { type: 'respond' }>): LocalReply {
  // A Service that does not exist is no answer that anybody wanted.
  const plain = textReply(status, reason, status >= 500 ? 'refused' : 'direct');
  const isType = (name: string): boolean => name.toLowerCase() === 'content-type';
  return {
    ...plain,
    body: body ?? plain.body,
    contentType: headers.find(({ name }) => isType(name))?.value ?? plain.contentType,
    headers: headers
      .filter(({ name }) => !isType(name))
      .map(({ name, value }) => headerLine(name, value))
      .join(''),
  };
}
