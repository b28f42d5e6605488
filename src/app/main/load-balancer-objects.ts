// What an embedded cluster has for LoadBalancer Services: the definitions of pools and their like, and a pool to begin with.
// Knows names and ranges; who gets which address is the controller's matter.
import { loadBalancerDefinitions, loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import type { AddressPool } from '#kube/api/load-balancer/types.ts';
import type { Client } from '#kube/client/client.ts';
import type { Clock } from '#lib/clock.ts';
import { poolAddresses } from '../nodes/fabric/balancer.ts';
import { ensureDefinition, ensureServed } from './custom-objects.ts';

const POOLS = loadBalancerResource('AddressPool');
/** A pool with this label holds what the network of the cluster has; whoever takes it off has the pool for themselves. */
const OURS = { 'app.kubernetes.io/managed-by': 'evenkeel-up' };

export async function ensureLoadBalancerObjects(client: Client, cidrs: readonly string[], clock: Clock): Promise<void> {
  await Promise.all(loadBalancerDefinitions.map((definition) => ensureDefinition(client, definition)));
  if (cidrs.length === 0) return;
  const addresses = cidrs.map(poolAddresses);
  const pool: AddressPool = {
    apiVersion: 'evenkeel.dev/v1alpha1',
    kind: 'AddressPool',
    metadata: { name: 'default', labels: OURS },
    spec: { addresses, avoidBuggyIPs: true },
  };
  if (await ensureServed(client, POOLS, pool, clock)) return;
  const there = await client.get<AddressPool>(POOLS, 'default');
  const same = JSON.stringify(there.spec?.addresses) === JSON.stringify(addresses);
  const [[label, value]] = Object.entries(OURS) as [[string, string]];
  if (same || there.metadata?.labels?.[label] !== value) return;
  await client.patch(POOLS, 'default', undefined, 'merge', { spec: { addresses } });
}
