// Sends a client elsewhere, by the rules of Gateway API's RequestRedirect.
// Answers with a whole URL always: a path alone, `//evil.example`, would be a host to a browser.

import type { PathMatch, Redirect } from '#traffic/model/ir.ts';
import { type LocalReply, textReply } from '../http/local-reply.ts';
import type { ClientFacts } from '../http1/compose.ts';
import { hostOf } from '../http1/host.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { pathRewriter, rewriteTarget } from './path-rewriter.ts';

export type Redirector = (head: RequestHead, client: ClientFacts) => LocalReply;

const ownPort: Readonly<Record<string, string>> = { http: '80', https: '443' };

export function redirector(redirect: Redirect, match: PathMatch): Redirector {
  const rewriter = redirect.path === undefined ? undefined : pathRewriter(redirect.path, match);
  const { status, dropQuery = false } = redirect;
  return (head, client) => {
    const asked = client.trusted && isScheme(head.forwardedProto) ? head.forwardedProto : client.protocol;
    const scheme = redirect.scheme ?? asked;
    const rewritten = rewriter === undefined ? head.target : rewriteTarget(head.target, rewriter);
    if (rewritten === undefined) return textReply(400, 'Path cannot be rewritten', 'rewrite');
    const target = rewritten === '*' ? '/' : rewritten;
    const path = dropQuery ? (target.split('?', 1)[0] as string) : target;
    const location = `${scheme}://${hostFor(redirect, head, client)}${portFor(redirect, scheme, head, client)}${path}`;
    return { status, body: '', contentType: '', headers: `Location: ${location}\r\n`, code: 'redirect' };
  };
}

function isScheme(text: string): text is 'http' | 'https' {
  return text === 'http' || text === 'https';
}

/** Without a port. A client of HTTP/1.0 may have named no host: then it is the address it connected to. */
function hostFor({ hostname }: Redirect, head: RequestHead, client: ClientFacts): string {
  if (hostname !== undefined) return hostname;
  return head.host === '' ? (hostOf(client.authority) ?? '') : head.host;
}

/**
 * The port that was configured; else, with a scheme configured, that scheme's own; else the listener's. None where it
 * is what the scheme means anyway.
 */
function portFor(
  { port = 0, scheme: wanted }: Redirect,
  scheme: string,
  head: RequestHead,
  client: ClientFacts,
): string {
  const listener = client.trusted && /^[0-9]{1,5}$/.test(head.forwardedPort) ? head.forwardedPort : client.port;
  const chosen = port !== 0 ? String(port) : wanted !== undefined ? ownPort[wanted] : listener;
  return chosen === undefined || chosen === ownPort[scheme] ? '' : `:${chosen}`;
}
