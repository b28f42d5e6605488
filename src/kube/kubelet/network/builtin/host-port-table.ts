// The table of nftables by which ports of the node lead to pods: fixed rules over maps that pods come into and go from.
// Pure: text for `nft -f`; which ports there are is not its matter.

/** Makes the table or brings its rules up to date, in one transaction; the maps keep what is in them. */
export function hostPortTable(table: string): string {
  const add = (what: string): string => `add ${what.replace('T', `inet ${table}`)}`;
  const port = 'inet_proto . inet_service';
  const chains = ['ports', 'prerouting', 'output', 'postrouting'];
  return [
    `add table inet ${table}`,
    add(`map T any4 { type ${port} : ipv4_addr . inet_service; }`),
    add(`map T any6 { type ${port} : ipv6_addr . inet_service; }`),
    add(`map T one4 { type ipv4_addr . ${port} : ipv4_addr . inet_service; }`),
    add(`map T one6 { type ipv6_addr . ${port} : ipv6_addr . inet_service; }`),
    add('set T self4 { type ipv4_addr . ipv4_addr; }'),
    add('set T self6 { type ipv6_addr . ipv6_addr; }'),
    add('chain T ports'),
    add('chain T prerouting { type nat hook prerouting priority -100; }'),
    // Programs of the node itself.
    add('chain T output { type nat hook output priority -100; }'),
    add('chain T postrouting { type nat hook postrouting priority 100; }'),
    ...chains.map((chain) => `flush chain inet ${table} ${chain}`),
    // A port of one address goes before the same port of every address.
    add('rule T ports dnat ip to ip daddr . meta l4proto . th dport map @one4'),
    add('rule T ports dnat ip6 to ip6 daddr . meta l4proto . th dport map @one6'),
    add('rule T ports meta nfproto ipv4 dnat ip to meta l4proto . th dport map @any4'),
    add('rule T ports meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @any6'),
    add('rule T prerouting meta l4proto { tcp, udp, sctp } fib daddr type local jump ports'),
    add('rule T output meta l4proto { tcp, udp, sctp } fib daddr type local jump ports'),
    add('rule T postrouting ct status dnat ip saddr . ip daddr @self4 masquerade'),
    add('rule T postrouting ct status dnat ip6 saddr . ip6 daddr @self6 masquerade'),
    // The node's loopback address means nothing to a pod.
    add('rule T postrouting ct status dnat ip saddr 127.0.0.0/8 masquerade'),
    '',
  ].join('\n');
}
