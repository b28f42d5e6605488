// What hashing policies hash of a request.
// Knows no policy; reads the request in place.
import type { HashPolicy } from '#traffic/model/ir.ts';
import type { RequestView } from '#traffic/snapshot/index.ts';

/** Empty when the request has no such value: policies then hash the client's address. */
export function hashKeyOf(policy: HashPolicy | undefined, request: RequestView, clientAddress: string): string {
  switch (policy?.type) {
    case undefined:
      return '';
    case 'source_ip':
      return clientAddress;
    case 'header':
      return request.header(policy.name) ?? '';
    case 'query':
      return request.query(policy.name) ?? '';
    case 'cookie':
      return cookieOf(request.header('cookie') ?? '', policy.name) ?? '';
  }
}

/** The first cookie of this name in a `Cookie` header; several lines of it may be joined by commas or semicolons. */
export function cookieOf(header: string, name: string): string | undefined {
  for (const pair of header.split(/[;,]/)) {
    const equals = pair.indexOf('=');
    if (equals >= 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
