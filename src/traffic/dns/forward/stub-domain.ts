// Zones of others that have resolvers of their own: which of them a name belongs to.
// Knows names as text in lower case; asks nobody.
import { parseUpstream, type UpstreamAddress } from './upstream-address.ts';

export interface StubDomain {
  /** In lower case, without a dot at its end. */
  readonly zone: string;
  readonly servers: readonly UpstreamAddress[];
}

const ZONE = /^[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*$/;

/** `corp.example=10.0.0.2,10.0.0.3:5353`; undefined for anything else. */
export function parseStubDomain(text: string): StubDomain | undefined {
  const [, name = '', list = ''] = /^([^=]+)=(.+)$/.exec(text.trim()) ?? [];
  return stubDomainOf(name, list.split(','));
}

/** Undefined where that is no zone, or one of the servers is no address, or there is none. */
export function stubDomainOf(name: string, addresses: readonly string[]): StubDomain | undefined {
  const zone = name.toLowerCase().replace(/\.$/, '');
  const servers = addresses.map((one) => parseUpstream(one.trim()));
  if (!ZONE.test(zone) || servers.includes(undefined) || servers.length === 0) return undefined;
  return { zone, servers: servers.filter((one) => one !== undefined) };
}

/** The servers of the longest zone that has the name (in lower case); undefined where none has. */
export function serversFor(name: string, stubs: readonly StubDomain[]): readonly UpstreamAddress[] | undefined {
  let found: StubDomain | undefined;
  for (const stub of stubs) {
    const within = name === stub.zone || name.endsWith(`.${stub.zone}`);
    if (within && stub.zone.length > (found?.zone.length ?? -1)) found = stub;
  }
  return found?.servers;
}
