// Words for why no pool has an address for a Service: each names the pools and what to change.
// Pure; knows pools and a claim, and nobody's addresses.

import type { Family } from '#lib/address-range.ts';
import { capacity, hasFamily, type Pool } from '#traffic/model/pools/pool.ts';
import { type Claim, familyName } from './claim.ts';
import { type Refusal, refusal } from './refusal.ts';

/** More would make a message that nobody reads to its end. */
const NAMED = 5;

export function noPoolNamed(name: string, pools: readonly Pool[]): Refusal {
  return refusal('PoolNotFound', `The Service asks for pool "${name}", and there is none; there are ${list(pools)}`);
}

export function noEligiblePool(pools: readonly Pool[], { namespace }: Claim): Refusal {
  const closed = pools.filter(({ autoAssign }) => !autoAssign);
  const meant = pools.filter(({ autoAssign }) => autoAssign);
  const parts = [
    ...(closed.length === 0 ? [] : [`${list(closed)} only for Services that ask (autoAssign: false)`]),
    ...(meant.length === 0 ? [] : [`${list(meant)} for other namespaces or labels`]),
  ];
  const remedy = 'ask for one with the annotation evenkeel.dev/address-pool, or change its allocation';
  return refusal(
    'NoEligiblePool',
    `No pool is for a Service of namespace "${namespace}" like this one: ${parts.join('; ')}; ${remedy}`,
  );
}

/** Of these pools, tried in vain for the missing families. */
export function exhausted(pools: readonly Pool[], missing: readonly Family[], needsAll: boolean): Refusal {
  const [family = 4] = missing.filter((each) => !pools.some((pool) => hasFamily(pool, each)));
  const less = needsAll ? ', or choose ipFamilyPolicy PreferDualStack' : '';
  if (missing.some((each) => !pools.some((pool) => hasFamily(pool, each)))) {
    const message = `${list(pools)}: no ${familyName(family)} range is there; add one to a pool${less}`;
    return refusal('NoPoolOfFamily', message);
  }
  const counts = missing.map((each) => {
    const total = pools.reduce((sum, pool) => sum + capacity(pool, each), 0n);
    return `${total} of ${total} ${familyName(each)}`;
  });
  const message = `All addresses are given out (${counts.join(', ')}) of ${list(pools)}; add a range, delete a Service, or let Services share an address (evenkeel.dev/allow-shared-ip)${less}`;
  return refusal('PoolExhausted', message);
}

function list(pools: readonly Pool[]): string {
  const names = [...new Set(pools.map(({ name }) => `"${name}"`))];
  const shown = names.slice(0, NAMED).join(', ');
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `pool${names.length === 1 ? '' : 's'} ${shown}${more}`;
}
