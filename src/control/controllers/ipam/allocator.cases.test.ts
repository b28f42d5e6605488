// What Services get, case by case, each in its turn: pools, wishes, families, and sharing.
// Pure; what becomes of it when pools or Services go is allocator.test.ts.
import { describe, expect, it } from 'vitest';
import { type Asked, allocatorOf, claimFor, type PoolGiven, shown } from './testing.ts';

type Pools = Readonly<Record<string, PoolGiven>>;
/** Services in turn, each with what it should get. */
type Turn = readonly [name: string, asked: Asked, expected: string];

const small: Pools = { a: ['192.0.2.8/30'] };
const dual: Pools = { a: ['192.0.2.8/30', 'fd00::8/126'] };
const split: Pools = { a: ['192.0.2.8/30'], b: ['fd00::8/126'] };
const both = [4, 6] as const;
const key = { sharingKey: 'k' };

const cases: readonly (readonly [title: string, pools: Pools, turns: readonly Turn[]])[] = [
  [
    'lowest first',
    small,
    [
      ['x', {}, '192.0.2.8'],
      ['y', {}, '192.0.2.9'],
      ['x', {}, '192.0.2.8'],
    ],
  ],
  [
    'ranges in their order',
    { a: ['192.0.2.9-192.0.2.9', '192.0.2.1/32'] },
    [
      ['x', {}, '192.0.2.9'],
      ['y', {}, '192.0.2.1'],
    ],
  ],
  [
    'until all are given',
    { a: ['192.0.2.8/31'] },
    [
      ['x', {}, '192.0.2.8'],
      ['y', {}, '192.0.2.9'],
      ['z', {}, 'PoolExhausted'],
    ],
  ],
  [
    'pools by name',
    { b: ['192.0.2.1/32'], a: ['192.0.2.2/32'] },
    [
      ['x', {}, '192.0.2.2'],
      ['y', {}, '192.0.2.1'],
    ],
  ],
  ['without pools', {}, [['x', {}, 'NoAddressPool']]],
  [
    'without .0 and .255',
    { a: { addresses: ['192.0.2.255-192.0.3.1'], avoidBuggyIPs: true } },
    [
      ['x', {}, '192.0.3.1'],
      ['y', {}, 'PoolExhausted'],
    ],
  ],
  ['with .0 where nobody minds', { a: ['192.0.2.0/32'] }, [['x', {}, '192.0.2.0']]],
  [
    '.0 asked for in vain',
    { a: { addresses: ['192.0.2.0/24'], avoidBuggyIPs: true } },
    [['x', { addresses: ['192.0.2.0'] }, 'AddressNotInPool']],
  ],
  [
    'IPv6 that ends in ::ff',
    { a: { addresses: ['fd00::ff/128'], avoidBuggyIPs: true } },
    [['x', { families: [6] }, 'fd00::ff']],
  ],
  [
    'nothing of a pool that is for those who ask',
    { a: { addresses: ['192.0.2.1/32'], autoAssign: false } },
    [
      ['x', {}, 'NoEligiblePool'],
      ['x', { pool: 'a' }, '192.0.2.1'],
    ],
  ],
  [
    'what it asks for',
    small,
    [
      ['x', { addresses: ['192.0.2.10'] }, '192.0.2.10'],
      ['y', { addresses: ['192.0.2.10'] }, 'AddressInUse'],
    ],
  ],
  [
    'what it asks for, of a pool for those who ask',
    { a: { addresses: ['192.0.2.1/32'], autoAssign: false } },
    [['x', { addresses: ['192.0.2.1'] }, '192.0.2.1']],
  ],
  ['nothing outside of pools', small, [['x', { addresses: ['198.51.100.1'] }, 'AddressNotInPool']]],
  ['nothing of a pool that is not', small, [['x', { pool: 'z' }, 'PoolNotFound']]],
  [
    'nothing that two wishes exclude',
    { a: ['192.0.2.1/32'], b: ['192.0.2.2/32'] },
    [
      ['x', { addresses: ['192.0.2.1'], pool: 'b' }, 'PoolMismatch'],
      ['x', { addresses: ['192.0.2.1'], pool: 'a' }, '192.0.2.1'],
    ],
  ],
  [
    'the pool it asks for only',
    { a: ['192.0.2.1/32'], b: ['192.0.2.2/32'] },
    [
      ['x', { pool: 'b' }, '192.0.2.2'],
      ['y', { pool: 'b' }, 'PoolExhausted'],
    ],
  ],
  [
    'another address when it asks for one',
    small,
    [
      ['x', {}, '192.0.2.8'],
      ['x', { addresses: ['192.0.2.11'] }, '192.0.2.11'],
      ['x', {}, '192.0.2.11'],
    ],
  ],
  [
    'what it had while its new wish cannot be met',
    small,
    [
      ['x', {}, '192.0.2.8'],
      ['y', {}, '192.0.2.9'],
      ['x', { addresses: ['192.0.2.9'] }, '192.0.2.8'],
    ],
  ],
  [
    'an address of another pool when it asks for that',
    { a: ['192.0.2.1/32'], b: ['192.0.2.2/32'] },
    [
      ['x', {}, '192.0.2.1'],
      ['x', { pool: 'b' }, '192.0.2.2'],
      ['y', {}, '192.0.2.1'],
    ],
  ],
  [
    'what it had when the other pool is not there',
    small,
    [
      ['x', {}, '192.0.2.8'],
      ['x', { pool: 'z' }, '192.0.2.8'],
    ],
  ],

  ['IPv6 when it is of IPv6', dual, [['x', { families: [6] }, 'fd00::8']]],
  ['nothing when no pool has its family', small, [['x', { families: [6] }, 'NoPoolOfFamily']]],
  [
    'both families, its first first',
    dual,
    [
      ['x', { families: [6, 4] }, 'fd00::8,192.0.2.8'],
      ['y', { families: both }, '192.0.2.9,fd00::9'],
    ],
  ],
  [
    'both of one pool where one has both',
    { a: ['192.0.2.1/32'], b: ['192.0.2.2/32', 'fd00::2/128'] },
    [['x', { families: both, needsAll: true }, '192.0.2.2,fd00::2']],
  ],
  ['both of two pools where none has both', split, [['x', { families: both, needsAll: true }, '192.0.2.8,fd00::8']]],
  ['one when it prefers both', small, [['x', { families: both }, '192.0.2.8']]],
  ['nothing when it requires both', small, [['x', { families: both, needsAll: true }, 'NoPoolOfFamily']]],
  [
    'nothing when it requires both and one is used up',
    { a: ['192.0.2.8/30', 'fd00::1/128'] },
    [
      ['x', { families: [6] }, 'fd00::1'],
      ['y', { families: both, needsAll: true }, 'PoolExhausted'],
    ],
  ],
  [
    'both that it asks for',
    dual,
    [['x', { families: both, addresses: ['fd00::a', '192.0.2.10'] }, 'fd00::a,192.0.2.10']],
  ],
  [
    'both later when it asked for one',
    dual,
    [
      ['x', { families: [4] }, '192.0.2.8'],
      ['x', { families: both }, '192.0.2.8,fd00::8'],
    ],
  ],
  [
    'one when it has both no more',
    dual,
    [
      ['x', { families: both }, '192.0.2.8,fd00::8'],
      ['x', { families: [6] }, 'fd00::8'],
    ],
  ],

  [
    'one address together',
    small,
    [
      ['x', key, '192.0.2.8'],
      ['y', { ...key, ports: ['TCP/81'] }, '192.0.2.8'],
      ['z', { sharingKey: 'l', ports: ['TCP/82'] }, '192.0.2.9'],
    ],
  ],
  [
    'the shared one before a lower one',
    small,
    [
      ['w', {}, '192.0.2.8'],
      ['x', { ...key, addresses: ['192.0.2.10'] }, '192.0.2.10'],
      ['y', { ...key, ports: ['TCP/81'] }, '192.0.2.10'],
    ],
  ],
  [
    'another one for the same port',
    small,
    [
      ['x', key, '192.0.2.8'],
      ['y', key, '192.0.2.9'],
    ],
  ],
  [
    'one for the same number of two protocols',
    small,
    [
      ['x', { ...key, ports: ['TCP/53'] }, '192.0.2.8'],
      ['y', { ...key, ports: ['UDP/53'] }, '192.0.2.8'],
    ],
  ],
  [
    'another one for other backends',
    small,
    [
      ['x', { ...key, backends: 'Local:a=b' }, '192.0.2.8'],
      ['y', { ...key, ports: ['TCP/81'] }, '192.0.2.9'],
      ['z', { ...key, ports: ['TCP/82'], backends: 'Local:a=b' }, '192.0.2.8'],
    ],
  ],
  [
    'none that is not shared',
    small,
    [
      ['x', { addresses: ['192.0.2.9'] }, '192.0.2.9'],
      ['y', { ...key, ports: ['TCP/81'], addresses: ['192.0.2.9'] }, 'AddressInUse'],
    ],
  ],
  [
    'none under another key',
    small,
    [
      ['x', { ...key, addresses: ['192.0.2.9'] }, '192.0.2.9'],
      ['y', { sharingKey: 'l', ports: ['TCP/81'], addresses: ['192.0.2.9'] }, 'SharingKeyMismatch'],
    ],
  ],
  [
    'none with its port taken',
    small,
    [
      ['x', { ...key, addresses: ['192.0.2.9'] }, '192.0.2.9'],
      ['y', { ...key, addresses: ['192.0.2.9'] }, 'PortConflict'],
    ],
  ],
  [
    'none with other backends',
    small,
    [
      ['x', { ...key, addresses: ['192.0.2.9'] }, '192.0.2.9'],
      ['y', { ...key, ports: ['TCP/81'], backends: 'Local:', addresses: ['192.0.2.9'] }, 'SharingPolicyConflict'],
    ],
  ],
  [
    'its own when the one who shares changes its mind',
    small,
    [
      ['x', key, '192.0.2.8'],
      ['y', { ...key, ports: ['TCP/81'] }, '192.0.2.8'],
      ['y', { ports: ['TCP/81'] }, '192.0.2.9'],
      ['x', key, '192.0.2.8'],
    ],
  ],
  [
    'its own when a new port clashes',
    small,
    [
      ['x', key, '192.0.2.8'],
      ['y', { ...key, ports: ['TCP/81'] }, '192.0.2.8'],
      ['y', key, '192.0.2.9'],
    ],
  ],
  [
    'both families together',
    dual,
    [
      ['x', { ...key, families: both }, '192.0.2.8,fd00::8'],
      ['y', { ...key, families: both, ports: ['TCP/81'] }, '192.0.2.8,fd00::8'],
    ],
  ],
  [
    'a sharing key of its own after the other has gone',
    small,
    [
      ['x', key, '192.0.2.8'],
      ['x', { sharingKey: 'l' }, '192.0.2.8'],
      ['y', { sharingKey: 'l', ports: ['TCP/81'] }, '192.0.2.8'],
    ],
  ],

  [
    'the pool for its namespace first',
    { a: ['192.0.2.1/32'], z: { addresses: ['192.0.2.2/32'], allocation: { namespaces: ['default'] } } },
    [
      ['x', {}, '192.0.2.2'],
      ['y', {}, '192.0.2.1'],
    ],
  ],
  [
    'nothing of the pool for others',
    { a: { addresses: ['192.0.2.1/32'], allocation: { namespaces: ['shop'] } } },
    [
      ['x', {}, 'NoEligiblePool'],
      ['x', { pool: 'a' }, 'PoolNotAllowed'],
      ['x', { addresses: ['192.0.2.1'] }, 'PoolNotAllowed'],
    ],
  ],
  [
    'pools by priority, those without last',
    {
      a: { addresses: ['192.0.2.1/32'], allocation: {} },
      b: { addresses: ['192.0.2.2/32'], allocation: { priority: 20 } },
      c: { addresses: ['192.0.2.3/32'], allocation: { priority: 10 } },
      d: ['192.0.2.4/32'],
    },
    [
      ['w', {}, '192.0.2.3'],
      ['x', {}, '192.0.2.2'],
      ['y', {}, '192.0.2.1'],
      ['z', {}, '192.0.2.4'],
    ],
  ],
  [
    'the pool for its namespace labels',
    { a: { addresses: ['192.0.2.1/32'], allocation: { namespaceSelectors: [{ matchLabels: { team: 'a' } }] } } },
    [
      ['x', { namespaceLabels: { team: 'b' } }, 'NoEligiblePool'],
      ['x', { namespaceLabels: { team: 'a' } }, '192.0.2.1'],
    ],
  ],
  [
    'the pool for its labels',
    { a: { addresses: ['192.0.2.1/32'], allocation: { serviceSelectors: [{ matchLabels: { tier: 'web' } }] } } },
    [
      ['x', {}, 'NoEligiblePool'],
      ['x', { labels: { tier: 'web' } }, '192.0.2.1'],
    ],
  ],
  [
    'nothing when only one of both fits',
    {
      a: {
        addresses: ['192.0.2.1/32'],
        allocation: { namespaces: ['default'], serviceSelectors: [{ matchLabels: { tier: 'web' } }] },
      },
    },
    [
      ['x', {}, 'NoEligiblePool'],
      ['x', { labels: { tier: 'web' }, namespace: 'shop' }, 'NoEligiblePool'],
      ['x', { labels: { tier: 'web' } }, '192.0.2.1'],
    ],
  ],
];

describe('A Service gets', () => {
  it.each(cases)('%s', (_title, pools, turns) => {
    const allocator = allocatorOf(pools);
    for (const [name, asked, expected] of turns) expect(shown(allocator.settle(claimFor(name, asked)))).toBe(expected);
  });
});
