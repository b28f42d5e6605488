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
    const scheme = redirect.scheme ?? client.protocol;
    const rewritten = rewriter === undefined ? head.target : rewriteTarget(head.target, rewriter);
    if (rewritten === undefined) return textReply(400, 'Path cannot be rewritten', 'rewrite');
    const target = rewritten === '*' ? '/' : rewritten;
    const path = dropQuery ? (target.split('?', 1)[0] as string) : target;
    const location = `${scheme}://${hostFor(redirect, head, client)}${portFor(redirect, scheme, head, client)}${path}`;
    return { status, body: '', contentType: '', headers: `Location: ${location}\r\n`, code: 'redirect' };
  };
}

/**
 * Without a port: the one that was configured, that a trusted proxy was asked for, that was asked for here. A client of
 * HTTP/1.0 may have named none: then it is the address it connected to.
 */
function hostFor({ hostname }: Redirect, head: RequestHead, client: ClientFacts): string {
  if (hostname !== undefined) return hostname;
  const asked = client.forwardedHost === '' ? head.authority : client.forwardedHost;
  return hostOf(asked === '' ? client.authority : asked) ?? '';
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
  // A trusted proxy that tells the scheme and no port speaks of its own listener, which is not ours.
  const own = client.trusted && head.forwardedProto !== '' && head.forwardedPort === '';
  const listener = own ? ownPort[client.protocol] : client.port;
  const chosen = port !== 0 ? String(port) : wanted !== undefined ? ownPort[wanted] : listener;
  return chosen === undefined || chosen === ownPort[scheme] ? '' : `:${chosen}`;
}
