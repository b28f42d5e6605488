// Makes the network namespaces of the lab and joins them, and takes them away again.
// Knows addresses and routes; sends nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { eventually } from '#test/support/eventually.ts';
import { addressOf, worldRanges } from './lab-layout.ts';

const NETNS = '/run/netns';

export function netnsPath(id: string, name: string): string {
  return `${NETNS}/${id}-${name}`;
}

/** A script in a namespace (the machine's, where none is said); what it printed. */
export function sh(script: string, netns?: string): string {
  const enter = netns === undefined ? [] : ['nsenter', `--net=${netns}`, '--'];
  const [program = '', ...args] = [...enter, 'sh', '-ec', script];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`Script failed: ${script}\n${stderr}`);
  return stdout;
}

/**
 * Nobody looks for duplicate addresses or filters by reverse path; whoever forwards says "unreachable" as often as it
 * is asked to, for a test counts answers.
 */
const SETTINGS = [
  'ipv4/ip_forward=1',
  'ipv6/conf/all/forwarding=1',
  'ipv6/conf/default/accept_dad=0',
  'ipv6/conf/all/accept_dad=0',
  'ipv4/conf/all/rp_filter=0',
  'ipv4/conf/default/rp_filter=0',
  'ipv4/conf/all/send_redirects=0',
  'ipv4/conf/default/send_redirects=0',
  'ipv4/ip_nonlocal_bind=1',
  'ipv6/ip_nonlocal_bind=1',
  'ipv4/icmp_ratemask=0',
  'ipv6/icmp/ratelimit=0',
  'core/somaxconn=4096',
];

const NAMES = ['n1', 'n2', 'p1', 'p2', 'p3', 'outside', 'world'];

export function makeNamespaces(id: string): void {
  const v4 = 'IPv4';
  const v6 = 'IPv6';
  const lines: string[] = [];
  for (const name of NAMES) {
    const writes = SETTINGS.map((setting) => setting.split('=')).map(
      ([path, value]) => `echo ${value} > /proc/sys/net/${path}`,
    );
    lines.push(`ip netns add ${id}-${name}`);
    lines.push(`nsenter --net=${netnsPath(id, name)} -- sh -ec '${writes.join('; ')}'`);
  }
  const links: [string, string, string, string][] = [
    ['n1', 'v-p1', 'p1', 'eth0'],
    ['n1', 'v-p2', 'p2', 'eth0'],
    ['n1', 'fabric', 'n2', 'fabric'],
    ['n1', 'uplink', 'outside', 'eth0'],
    ['n1', 'world', 'world', 'eth0'],
    ['n2', 'v-p3', 'p3', 'eth0'],
  ];
  for (const [a, aLink, b, bLink] of links) {
    lines.push(`ip -n ${id}-${a} link add ${aLink} type veth peer name ${bLink} netns ${id}-${b}`);
  }
  const batches = new Map<string, string[]>(NAMES.map((name) => [name, ['link set lo up']]));
  const on = (name: string, ...commands: string[]): void => {
    batches.get(name)?.push(...commands);
  };
  for (const [a, aLink, b, bLink] of links) {
    on(a, `link set ${aLink} up`);
    on(b, `link set ${bLink} up`);
  }
  const addr = (name: string, link: string, address: string): void =>
    on(name, `addr add ${address} dev ${link}${address.includes(':') ? ' nodad' : ''}`);

  // Pods have an address each and a route to it: two of one node reach each other by the node alone, as with a bridge
  // whose traffic passes the node's rules.
  const pod = (node: string, name: string, gateway: Readonly<Record<'IPv4' | 'IPv6', string>>): void => {
    const { IPv4, IPv6 } = addressOf[name as 'p1'];
    addr(name, 'eth0', `${IPv4}/32`);
    addr(name, 'eth0', `${IPv6}/128`);
    on(name, `route add ${gateway[v4]} dev eth0`, `route add default via ${gateway[v4]}`);
    on(name, `-6 route add ${gateway[v6]} dev eth0`, `-6 route add default via ${gateway[v6]}`);
    addr(node, `v-${name}`, `${gateway[v4]}/32`);
    addr(node, `v-${name}`, `${gateway[v6]}/128`);
    on(node, `route add ${IPv4} dev v-${name}`, `-6 route add ${IPv6} dev v-${name}`);
  };
  pod('n1', 'p1', addressOf.n1Pods);
  pod('n1', 'p2', addressOf.n1Pods);
  pod('n2', 'p3', { IPv4: '10.244.1.1', IPv6: 'fd00:10:244:1::1' });

  addr('n1', 'fabric', `${addressOf.n1[v4]}/24`);
  addr('n1', 'fabric', `${addressOf.n1[v6]}/64`);
  addr('n2', 'fabric', '192.0.2.2/24');
  addr('n2', 'fabric', '2001:db8:1::2/64');
  on('n1', 'route add 10.244.1.0/24 via 192.0.2.2', '-6 route add fd00:10:244:1::/64 via 2001:db8:1::2');
  on('n2', `route add default via ${addressOf.n1[v4]}`, `-6 route add default via ${addressOf.n1[v6]}`);

  addr('n1', 'uplink', `${addressOf.n1Uplink[v4]}/30`);
  addr('n1', 'uplink', `${addressOf.n1Uplink[v6]}/64`);
  addr('outside', 'eth0', '198.18.0.2/30');
  addr('outside', 'eth0', '2001:db8:2::2/64');
  on(
    'outside',
    `route add default via ${addressOf.n1Uplink[v4]}`,
    `-6 route add default via ${addressOf.n1Uplink[v6]}`,
  );
  on('outside', 'route add local 198.51.100.0/24 dev lo', '-6 route add local 2001:db8:9::/64 dev lo');
  on('n1', 'route add 198.51.100.0/24 via 198.18.0.2', '-6 route add 2001:db8:9::/64 via 2001:db8:2::2');

  addr('n1', 'world', '198.18.1.1/30');
  addr('n1', 'world', '2001:db8:3::1/64');
  addr('world', 'eth0', `${addressOf.world[v4]}/30`);
  addr('world', 'eth0', `${addressOf.world[v6]}/64`);
  on('world', 'route add default via 198.18.1.1', '-6 route add default via 2001:db8:3::1');
  for (const range of worldRanges) on('world', `${range.includes(':') ? '-6 ' : ''}route add local ${range} dev lo`);
  on('n1', `route add default via ${addressOf.world[v4]} src ${addressOf.n1[v4]}`);
  on('n1', `-6 route add default via ${addressOf.world[v6]} src ${addressOf.n1[v6]}`);

  for (const [name, commands] of batches) {
    for (const command of commands) lines.push(`ip -n ${id}-${name} ${command}`);
  }
  sh(lines.join('\n'));
}

/** What labs of processes left that were killed; those of others that live are let be. */
export function sweepNamespaces(prefix: string): void {
  if (!existsSync(NETNS)) return;
  for (const name of readdirSync(NETNS)) {
    const pid = name.startsWith(prefix) ? /^-(\d+)-/.exec(name.slice(prefix.length))?.[1] : undefined;
    // Another lab may do the same at this moment.
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) sh(`ip netns delete '${name}' 2>/dev/null || true`);
  }
}

export async function removeNamespaces(id: string): Promise<void> {
  await eventually('the namespaces of the test are gone', () => {
    for (const name of readdirSync(NETNS)) if (name.startsWith(`${id}-`)) sh(`ip netns delete '${name}'`);
  });
}
