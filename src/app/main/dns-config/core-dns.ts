// What a Corefile says of resolvers: `forward` (and `proxy`, its elder) in the blocks of its servers.
// Pure. Names of the cluster, caching and health are ours: plugins for them are passed over, others are told of.
import { type StubDomain, stubDomainOf } from '#traffic/dns/forward/stub-domain.ts';
import { parseUpstream, type UpstreamAddress } from '#traffic/dns/forward/upstream-address.ts';
import { type Line, parseCorefile } from './corefile.ts';
import type { Forwarding } from './forwarding.ts';

/** What they are for is done anyway, or concerns CoreDNS itself. */
const PASSED_OVER = new Set(
  'acl any autopath bind bufsize cache cancel debug dns64 dnstap errors health kubernetes loadbalance log loop metadata minimal multisocket pprof prometheus ready reload root timeouts trace view'.split(
    ' ',
  ),
);
/** How resolvers are asked: in their order, each for a while. None of these changes whom. */
const IDLE_OPTIONS = new Set(
  'expire failfast_all_unhealthy_upstreams failover force_tcp health_check max_concurrent max_connect_attempts max_fails max_idle_conns next policy prefer_udp'.split(
    ' ',
  ),
);
const HOST_FILE = '/etc/resolv.conf';

export function coreDnsForwarding(corefile: string): Forwarding {
  const { blocks, problems: broken } = parseCorefile(corefile);
  const problems = [...broken];
  const stubs: StubDomain[] = [];
  let upstreams: readonly UpstreamAddress[] | undefined;
  for (const { zones, lines } of blocks) {
    for (const line of lines) {
      const [plugin = ''] = line.words;
      if (plugin !== 'forward' && plugin !== 'proxy') {
        if (!PASSED_OVER.has(plugin)) problems.push(`Line ${line.number}: ${plugin} has no effect here`);
        continue;
      }
      const [, from = '', ...targets] = line.words;
      const why = obstacle(line, from, targets);
      if (why !== undefined) {
        problems.push(`Line ${line.number}: ${why}`);
        continue;
      }
      for (const zone of zones.map(zoneOf)) {
        const name = within(from, zone);
        if (name === undefined) continue;
        const servers = targets.filter((one) => one !== HOST_FILE).map((one) => one.replace(/^dns:\/\//, ''));
        if (name === '.') {
          if (servers.length > 0) upstreams = servers.flatMap((one) => parseUpstream(one) ?? []);
          continue;
        }
        const stub = servers.length > 0 ? stubDomainOf(name, servers) : undefined;
        if (stub !== undefined) stubs.push(stub);
        else if (servers.length > 0) problems.push(`Line ${line.number}: "${name}" is no zone that can be forwarded`);
      }
    }
  }
  return { upstreams, stubs, problems };
}

/** Why the line is left out; undefined where it can be used. */
function obstacle({ options }: Line, from: string, targets: readonly string[]): string | undefined {
  if (targets.length === 0) return 'forward names no resolver';
  const bad = targets.find((one) => one !== HOST_FILE && parseUpstream(one.replace(/^dns:\/\//, '')) === undefined);
  if (bad !== undefined) return `forward ${from} to "${bad}" is left out: it is no address that is asked by plain DNS`;
  const other = options.find(({ words: [word = ''] }) => !IDLE_OPTIONS.has(word));
  return other === undefined
    ? undefined
    : `forward ${from} is left out: its option ${other.words[0]} is not known here`;
}

/** `dns://corp.example.:53` is `corp.example`; the root is `.`. */
function zoneOf(text: string): string {
  const name = text
    .replace(/^[a-z]+:\/\//, '')
    .replace(/:\d+$/, '')
    .replace(/\.$/, '')
    .toLowerCase();
  return name === '' ? '.' : name;
}

/** The narrower of the two, where one lies in the other. */
function within(from: string, zone: string): string | undefined {
  const name = zoneOf(from);
  const isIn = (inner: string, outer: string): boolean =>
    outer === '.' || inner === outer || inner.endsWith(`.${outer}`);
  if (isIn(name, zone)) return name;
  return isIn(zone, name) ? zone : undefined;
}
