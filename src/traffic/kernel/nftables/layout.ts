// The table of one IP family: a fixed number of maps, and chains whose rules name no Service.
// Pure: text for `nft`. What a Service adds are elements of the maps (elements.ts); see the README for the way of a packet.
import type { Family } from '#lib/ip.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';

/** The name of our table in each family; no other is ever touched. */
export function tableName(owner: string | undefined): string {
  return owner === undefined ? 'evenkeel' : `evenkeel-${owner}`;
}

/** Stands in every table as a chain without rules; a table of another layout is made anew, not taken over. */
export const LAYOUT_MARK = 'layout-3';

export interface Dialect {
  /** Family word of tables and rules. */
  readonly ip: 'ip' | 'ip6';
  readonly addressType: 'ipv4_addr' | 'ipv6_addr';
  /** Of a single address. */
  readonly hostBits: 32 | 128;
}

const DIALECTS: Readonly<Record<Family, Dialect>> = {
  IPv4: { ip: 'ip', addressType: 'ipv4_addr', hostBits: 32 },
  IPv6: { ip: 'ip6', addressType: 'ipv6_addr', hostBits: 128 },
};

export function dialectOf(family: Family): Dialect {
  return DIALECTS[family];
}

/** Names of the sets and maps, and what their elements are; elements.ts fills them. */
export const SET_KINDS = {
  services: 'map',
  shortcuts: 'map',
  locals: 'map',
  'service-ways': 'map',
  'shortcut-ways': 'map',
  'local-ways': 'map',
  ways: 'map',
  'by-source': 'set',
  'endpoints-tcp': 'map',
  'endpoints-udp': 'map',
  'endpoints-sctp': 'map',
  'local-endpoints-tcp': 'map',
  'local-endpoints-udp': 'map',
  'local-endpoints-sctp': 'map',
  rejected: 'set',
  dropped: 'set',
  firewalled: 'set',
  allowed: 'set',
  'cluster-ips': 'set',
  masqueraded: 'set',
  remember: 'map',
  selves: 'set',
  'pod-ranges': 'set',
  'service-ranges': 'set',
} as const;

export type SetName = keyof typeof SET_KINDS;

/** Ranges of the node: sets of plain intervals. */
export const RANGE_SETS: ReadonlySet<SetName> = new Set(['pod-ranges', 'service-ranges']);

export type EndpointMap = 'endpoints' | 'local-endpoints';

/** A map for each protocol: nft 1.0.6 takes the port in what a map leads to for that of one protocol. */
export function endpointMap<M extends EndpointMap, P extends L4Protocol>(map: M, protocol: P): `${M}-${Lowercase<P>}` {
  return `${map}-${protocol.toLowerCase() as Lowercase<P>}`;
}

/** One for each protocol, for the same reason. */
export function affinityMap(protocol: L4Protocol): string {
  return `affinity-${protocol.toLowerCase()}`;
}

/**
 * Where IPv6 keeps the ports of its memory: an address and a port do not fit into what nft 1.0.6 sets aside for the value
 * of a map that packets write (16 bytes), and it aborts.
 */
export function affinityPortMap(protocol: L4Protocol): string {
  return `affinity-port-${protocol.toLowerCase()}`;
}

/** Maps that packets write, for the clients of a protocol. */
export function affinityMaps(family: Family, protocol: L4Protocol): readonly string[] {
  return family === 'IPv4' ? [affinityMap(protocol)] : [affinityMap(protocol), affinityPortMap(protocol)];
}

/** The same client has the same number after a restart, and on every node: without a seed the kernel draws one. */
export function clientHash({ ip }: Dialect, modulus: number): string {
  return `jhash ${ip} saddr mod ${modulus} seed 0x1`;
}

/** Keys that packets write are of 16 bytes at most, too; of an IPv6 client it is a hash. Who shares it shares its endpoint. */
export function clientKey(dialect: Dialect): string {
  return dialect.ip === 'ip' ? 'ip saddr' : clientHash(dialect, 0xffff_ffff);
}

/** In the order of their rules. */
export const L4_PROTOCOLS: readonly L4Protocol[] = ['TCP', 'UDP', 'SCTP'];

