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
  readPeers({ peers, profiles: [], labels: {}, passwords: new Map(), obstacle: undefined, ...more });

describe('a BGPPeer', () => {
  it('becomes a peer', () => {
    const spec = {
      peerPort: 1179,
      holdTime: '1m30s',
      ebgpMultiHop: true,
      sourceAddress: '192.0.2.9',
      routerID: '10.0.0.1',
      keepaliveTime: '20s',
      connectTime: '7s',
      vrf: 'red',
      interface: '',
      bfdProfile: '',
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
          keepaliveSec: 20,
          connectRetrySec: 7,
          device: 'red',
          families: ['ipv4'],
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
    [{ interface: 'eth0' }, 'spec.interface is "eth0": peers without an address are not supported'],
    [{ myASN: 0 }, 'spec.myASN is missing'],
    [{ peerASN: 0 }, 'spec.peerASN is missing'],
    [{ dynamicASN: 'external' as const }, 'spec.peerASN and spec.dynamicASN are both given'],
    [{ vrf: 'a-name-that-is-too-long' }, 'use the name of an interface'],
    [{ keepaliveTime: '2m', holdTime: '90s' }, 'spec.keepaliveTime 2m is longer than spec.holdTime'],
    [{ connectTime: '1500ms' }, 'spec.connectTime is "1500ms": use whole seconds'],
    [{ connectTime: '0s' }, 'connectRetrySec is 0'],
    [{ password: 'a', passwordSecret: { name: 's' } }, 'spec.password and spec.passwordSecret are both given'],
    [{ holdTime: 'soon' }, 'spec.holdTime is "soon"'],
    [{ holdTime: '2s' }, 'holdTimeSec is 2'],
    [{ bfdProfile: 'none' }, 'names "none", which is not there'],
  ])('that cannot be had is told of, and costs no other: %j', (spec, words) => {
    const passwords = new Map([['metallb-system/tor', { value: 'b', private: true as const }]]);
    const others = peer({ peerAddress: '192.0.2.2' }, 'other');
    const { peers, problems } = read([peer(spec), others], 'passwordSecret' in spec ? { passwords } : {});
    expect(peers.map(({ name }) => name)).toEqual(['other']);
    expect(problems).toMatchObject([
      { key: 'metallb-system/tor', reason: 'PeerRefused', message: expect.stringContaining(words) as string },
    ]);
  });

  it('whose Secret cannot be read is told of', () => {
    const passwords = new Map([['metallb-system/tor', 'Secret "metallb-system/s" cannot be read']]);
    expect(read([peer({ passwordSecret: { name: 's' } })], { passwords })).toMatchObject({
      peers: [],
      problems: [{ message: 'Secret "metallb-system/s" cannot be read' }],
    });
  });

  it('of a router that another BGPPeer is of, or of its name, leaves that one as it is', () => {
    const { peers, problems } = read([peer({}), peer({}, 'tor-2'), peer({ vrf: 'red' }, 'tor-3')]);
    expect(peers.map(({ name }) => name)).toEqual(['tor', 'tor-3']);
    expect(problems).toMatchObject([
      { key: 'metallb-system/tor-2', reason: 'PeerRefused', message: expect.stringContaining('"tor"') as string },
    ]);
  });

  it.each([
    ['spec.vrf', { vrf: 'red' }],
    ['spec.password', { password: 'x' }],
  ])('with %s is told of where the kernel cannot be asked, and costs no other', (field, spec) => {
    const others = peer({ peerAddress: '192.0.2.2' }, 'other');
    const { peers, problems } = read([peer(spec), others], { obstacle: 'koffi is not installed' });
    expect(peers.map(({ name }) => name)).toEqual(['other']);
    expect(problems).toMatchObject([{ message: `${field} cannot be had on this node because koffi is not installed` }]);
  });

  it('speaks of the family that it is reached by, and of both where that is asked for', () => {
    const families = (spec: BGPPeer['spec']) => read([peer(spec)]).peers[0]?.families;
    expect(families({})).toEqual(['ipv4']);
    expect(families({ peerAddress: '2001:db8::1' })).toEqual(['ipv6']);
    expect(families({ dualStackAddressFamily: true })).toEqual(['ipv4', 'ipv6']);
  });

  it.each([
    [{ keepaliveTime: '5s' }, { holdTimeSec: 15, keepaliveSec: 5 }],
    [{ holdTime: '0' }, { holdTimeSec: 0 }],
    [{ holdTime: '10.9s' }, { holdTimeSec: 10 }],
    [{ dynamicASN: 'internal' as const, peerASN: 0 }, { as: 'internal' }],
    [{ localASN: 65_000 }, { localAs: 65_000 }],
  ])('with %j becomes one with %j', (spec, config) => {
    expect(read([peer(spec)])).toMatchObject({ peers: [config], problems: [] });
  });

  it('tells what has no effect, and has its session all the same', () => {
    const spec = { bfdProfile: 'slow', ebgpMultiHop: true };
    const profile = { echoMode: true, minimumTtl: 250, passiveMode: true };
    const profiles = [{ metadata: { name: 'slow', namespace: 'metallb-system' }, spec: profile }];
    const { peers, problems } = read([peer(spec)], { profiles });
    expect(peers).toMatchObject([{ bfd: { passive: true } }]);
    expect(problems.map(({ reason, message }) => `${reason} ${message.split(' ')[0]}`)).toEqual([
      'FieldWithoutEffect spec.echoMode',
      'FieldWithoutEffect spec.minimumTtl',
    ]);
  });
});
