// Reads what proxies say of whom they forwarded for: `X-Forwarded-For`, and `Forwarded` (RFC 7239).
// Knows nothing of whom to believe.

import { isIP, isIPv4 } from 'node:net';
import { plainAddress } from '../listeners/peer.ts';

/** One hop of `Forwarded`; empty where it says nothing, or nothing that can be read. */
export interface ForwardedElement {
  /** An IP address: obfuscated and unknown nodes are nobody. */
  readonly address: string;
  readonly proto: string;
  readonly host: string;
}

/** The addresses of a chain, nearest last; an entry that is none is empty. */
export function readForwardedFor(chain: string): readonly string[] {
  return chain === '' ? [] : chain.split(',').map((entry) => addressOf(entry.trim()));
}

/** An address with or without port, IPv6 with or without brackets; empty for anything else. */
export function addressOf(node: string): string {
  if (isIP(node) !== 0) return node.includes('%') ? '' : plainAddress(node.toLowerCase());
  const match = /^(?:\[([^\]%]+)\]|([0-9.]+))(?::[0-9]{1,5})?$/.exec(node);
  const address = match?.[1] ?? match?.[2] ?? '';
  const fits = match?.[1] === undefined ? isIPv4(address) : isIP(address) === 6;
  return fits ? plainAddress(address.toLowerCase()) : '';
}

const PAIR =
  /[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+\-.^_`|~0-9A-Za-z]+))[ \t]*([;,]|$)/y;

/** The elements of a `Forwarded` header, nearest last; undefined when it is malformed anywhere. */
export function readForwarded(value: string): readonly ForwardedElement[] | undefined {
  const elements: ForwardedElement[] = [];
  let pairs = new Map<string, string>();
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < value.length) {
    const match = PAIR.exec(value);
    if (match === null) return undefined;
    const name = (match[1] as string).toLowerCase();
    // A parameter may stand once in an element.
    if (pairs.has(name)) return undefined;
    pairs.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? (match[3] as string));
    if (match[4] === ';') {
      if (PAIR.lastIndex === value.length) return undefined;
      continue;
    }
    elements.push(elementOf(pairs));
    pairs = new Map();
    if (match[4] === ',' && PAIR.lastIndex === value.length) return undefined;
  }
  return elements;
}

function elementOf(pairs: ReadonlyMap<string, string>): ForwardedElement {
  return {
    address: addressOf(pairs.get('for') ?? ''),
    proto: pairs.get('proto') ?? '',
    host: pairs.get('host') ?? '',
  };
}

/**
 * Which entry of a chain is the client: the first from the right that is not itself to be believed, for everything to
 * its left is its word alone. An entry that is no address ends the walk. -1 is the peer itself, of whom the caller
 * knows that it is believed.
 */
export function clientIndex(chain: readonly string[], isTrusted: (address: string) => boolean): number {
  let found = -1;
  for (let at = chain.length - 1; at >= 0; at--) {
    const address = chain[at] as string;
    if (address === '') break;
    found = at;
    if (!isTrusted(address)) break;
  }
  return found;
}

/** As a node of `Forwarded`: IPv6 in brackets and quotes. */
export function forwardedNode(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address;
}
