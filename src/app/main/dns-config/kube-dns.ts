// The ConfigMap by which kube-dns is told of resolvers: `stubDomains` and `upstreamNameservers`, as JSON.
// Pure: from texts to addresses; asks nobody.
import { type StubDomain, stubDomainOf } from '#traffic/dns/forward/stub-domain.ts';
import { parseUpstream, type UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';
import type { Forwarding } from './forwarding.ts';

export function kubeDnsForwarding(data: Readonly<Record<string, string>>): Forwarding {
  const problems: string[] = [];
  const read = (key: string): unknown => {
    const text = data[key]?.trim() ?? '';
    if (text === '') return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      problems.push(`${key} is no JSON: ${(error as Error).message}`);
      return undefined;
    }
  };
  const stubs: StubDomain[] = [];
  const domains = read('stubDomains');
  if (domains !== undefined && !isRecord(domains)) problems.push('stubDomains is no object of zones with addresses');
  for (const [zone, servers] of Object.entries(isRecord(domains) ? domains : {})) {
    const stub = isTexts(servers) ? stubDomainOf(zone, servers) : undefined;
    if (stub === undefined)
      problems.push(`stubDomains: "${zone}" with ${JSON.stringify(servers)} is no zone with addresses`);
    else stubs.push(stub);
  }
  const named = read('upstreamNameservers');
  if (named === undefined) return { upstreams: undefined, stubs, problems };
  const upstreams: UpstreamAddress[] = [];
  for (const one of Array.isArray(named) ? (named as unknown[]) : [named]) {
    const upstream = typeof one === 'string' ? parseUpstream(one) : undefined;
    if (upstream === undefined) problems.push(`upstreamNameservers: ${JSON.stringify(one)} is no address`);
    else upstreams.push(upstream);
  }
  return { upstreams: upstreams.length === 0 ? undefined : upstreams, stubs, problems };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
