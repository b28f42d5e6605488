// What an embedded cluster has for LoadBalancer Services: the definitions of pools and their like, and a pool to begin with.
// Knows names and ranges; who gets which address is the controller's matter.
import { type Definition, loadBalancerDefinitions, loadBalancerResource } from '#kube/api/load-balancer/resources.ts';
import type { AddressPool } from '#kube/api/load-balancer/types.ts';
import { builtin } from '#kube/api/resources.ts';
import { isStatus } from '#kube/api/status.ts';
import type { Client } from '#kube/client/client.ts';
import { delay } from '#lib/backoff.ts';
import type { Clock } from '#lib/clock.ts';
import { poolAddresses } from '../nodes/fabric/balancer.ts';
import { ensure } from './builtin-objects.ts';

const CRDS = builtin('CustomResourceDefinition');
const POOLS = loadBalancerResource('AddressPool');
/** A pool with this label holds what the network of the cluster has; whoever takes it off has the pool for themselves. */
const OURS = { 'app.kubernetes.io/managed-by': 'evenkeel-up' };
/** A definition is served within moments. */
const ATTEMPTS = 50;
const PAUSE_MS = 20;

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
  if (await ensureServed(client, pool, clock)) return;
  const there = await client.get<AddressPool>(POOLS, 'default');
  const same = JSON.stringify(there.spec?.addresses) === JSON.stringify(addresses);
  const [[label, value]] = Object.entries(OURS) as [[string, string]];
  if (same || there.metadata?.labels?.[label] !== value) return;
  await client.patch(POOLS, 'default', undefined, 'merge', { spec: { addresses } });
}

/** Ours is always that of this version; of another project's group, what a user has brought stays. */
async function ensureDefinition(client: Client, definition: Definition): Promise<void> {
  if (await ensure(client, CRDS, definition)) return;
  if (definition.spec.group !== POOLS.group) return;
  await client.patch(CRDS, definition.metadata?.name ?? '', undefined, 'merge', { spec: definition.spec });
}

async function ensureServed(client: Client, pool: AddressPool, clock: Clock): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ensure(client, POOLS, pool);
    } catch (error) {
      if (!isStatus(error, 404) || attempt === ATTEMPTS) throw error;
      await delay(clock, PAUSE_MS);
    }
  }
}
