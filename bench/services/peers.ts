// The same Services in the layouts that others have: one anonymous map for each in nftables, a few chains in iptables.
// Text for `nft -f` and `iptables-restore`; in kube-proxy's way, written anew.
import { clusterIp, podIp } from './cluster.ts';

/** A verdict map of all Services, which leads to a chain with an anonymous map of endpoints for each. */
export function nftPerService(count: number): string {
  const lines = ['table ip peer {', 'map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }'];
  for (let at = 0; at < count; at++) {
    const targets = [0, 1].map((slot) => `${slot} : ${podIp(2 * at + slot)} . 8080`).join(', ');
    lines.push(`chain service-${at} {`, `meta l4proto tcp dnat ip to numgen random mod 2 map { ${targets} }`, '}');
  }
  const hook = (name: string): string =>
    `chain ${name} { type nat hook ${name} priority -100; ip daddr . meta l4proto . th dport vmap @service-ips; }`;
  lines.push(hook('prerouting'), hook('output'), '}');
  for (let at = 0; at < count; at++) {
    lines.push(`add element ip peer service-ips { ${clusterIp(at)} . tcp . 80 : goto service-${at} }`);
  }
  return `${lines.join('\n')}\n`;
}

/** A rule for each Service in one chain, a chain for each Service and for each endpoint. */
export function iptablesPerService(count: number): string {
  const chains: string[] = [':SERVICES - [0:0]'];
  const rules: string[] = ['-A PREROUTING -j SERVICES', '-A OUTPUT -j SERVICES'];
  for (let at = 0; at < count; at++) {
    chains.push(`:SVC-${at} - [0:0]`);
    rules.push(`-A SERVICES -d ${clusterIp(at)}/32 -p tcp -m tcp --dport 80 -j SVC-${at}`);
    for (const slot of [0, 1]) {
      chains.push(`:SEP-${at}-${slot} - [0:0]`);
      const chance = slot === 0 ? '-m statistic --mode random --probability 0.5 ' : '';
      rules.push(`-A SVC-${at} ${chance}-j SEP-${at}-${slot}`);
      rules.push(`-A SEP-${at}-${slot} -p tcp -m tcp -j DNAT --to-destination ${podIp(2 * at + slot)}:8080`);
    }
  }
  return ['*nat', ...chains, ...rules, 'COMMIT', ''].join('\n');
}

/**
 * One Service more, as kube-proxy tells of it (`MinimizeIPTablesRestore`): the chains of that one, and the chain that
 * leads to all of them anew. For `iptables-restore --noflush`, after a load of `count`.
 */
export function iptablesOneMore(count: number): string {
  const lines = iptablesPerService(count + 1).split('\n');
  const own = new RegExp(`^(:|-A )(SVC|SEP)-${count}[ -]`);
  return ['*nat', ...lines.filter((line) => own.test(line) || /^(:|-A )SERVICES /.test(line)), 'COMMIT', ''].join('\n');
}