/** A client is forgotten when this many others came later. */
const MOST_CLIENTS = 1_048_576;

/** Chains that are always there, with their rules; `base` chains hang on a hook. */
interface ChainText {
  readonly name: string;
  readonly base?: string;
  readonly rules: readonly string[] | 'by ways.ts';
}

/**
 * Each look into a map sees the transactions made by then. A packet that was led to a table of three slots before one, and
 * looks for its slot after it, where there are two, finds nothing: it is led anew, by maps that belong together. Whoever
 * was translated does not come to the second.
 */
const TRANSLATE = ['jump translate', 'jump translate'];

const PROTOCOLS = 'meta l4proto { tcp, udp, sctp }';

/** What a client asks for, in the words of a rule. */
export function frontKey(ip: Dialect['ip']): string {
  return `${ip} daddr . meta l4proto . th dport`;
}

function chains({ ip }: Dialect): readonly ChainText[] {
  const front = frontKey(ip);
  // Once the destination is an endpoint, the address that the client used is found in the connection.
  const original = `ct original ${ip} daddr . meta l4proto . ct original proto-dst`;
  return [
    { name: LAYOUT_MARK, rules: [] },
    // Before translation, since afterwards the address that was asked for is gone.
    { name: 'guard', rules: [`ct state new ${front} @firewalled ${front} . ${ip} saddr != @allowed drop`] },
    { name: 'guard-prerouting', base: 'filter hook prerouting priority -110', rules: ['jump guard'] },
    { name: 'guard-output', base: 'filter hook output priority -110', rules: ['jump guard'] },
    { name: 'translate', rules: 'by ways.ts' },
    { name: 'translate-prerouting', base: 'nat hook prerouting priority -100', rules: TRANSLATE },
    { name: 'translate-output', base: 'nat hook output priority -100', rules: TRANSLATE },
    { name: 'by-source', rules: 'by ways.ts' },
    // What still has a Service's address here was not translated: nobody may take it.
    { name: 'refuse', rules: ['meta l4proto tcp reject with tcp reset', 'reject'] },
    {
      name: 'unserved',
      rules: [
        `${front} @dropped drop`,
        `${front} @rejected goto refuse`,
        `${ip} daddr @cluster-ips goto refuse`,
        `${ip} daddr @service-ranges drop`,
      ],
    },
    { name: 'unserved-input', base: 'filter hook input priority 0', rules: ['ct state new jump unserved'] },
    { name: 'unserved-forward', base: 'filter hook forward priority 0', rules: ['ct state new jump unserved'] },
    { name: 'unserved-output', base: 'filter hook output priority 0', rules: ['ct state new jump unserved'] },
    { name: 'masquerade-all', rules: ['masquerade fully-random'] },
    { name: 'masquerade-outsiders', rules: [] },
    {
      name: 'masquerade-node',
      rules: [`${ip} saddr @pod-ranges return`, 'fib saddr type local masquerade fully-random'],
    },
    {
      name: 'translated',
      rules: [
        `${PROTOCOLS} ${original} vmap @remember`,
        `${ip} saddr . ${ip} daddr @selves masquerade fully-random`,
        `ct original ${ip} daddr @cluster-ips goto masquerade-outsiders`,
        `${PROTOCOLS} ${original} @masqueraded goto masquerade-all`,
        `${PROTOCOLS} ${original} @by-source goto masquerade-node`,
      ],
    },
    { name: 'leave', base: 'nat hook postrouting priority 100', rules: ['ct status dnat jump translated'] },
    {
      name: 'arrive',
      base: 'nat hook input priority 100',
      rules: [`ct status dnat ${PROTOCOLS} ${original} vmap @remember`],
    },
  ];
}

