// The names under which parts of the model that come from Gateways refer to each other.
// Pure text; everything that makes such a name does it here.

/** Where a socket is opened: one for each address of a Gateway and each port that its listeners name. */
export function socketName(gateway: string, port: number, udp: boolean, address: string): string {
  return `gateway/${gateway}:${port}${udp ? '/udp' : ''}@${address}`;
}

export function virtualHostName(gateway: string, port: number, hostname: string): string {
  return `gateway/${gateway}:${port}/${hostname}`;
}

export function gatewayCertificateName(gateway: string, port: number, hostname: string, secret: string): string {
  return `gateway/${gateway}:${port}/${hostname}/secret/${secret}`;
}

/** e.g. `httproute/shop/web/0/1`: kind, namespace, name, rule, match. */
export function routeName(kind: string, key: string, rule: number, match: number): string {
  return `${kind.toLowerCase()}/${key}/${rule}/${match}`;
}
