// What is said of the client of one request: as the connection knows it, or as a trusted peer told of it.
// Knows nothing of sockets. Only requests of trusted peers cost anything here.

import type { ClientFacts } from '../http1/compose.ts';
import { hostOf } from '../http1/host.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { clientIndex, type ForwardedElement, forwardedNode, readForwarded, readForwardedFor } from './forwarded.ts';

/** `peer` is who connected; the result is `peer` itself unless it is trusted. */
export function requestFacts(
  peer: ClientFacts,
  head: RequestHead,
  isTrusted: (address: string) => boolean,
): ClientFacts {
  if (!peer.trusted) return peer;
  // Who speaks of both speaks X-Forwarded-For: it is what proxies of today extend.
  const elements = head.forwardedFor === '' && head.forwarded !== '' ? readForwarded(head.forwarded) : undefined;
  const chain = elements?.map(({ address }) => address) ?? readForwardedFor(head.forwardedFor);
  const at = clientIndex(chain, isTrusted);
  const address = at < 0 ? peer.address : (chain[at] as string);
  const said: ForwardedElement | undefined = elements?.[at];
  const protocol = schemeOf(head.forwardedProto) ?? schemeOf(said?.proto ?? '') ?? peer.protocol;
  const forwardedHost = [head.forwardedHost, said?.host ?? ''].find(
    (host) => host !== '' && hostOf(host) !== undefined,
  );
  const port = isPort(head.forwardedPort) ? head.forwardedPort : peer.port;
  return {
    ...peer,
    address,
    protocol,
    port,
    forwardedHost: forwardedHost ?? '',
    forwardingLines:
      `X-Forwarded-For: ${forwardedFor(head, elements, address, peer.address)}\r\nX-Real-IP: ${address}\r\n` +
      `X-Forwarded-Proto: ${protocol}\r\nX-Forwarded-Port: ${port}\r\n${peer.certificateLine}${passedForwarded(head, peer)}`,
    forwarded: extendedForwarded(head, peer),
  };
}

/** The chain as it came, with the peer behind it; what only `Forwarded` told is told here too. */
function forwardedFor(
  head: RequestHead,
  elements: readonly ForwardedElement[] | undefined,
  address: string,
  peer: string,
): string {
  if (head.forwardedFor !== '') return `${head.forwardedFor}, ${peer}`;
  return elements === undefined || address === peer ? peer : `${address}, ${peer}`;
}

/** Where the proxy writes no `Forwarded` of its own, one that may be believed passes as it is. */
function passedForwarded(head: RequestHead, peer: ClientFacts): string {
  return peer.forwarded !== '' || head.forwarded === '' ? '' : `Forwarded: ${head.forwarded}\r\n`;
}

/** A malformed one is not extended: whoever reads the result could read it in more than one way. */
function extendedForwarded(head: RequestHead, peer: ClientFacts): string {
  if (peer.forwarded === '') return '';
  const own = `for=${forwardedNode(peer.pair.source.address)};proto=${peer.protocol}`;
  return head.forwarded === '' || readForwarded(head.forwarded) === undefined ? own : `${head.forwarded}, ${own}`;
}

/** One scheme; a list, or anything else, says nothing. */
function schemeOf(text: string): 'http' | 'https' | undefined {
  const scheme = text.toLowerCase();
  return scheme === 'http' || scheme === 'https' ? scheme : undefined;
}

function isPort(text: string): boolean {
  return /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65_535;
}
