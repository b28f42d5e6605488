// The steps by which the fabric, its nodes and the machine's way into it are made and removed, as text for a shell.
// Pure: from a plan to scripts; every step of a removal is harmless where there is nothing.
import { egressSettings, makeEgressScript, removeEgressScript } from './egress.ts';
import { type HeldSetting, holdScript, releaseScript } from './held-settings.ts';
import type { FabricPlan, PlannedNode } from './plan.ts';

/** Above every route that leads somewhere: a packet finds it when nothing else is left, and goes no further. */
export const BLACKHOLE_METRIC = 4_000_000;
const BRIDGE = 'fabric';
/** The end of each veth within its namespace. */
export const NODE_LINK = 'eth0';

export function fabricNetns({ owner }: Pick<FabricPlan, 'owner'>): string {
  return `${owner}-fabric`;
}

export function nodeNetns({ owner }: Pick<FabricPlan, 'owner'>, node: string): string {
  return `${owner}-${node}`;
}

/** On the machine: 15 characters are the most that a name may have. */
export function machineLink({ owner }: Pick<FabricPlan, 'owner'>): string {
  return owner.slice(0, 15);
}

function isV6(address: string): boolean {
  return address.includes(':');
}

function nodad(address: string): string {
  return isV6(address) ? ' nodad' : '';
}

/** No address of its own, and so no router advertisements or neighbours: it only joins links. */
const NO_IPV6 = 'if [ -e /proc/sys/net/ipv6/conf ]; then echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; fi';
const NO_ADVERTISEMENTS = `if [ -e /proc/sys/net/ipv6/conf ]; then
  for name in all default; do
    echo 0 > /proc/sys/net/ipv6/conf/$name/accept_ra
    echo 0 > /proc/sys/net/ipv6/conf/$name/accept_dad
  done
fi`;

/** What a route says is local may be bound to: in IPv4 always, in IPv6 with this setting only. */
const NONLOCAL_BIND: HeldSetting = { path: 'ipv6/ip_nonlocal_bind', value: '1' };

/** What the machine itself has to be set to, which other clusters on it may need as well. */
function settingsOf(plan: FabricPlan): HeldSetting[] {
  return [...(plan.resolvers?.some(isV6) === true ? [NONLOCAL_BIND] : []), ...egressSettings(plan)];
}

/** Ranges of addresses that the machine answers for itself. */
function ownOf({ resolvers = [] }: FabricPlan): string[] {
  return resolvers.map((address) => `${address}/${isV6(address) ? 128 : 32}`);
}

function servicesOf({ serviceCidrs, moreServiceCidrs = [] }: FabricPlan): string[] {
  return [...serviceCidrs, ...moreServiceCidrs];
}

/** Ranges to which a node leads the machine (`leadScript`): nothing on the machine itself serves them. */
export function ledRanges(plan: FabricPlan): string[] {
  return [...servicesOf(plan), ...(plan.announced === true ? [] : (plan.balancerCidrs ?? []))];
}

/** Ranges whose addresses are asked for on the fabric, as `link` reaches it. */
function askedOn({ balancerCidrs = [] }: FabricPlan, link: string): string[] {
  return balancerCidrs.map((cidr) => `route add ${cidr} dev ${link}`);
}

/** Every range of the cluster: none of them may lead anywhere else. */
function coveredBy(plan: FabricPlan): string[] {
  const { fabricCidrs, podCidrs, balancerCidrs = [] } = plan;
  return [...fabricCidrs, ...podCidrs, ...servicesOf(plan), ...balancerCidrs];
}

/** The bridge, and the machine's link to it with its routes. Fails where a route is there already. */
export function makeFabricScript(plan: FabricPlan): string {
  const netns = fabricNetns(plan);
  const link = machineLink(plan);
  const covered = coveredBy(plan);
  return `
ip netns add ${netns}
nsenter --net=/run/netns/${netns} sh -es <<'END'
${NO_IPV6}
ip link add ${BRIDGE} type bridge forward_delay 0 mcast_snooping 0
ip link set ${BRIDGE} up
ip link set lo up
END
ip -batch - <<'END'
${covered.map((cidr) => `route add blackhole ${cidr} metric ${BLACKHOLE_METRIC}`).join('\n')}
link add ${link} type veth peer name machine netns ${netns}
END
if [ -e /proc/sys/net/ipv6/conf/${link} ]; then echo 0 > /proc/sys/net/ipv6/conf/${link}/accept_ra; fi
${settingsOf(plan)
  .map((setting) => holdScript(setting, link))
  .join('')}
ip -n ${netns} link set machine master ${BRIDGE} up
ip -batch - <<'END'
link set ${link} up
${plan.machine.map((address, at) => `addr add ${address}/${plan.prefixes[at]} dev ${link}${nodad(address)}`).join('\n')}
${ownOf(plan)
  .map((cidr) => `route add local ${cidr} dev lo`)
  .join('\n')}
${plan.announced === true ? askedOn(plan, link).join('\n') : ''}
${plan.nodes.flatMap((node) => nodeRoutes(node)).join('\n')}
END
${makeEgressScript(plan, link)}
`;
}

/** To the pods of a node, by way of it. */
function nodeRoutes(node: PlannedNode): string[] {
  return node.podCidrs.map((cidr, at) => `route add ${cidr} via ${node.addresses[at]}`);
}

