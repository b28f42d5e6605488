// Who is compared: every policy of ours that spreads load, and what nginx and HAProxy have for it.
// Knows how each policy is called; nothing of fleets.

import { isDeepStrictEqual } from 'node:util';
import { policies } from '#traffic/balancer/index.ts';
import { defaultPolicy } from '#traffic/model/cluster-defaults.ts';
import type { BalancingPolicy } from '#traffic/model/ir.ts';
import type { Backend, Setup } from '../lib/contestants/contestant.ts';
import type { Entry } from '../lib/contestants/index.ts';

/** What a cluster is given when nobody says otherwise is marked. */
function isDefault(policy: BalancingPolicy): boolean {
  return isDeepStrictEqual(policy, defaultPolicy);
}

/** Ours by the name in the table; hashing policies are not about load. */
const ours: readonly (readonly [string, BalancingPolicy])[] = [
  ['round_robin', { type: 'round_robin' }],
  ['random', { type: 'random' }],
  ['least_request', { type: 'least_request', choices: 2 }],
  ['least_request full', { type: 'least_request', choices: 0 }],
  ['peak_ewma', { type: 'peak_ewma' }],
  ['prequal', { type: 'prequal' }],
];

const peers = [
  ['nginx round robin', 'nginx', 'round_robin'],
  ['nginx least_conn', 'nginx', 'least_conn'],
  ['nginx random two', 'nginx', 'random two least_conn'],
  ['haproxy roundrobin', 'haproxy', 'roundrobin'],
  ['haproxy leastconn', 'haproxy', 'leastconn'],
  ['haproxy random(2)', 'haproxy', 'random(2)'],
] as const;

export function balancingEntries(backends: readonly Backend[], ejection: boolean): Entry[] {
  const known = ours.filter(([, policy]) => Object.hasOwn(policies, policy.type));
  const plain: Entry[] = [
    ...known.map(([name, policy]) =>
      entry(isDefault(policy) ? `${name} (default)` : name, 'evenkeel', { backends, balance: { evenkeel: policy } }),
    ),
    ...peers.map(([name, proxy, word]) => entry(name, proxy, { backends, balance: { [proxy]: word } })),
  ];
  if (!ejection) return plain;
  const ejecting: Entry[] = [
    ...known
      .filter(([name]) => name === 'least_request' || name === 'peak_ewma')
      .map(([name, policy]) =>
        entry(`${name} +ejection`, 'evenkeel', { backends, balance: { evenkeel: policy }, eject: true }),
      ),
    entry('nginx least_conn +max_fails', 'nginx', { backends, eject: true }),
    entry('haproxy leastconn +observe', 'haproxy', { backends, eject: true }),
  ];
  return [...plain, ...ejecting];
}

function entry(name: string, proxy: Entry['proxy'], setup: Setup): Entry {
  return { name, proxy, setup };
}
