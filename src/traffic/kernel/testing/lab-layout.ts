// Who is where in the lab of layer-4 drivers: places, addresses, and the ports on which they answer.
// Plain facts, the same for the script that makes the namespaces and for the tests that ask what should happen.
import { type Family, inAnyOf } from '#lib/ip.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import { nodeFacts } from '#traffic/snapshot/rules/testing.ts';

/**
 * A star around the node under test, n1, so that every answer comes back by it and shows its source as the endpoint
 * saw it. p1 and p2 are its pods, p3 is one of n2; `outside` is a client, `world` whatever else there is.
 */
export type Place = 'n1' | 'p1' | 'p2' | 'p3' | 'outside' | 'world';

export const places: readonly Place[] = ['n1', 'p1', 'p2', 'p3', 'outside', 'world'];
export const families: readonly Family[] = ['IPv4', 'IPv6'];

type PerFamily = Readonly<Record<Family, string>>;

export const addressOf: Readonly<Record<Place | 'n1Pods' | 'n1Uplink', PerFamily>> = {
  n1: { IPv4: '192.0.2.1', IPv6: '2001:db8:1::1' },
  /** The gateway of its pods: an address of the node out of the range of pods. */
  n1Pods: { IPv4: '10.244.0.1', IPv6: 'fd00:10:244::1' },
  /** An address of the node on which no node port is served. */
  n1Uplink: { IPv4: '198.18.0.1', IPv6: '2001:db8:2::1' },
  p1: { IPv4: '10.244.0.2', IPv6: 'fd00:10:244::2' },
  p2: { IPv4: '10.244.0.3', IPv6: 'fd00:10:244::3' },
  p3: { IPv4: '10.244.1.2', IPv6: 'fd00:10:244:1::2' },
  outside: { IPv4: '198.51.100.7', IPv6: '2001:db8:9::7' },
  world: { IPv4: '198.18.1.2', IPv6: '2001:db8:3::2' },
};

/** `outside` may take any address of this range: as many clients as a test wants. */
export function outsideClient(family: Family, number: number): string {
  return family === 'IPv4' ? `198.51.100.${number}` : `2001:db8:9::${number.toString(16)}`;
}

/** Out of the Service range. */
export function clusterIP(family: Family, number: number): string {
  return family === 'IPv4' ? `10.96.0.${number}` : `fd00:10:96::${number.toString(16)}`;
}

/** For load balancers and external IPs; `world` has those that no Service has. */
export function externalIP(family: Family, number: number): string {
  return family === 'IPv4' ? `203.0.113.${number}` : `2001:db8:e::${number.toString(16)}`;
}

/** What `world` answers on for every address that is routed to it. */
export const worldRanges: readonly string[] = ['203.0.113.0/24', '2001:db8:e::/64', '10.96.0.0/16', 'fd00:10:96::/112'];
/** The one address of `world` on which it answers datagrams. */
export const worldAddress: PerFamily = { IPv4: externalIP('IPv4', 99), IPv6: externalIP('IPv6', 99) };

/** Ports on which pods answer, TCP and UDP. */
export const podPorts: readonly number[] = [8080, 8081, 8082, 8083, 8084];
/** Of a server in the node's own network. */
export const hostPort = 9090;
export const worldPorts: readonly number[] = [80, 81];

export const n1Addresses: readonly string[] = families.flatMap((family) => [
  addressOf.n1[family],
  addressOf.n1Pods[family],
  addressOf.n1Uplink[family],
]);

/** The node under test, as its driver is told. */
export function labNode(facts: Partial<NodeFacts> = {}): NodeFacts {
  return nodeFacts({ addresses: n1Addresses, nodePortAddresses: families.map((one) => addressOf.n1[one]), ...facts });
}

/** Who answers where nothing is changed on the way; undefined: nobody, so that the machine there refuses. */
export function answererOf(address: string, port: number, protocol: L4Protocol): string | undefined {
  for (const place of ['p1', 'p2', 'p3'] as const) {
    if (Object.values(addressOf[place]).includes(address)) return podPorts.includes(port) ? place : undefined;
  }
  if (Object.values(addressOf.n1).includes(address)) return port === hostPort ? 'n1' : undefined;
  const answers = protocol === 'TCP' ? inAnyOf(worldRanges)(address) : Object.values(worldAddress).includes(address);
  return answers && worldPorts.includes(port) ? 'world' : undefined;
}
