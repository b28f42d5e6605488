// BGPPeers of MetalLB as peers of the speaker: what is meant by each field, and what is said of those that cannot be had.
// Pure.
import { describe, expect, it } from 'vitest';
import type { BGPPeer } from '#kube/api/load-balancer/types.ts';
import { type PeersGiven, readPeers } from './bgp-peers.ts';

const peer = (spec: BGPPeer['spec'], name = 'tor'): BGPPeer => ({
  metadata: { name, namespace: 'metallb-system' },
  spec: { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1', ...spec },
});
const read = (peers: readonly BGPPeer[], more: Partial<PeersGiven> = {}) =>
  readPeers({ peers, profiles: [], labels: {}, passwords: new Map(), ...more });

describe('a BGPPeer', () => {
  it('becomes a peer', () => {
    const spec = {
      peerPort: 1179,
      holdTime: '1m30s',
      ebgpMultiHop: true,
      sourceAddress: '192.0.2.9',
      routerID: '10.0.0.1',
    };
    expect(read([peer(spec)])).toEqual({
      peers: [
        {
          name: 'tor',
          address: '192.0.2.1',
          as: 64513,
          port: 1179,
          localAs: 64512,
          localAddress: '192.0.2.9',
          multihop: true,
          holdTimeSec: 90,
          restartTimeSec: false,
        },
      ],
      localAs: 64512,
      routerId: '10.0.0.1',
      problems: [],
    });
  });

  it('is one of the nodes that it selects only', () => {
    const selective = peer({ nodeSelectors: [{ matchLabels: { rack: '2' } }] });
    expect(read([selective]).peers).toEqual([]);
    expect(read([selective], { labels: { rack: '2' } }).peers).toHaveLength(1);
  });

  it('has its BFD profile, its password and its kind of restart', () => {
    const spec = { bfdProfile: 'fast', enableGracefulRestart: true, passwordSecret: { name: 's' } };
    const profiles = [
      { metadata: { name: 'fast', namespace: 'metallb-system' }, spec: { transmitInterval: 100, detectMultiplier: 5 } },
    ];
    const passwords = new Map([['metallb-system/tor', { value: 'secret', private: true as const }]]);
    expect(read([peer(spec)], { profiles, passwords }).peers).toMatchObject([
      { bfd: { transmitMs: 100, multiplier: 5 }, password: { value: 'secret' }, restartTimeSec: 120 },
    ]);
  });

  it.each([
    [{ peerAddress: '' }, 'spec.peerAddress is missing'],
    [{ vrf: 'red' }, 'spec.vrf is not supported'],
    [{ holdTime: 'soon' }, 'spec.holdTime is "soon"'],
    [{ holdTime: '2s' }, 'holdTimeSec is 2'],
    [{ bfdProfile: 'none' }, 'names "none", which is not there'],
  ])('that cannot be had is told of, and costs no other: %j', (spec, words) => {
    const { peers, problems } = read([peer(spec), peer({}, 'other')]);
    expect(peers.map(({ name }) => name)).toEqual(['other']);
    expect(problems).toMatchObject([{ key: 'metallb-system/tor', message: expect.stringContaining(words) as string }]);
  });

  it('whose Secret cannot be read is told of', () => {
    const passwords = new Map([['metallb-system/tor', 'Secret "metallb-system/s" cannot be read']]);
    expect(read([peer({ passwordSecret: { name: 's' } })], { passwords })).toMatchObject({
      peers: [],
      problems: [{ message: 'Secret "metallb-system/s" cannot be read' }],
    });
  });
});