function sets({ ip, addressType }: Dialect): readonly string[] {
  const front = `${addressType} . inet_proto . inet_service`;
  const verdicts = `type ${front} : verdict;`;
  // `typeof` alone can say that the last part is a number. nft 1.0.6 cannot read back a map that speaks of `th dport`,
  // and rules that come later could not name it.
  const endpoints = (map: EndpointMap, protocol: L4Protocol): string => {
    const port = `${protocol.toLowerCase()} dport`;
    const types = `typeof ${ip} daddr . meta l4proto . ${port} . numgen random mod 2 : ${ip} daddr . ${port};`;
    return `map ${endpointMap(map, protocol)} { ${types} }`;
  };
  const affinity = (protocol: L4Protocol): string[] => {
    // Any number stands for the hash of an IPv6 client: nft 1.0.6 falls over a map that speaks of `jhash` when it lists it.
    const key = `${ip === 'ip' ? 'ip saddr' : 'numgen inc mod 2'} . numgen inc mod 1 offset 1`;
    const port = `${protocol.toLowerCase()} dport`;
    const map = (name: string, value: string): string =>
      `map ${name} { typeof ${key} : ${value}; flags dynamic,timeout; size ${MOST_CLIENTS}; }`;
    return ip === 'ip'
      ? [map(affinityMap(protocol), `ip daddr . ${port}`)]
      : [map(affinityMap(protocol), 'ip6 daddr'), map(affinityPortMap(protocol), port)];
  };
  return [
    `map services { ${verdicts} }`,
    `map shortcuts { ${verdicts} }`,
    `map locals { ${verdicts} }`,
    // Of the types that are numbers, `mark` is one that needs no rule to say it; no packet is marked.
    ...['service-ways', 'shortcut-ways', 'local-ways'].map((map) => `map ${map} { type ${front} : mark; }`),
    // The first number is always 0 (see netlink/rule-bytes.ts).
    'map ways { type mark . mark : verdict; }',
    `set by-source { type ${front}; }`,
    ...L4_PROTOCOLS.flatMap((protocol) => [endpoints('endpoints', protocol), endpoints('local-endpoints', protocol)]),
    `set rejected { type ${front}; }`,
    `set dropped { type ${front}; }`,
    `set firewalled { type ${front}; }`,
    `set allowed { type ${front} . ${addressType}; flags interval; }`,
    `set cluster-ips { type ${addressType}; }`,
    `set masqueraded { type ${front}; }`,
    `map remember { ${verdicts} }`,
    `set selves { type ${addressType} . ${addressType}; }`,
    `set pod-ranges { type ${addressType}; flags interval; }`,
    `set service-ranges { type ${addressType}; flags interval; }`,
    ...L4_PROTOCOLS.flatMap(affinity),
  ];
}

/** Makes the table where it is not there; what is there already stays. */
export function makeTable(family: Family, table: string): string[] {
  const dialect = dialectOf(family);
  const at = `${dialect.ip} ${table}`;
  return [
    `add table ${at}`,
    ...chains(dialect).map(({ name, base }) =>
      base === undefined ? `add chain ${at} ${name}` : `add chain ${at} ${name} { type ${base}; policy accept; }`,
    ),
    ...sets(dialect).map((set) => set.replace(/^(map|set) (\S+)/, `add $1 ${at} $2`)),
  ];
}

/** The rules of the chains that are always there, in place of those that are there now; those of ways.ts stay. */
export function writeRules(family: Family, table: string, outsiders: 'all' | 'strangers' | 'nobody'): string[] {
  const dialect = dialectOf(family);
  const { ip } = dialect;
  const masquerade = {
    all: ['masquerade fully-random'],
    strangers: [`${ip} saddr != @pod-ranges masquerade fully-random`],
    nobody: [],
  };
  return chains(dialect).flatMap(({ name, rules }) =>
    rules === 'by ways.ts'
      ? []
      : rewriteChain(family, table, name, name === 'masquerade-outsiders' ? masquerade[outsiders] : rules),
  );
}

export function rewriteChain(family: Family, table: string, chain: string, rules: readonly string[]): string[] {
  const at = `${dialectOf(family).ip} ${table} ${chain}`;
  return [`flush chain ${at}`, ...rules.map((rule) => `add rule ${at} ${rule}`)];
}

/** Names of the chains that are always there, the mark of this layout among them. */
export function fixedChains(family: Family): readonly string[] {
  return chains(dialectOf(family)).map(({ name }) => name);
}