/** A node's namespace, its link to the fabric, and its routes to everywhere that it may reach. */
export function makeNodeScript(plan: FabricPlan, node: PlannedNode): string {
  const netns = nodeNetns(plan, node.name);
  const fabric = fabricNetns(plan);
  const others = plan.nodes.filter(({ name }) => name !== node.name);
  return `
ip netns add ${netns}
nsenter --net=/run/netns/${netns} sh -es <<'END'
${NO_ADVERTISEMENTS}
echo 1 > /proc/sys/net/ipv4/ip_forward
if [ -e /proc/sys/net/ipv6/conf ]; then echo 1 > /proc/sys/net/ipv6/conf/all/forwarding; fi
ip link set lo up
END
ip -n ${netns} link add ${NODE_LINK} type veth peer name ${node.name} netns ${fabric}
ip -n ${fabric} link set ${node.name} master ${BRIDGE} up
ip -n ${netns} -batch - <<'END'
link set ${NODE_LINK} up
${node.addresses.map((address, at) => `addr add ${address}/${plan.prefixes[at]} dev ${NODE_LINK}${nodad(address)}`).join('\n')}
${others.flatMap((other) => nodeRoutes(other)).join('\n')}
${servicesOf(plan)
  .map((cidr) => `route add ${viaMachine(plan, cidr)}`)
  .join('\n')}
${askedOn(plan, NODE_LINK).join('\n')}
${plan.machine.flatMap((address) => defaultRoute(plan, address)).join('\n')}
${node.addresses.map((address) => `route add unreachable ${isV6(address) ? '::/0' : '0.0.0.0/0'} metric 4096`).join('\n')}
END
`;
}

/** On a node: what no rule of its own leads elsewhere goes on to the machine, which has the name server. */
function viaMachine({ machine }: FabricPlan, cidr: string): string {
  return `${cidr} via ${machine[isV6(cidr) ? 1 : 0]}`;
}

/** From now on the machine comes to these ranges by this node, as any client from outside would. */
export function leadScript({ machine }: FabricPlan, { addresses }: PlannedNode, ranges: readonly string[]): string {
  const routes = ranges.map((cidr) => {
    const at = isV6(cidr) ? 1 : 0;
    return `route replace ${cidr} via ${addresses[at]} src ${machine[at]}`;
  });
  return `
ip -batch - <<'END'
${routes.join('\n')}
END
`;
}

/** Nobody leads there any more: what stands behind the ranges refuses. */
export function leadNowhereScript(plan: FabricPlan, ranges: readonly string[]): string {
  return `
ip -force -batch - >/dev/null 2>&1 <<'END' || true
${ranges.map((cidr) => `route delete ${cidr} dev ${machineLink(plan)}`).join('\n')}
END
`;
}

/** One range of Services more or less, on the machine and on every node that there is. */
export function serviceRangeScript(plan: FabricPlan, cidr: string, change: 'add' | 'delete'): string {
  const quiet = change === 'add' ? '' : ' 2>/dev/null || true';
  const word = change === 'add' ? 'replace' : 'delete';
  return `
ip route ${word} blackhole ${cidr} metric ${BLACKHOLE_METRIC}${quiet}
for path in ${plan.nodes.map(({ name }) => `/run/netns/${nodeNetns(plan, name)}`).join(' ')}; do
  [ ! -e "$path" ] || ip -n "\${path##*/}" route ${word} ${viaMachine(plan, cidr)} 2>/dev/null || true
done
`;
}

/** Ahead of "unreachable", for what is given a way out. */
function defaultRoute({ egress = [] }: FabricPlan, machine: string): string[] {
  const family = isV6(machine) ? 6 : 4;
  return egress.includes(family) ? [`route add ${family === 6 ? '::/0' : '0.0.0.0/0'} via ${machine}`] : [];
}

/** One address more on the machine's link: it goes with the link, whatever becomes of this process. */
export function holdAddressScript(plan: FabricPlan, address: string): string {
  return `
ip addr replace ${address}/${isV6(address) ? 128 : 32} dev ${machineLink(plan)}${nodad(address)}
`;
}

export function dropAddressScript(plan: FabricPlan, address: string): string {
  return `
ip addr delete ${address}/${isV6(address) ? 128 : 32} dev ${machineLink(plan)} 2>/dev/null || true
`;
}

/** Power loss, seen from the network: whatever the node still had to say is said to nobody. */
export function cutNodeScript(plan: Pick<FabricPlan, 'owner'>, node: string): string {
  return `
ip -n ${fabricNetns(plan)} link delete ${node} 2>/dev/null || true
`;
}

/** All namespaces of the node, those of its pods included; nothing must run in them any more. */
export function removeNodeScript(plan: Pick<FabricPlan, 'owner'>, node: string): string {
  const netns = nodeNetns(plan, node);
  return `
${cutNodeScript(plan, node)}
for path in /run/netns/${netns} /run/netns/${netns}.*; do
  [ ! -e "$path" ] || ip netns delete "\${path##*/}"
done
`;
}

/** Everything whose name says that it is this cluster's, and the routes of the plan. */
export function removeFabricScript(plan: FabricPlan): string {
  const link = machineLink(plan);
  const covered = coveredBy(plan);
  return `
if ip link show dev ${link} >/dev/null 2>&1; then ip link delete dev ${link}; fi
${removeEgressScript(plan)}${settingsOf(plan)
  .map((setting) => releaseScript(setting, link))
  .join('')}
ip -force -batch - >/dev/null 2>&1 <<'END' || true
${ownOf(plan)
  .map((cidr) => `route delete local ${cidr} dev lo`)
  .join('\n')}
${covered.map((cidr) => `route delete blackhole ${cidr} metric ${BLACKHOLE_METRIC}`).join('\n')}
END
for path in /run/netns/${plan.owner}-*; do
  [ ! -e "$path" ] || ip netns delete "\${path##*/}"
done
`;
}
