// The few rules that stand around IPVS, the same whatever Services there are: they look into sets.
// Pure text for iptables-restore. Order matters; each rule says why it stands where it does.
import type { Family } from '#lib/ip.ts';
import type { CutWay } from '../contract.ts';
import { cutRule } from '../iptables/fixed-chains.ts';
import { type SetName, setName, sourceClasses } from './ip-sets.ts';

/** On the connection, not on the packet: IPVS sends packets on as new ones. */
const MASQUERADE_BIT = '0x4000/0x4000';

export interface Chains {
  /** Text for `iptables-restore --noflush`, which replaces our chains. */
  readonly text: string;
  /** Jumps into them, as `iptables-save` shows them, by table; they have to be put where they are missing. */
  readonly jumps: Readonly<Record<'mangle' | 'filter' | 'nat', readonly string[]>>;
  /** Names of our chains, by table. */
  readonly names: Readonly<Record<'mangle' | 'filter' | 'nat', readonly string[]>>;
}

export function chainsOf(prefix: string, family: Family, cut: readonly CutWay[] = []): Chains {
  const upper = prefix.toUpperCase();
  const set = (name: SetName): string => setName(prefix, name, family);
  const [services, filter, postrouting] = [`${upper}-SERVICES`, `${upper}-FILTER`, `${upper}-POST`];
  const cutting = `${upper}-CUT`;
  const chainOf = (source: string): string => `${upper}-${source.toUpperCase()}`;
  // IPVS takes packets of clients at the end of INPUT, but those of the node itself before the filter of OUTPUT: what
  // keeps packets from it stands in mangle, which comes first on both ways.
  const mangle = [
    `-A ${services} -m set --match-set ${set('guarded')} dst,dst -m set ! --match-set ${set('sources')} dst,dst,src -j DROP`,
    // An address for Services that none has, whatever the routes say of it.
    `-A ${services} -m set --match-set ${set('ranges')} dst -m set ! --match-set ${set('ips')} dst -j DROP`,
    // Whoever has a pod's address is a pod, also when the node has it too.
    `-A ${services} -m set --match-set ${set('pods')} src -g ${chainOf('pod')}`,
    `-A ${services} -m set --match-set ${set('node')} src -g ${chainOf('node')}`,
    // To an address of its own the node speaks from that same address.
    `-A ${services} -m set --match-set ${set('ips')} src -g ${chainOf('node')}`,
    `-A ${services} -g ${chainOf('other')}`,
    ...sourceClasses.flatMap((source) => [
      `-A ${chainOf(source)} -m set --match-set ${set(`drop-${source}`)} dst,dst -j DROP`,
      `-A ${chainOf(source)} -m set --match-set ${set(`masq-${source}`)} dst,dst -j CONNMARK --set-xmark ${MASQUERADE_BIT}`,
      `-A ${chainOf(source)} -j SET --map-set ${set(`mark-${source}`)} dst,dst --map-mark`,
    ]),
  ];
  const filterRules = [
    `-A ${filter} -m set --match-set ${set('reject')} dst,dst -j REJECT`,
    `-A ${filter} -m set --match-set ${set('served')} dst,dst -j RETURN`,
    // The node has these addresses, and whatever listens on all of its addresses would answer there.
    `-A ${filter} -m set --match-set ${set('ips')} dst -j REJECT`,
    ...cut.filter((way) => way.family === family).map((way) => `-A ${cutting} ${cutRule(way)}`),
  ];
  const nat = [
    `-A ${postrouting} -m connmark --mark ${MASQUERADE_BIT} -j MASQUERADE --random-fully`,
    `-A ${postrouting} -m set --match-set ${set('loop')} dst,dst,src -j MASQUERADE --random-fully`,
    // Answers to an address of a Service would stay on the node of the endpoint.
    `-A ${postrouting} -m set --match-set ${set('ips')} src -j MASQUERADE --random-fully`,
  ];
  const fresh = '-m conntrack --ctstate NEW';
  const names = {
    mangle: [services, ...sourceClasses.map(chainOf)],
    filter: [filter, cutting],
    nat: [postrouting],
  };
  const table = (name: keyof typeof names, rules: readonly string[]): string =>
    [`*${name}`, ...names[name].map((chain) => `:${chain} - [0:0]`), ...rules, 'COMMIT', ''].join('\n');
  return {
    text: table('mangle', mangle) + table('filter', filterRules) + table('nat', nat),
    jumps: {
      mangle: [`-A PREROUTING ${fresh} -j ${services}`, `-A OUTPUT ${fresh} -j ${services}`],
      filter: [
        ...['INPUT', 'OUTPUT'].map((base) => `-A ${base} ${fresh} -j ${filter}`),
        ...['INPUT', 'FORWARD', 'OUTPUT'].map(
          (base) => `-A ${base} -p tcp -m conntrack --ctstate ESTABLISHED -j ${cutting}`,
        ),
      ],
      nat: [`-A POSTROUTING -j ${postrouting}`],
    },
    names,
  };
}
