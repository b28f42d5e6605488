// What an endpoint is called wherever its state is kept: counters, pools, health.
// One rule; two clusters that name the same address and port mean the same endpoint.

/** `address:port`, `[address]:port` for IPv6. */
export function endpointKey({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
