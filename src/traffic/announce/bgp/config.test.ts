// What is wrong with a peer or a speaker is told by the name of the peer and the field.
// Also where next hops come from, given the interfaces of a machine.
import { describe, expect, it } from 'vitest';
import { privateText } from '#traffic/model/private-text.ts';
import { type PeerConfig, peerProblems } from './config.ts';
import { nextHopsAt } from './net/next-hops.ts';
import { createSpeaker } from './speaker.ts';

const peer: PeerConfig = { name: 'router', address: '192.0.2.2', as: 64513 };

describe('a peer', () => {
  it.each<PeerConfig>([
    peer,
    { ...peer, as: 'external' },
    { ...peer, address: 'fe80::1%eth0', holdTimeSec: 0, restartTimeSec: false },
    { ...peer, bfd: {}, password: privateText('x'), localAddress: '192.0.2.1', nextHop: { ipv6: '2001:db8::1' } },
  ])('of this kind is good: %j', (good) => {
    expect(peerProblems(good)).toEqual([]);
  });

  it.each<[Partial<PeerConfig>, RegExp]>([
    [{ address: 'router.example' }, /address is "router.example", which is no IP address/],
    [{ address: 'fe80::1' }, /add its zone/],
    [{ port: 0 }, /port is 0/],
    [{ as: 0 }, /as is 0/],
    [{ as: 4_294_967_296 }, /use 1 to 4294967295, internal or external/],
    [{ as: 'any' as 'external' }, /as is "any"/],
    [{ localAs: 1.5 }, /localAs is 1.5/],
    [{ holdTimeSec: 2 }, /use 0 or 3 to 65535/],
    [{ restartTimeSec: 5000 }, /use 1 to 4095, or false/],
    [{ localAddress: '2001:db8::1' }, /same family/],
    [{ nextHop: { ipv4: '2001:db8::1' } }, /nextHop.ipv4/],
    [{ families: [] }, /families/],
    [{ keepaliveSec: 0.5 }, /keepaliveSec is 0.5/],
    [{ connectRetrySec: 65_536 }, /connectRetrySec is 65536/],
    [{ device: 'a-name-that-is-too-long' }, /device is "a-name-that-is-too-long", use the name of an interface/],
    [{ device: 'red', bfd: {} }, /which does not work with a device/],
    [{ bfd: { transmitMs: 1 } }, /bfd.transmitMs is 1/],
    [{ bfd: { multiplier: 0 } }, /bfd.multiplier is 0/],
    [{ password: privateText('') }, /password is "\[redacted\]"/],
    [{ password: privateText('secret'.repeat(20)) }, /use 1 to 80 bytes/],
  ])('with %j is told so', (wrong, words) => {
    const problems = peerProblems({ ...peer, ...wrong });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(words);
    expect(problems[0]).toMatch(/^Peer "router": /);
    expect(problems[0]).not.toContain('secretsecret');
  });
});

describe('a speaker', () => {
  const good = { localAs: 64512, routerId: '192.0.2.1', peers: [] };

  it.each([
    [{ ...good, routerId: '2001:db8::1' }, /router ID of the speaker is "2001:db8::1"/],
    [{ ...good, localAs: 0 }, /localAs of the speaker is 0/],
    [{ ...good, peers: [peer, { ...peer, address: '192.0.2.3' }] }, /"router" is there twice/],
    [{ ...good, peers: [peer, { ...peer, name: 'other' }] }, /"other": another peer has the address "192.0.2.2"/],
    [{ ...good, peers: [{ ...peer, passive: true }] }, /"router" is passive: let the speaker listen/],
  ])('is refused with what is wrong: %j', async (options, words) => {
    await expect(createSpeaker(options)).rejects.toThrow(words);
  });

  it('says who has the port that it wants to listen at', async () => {
    const first = await createSpeaker({ ...good, listen: { address: '127.0.0.1', port: 0 } });
    const { port = 0 } = first.status();
    await expect(createSpeaker({ ...good, listen: { address: '127.0.0.1', port } })).rejects.toThrow(
      `Cannot wait for BGP peers at 127.0.0.1 port ${port}: another process has it`,
    );
    await first.close();
  });

  it('talks to another one, and is refused in words where nobody knows it', async () => {
    const listening = await createSpeaker({
      localAs: 64513,
      routerId: '192.0.2.2',
      peers: [{ name: 'node', address: '127.0.0.1', as: 64512, passive: true }],
      listen: { address: '127.0.0.1', port: 0 },
    });
    const { port = 0 } = listening.status();
    const up = Promise.withResolvers<void>();
    const dialling = await createSpeaker({
      ...good,
      peers: [{ ...peer, address: '127.0.0.1', port }],
      changed: () => dialling.status().peers[0]?.prefixes === 1 && up.resolve(),
    });
    dialling.announce([{ prefix: '198.51.100.7' }]);
    await up.promise;
    expect(await dialling.settled(5000)).toBe(true);
    expect(listening.status().peers).toMatchObject([{ state: 'established', prefixes: 0 }]);
    expect(() => dialling.announce([{ prefix: '198.51.100.7/8' }])).toThrow(/198\.0\.0\.0\/8/);
    expect(dialling.status().peers).toMatchObject([{ prefixes: 1 }]);
    await dialling.close({ reason: 'enough' });
    expect(listening.status().peers[0]?.lastError?.words).toContain('"enough"');
    await listening.close();
  });
});

describe('next hops', () => {
  const info = (address: string, family: 'IPv4' | 'IPv6') =>
    ({ address, family, netmask: '', mac: '', internal: false, cidr: null, scopeid: 0 }) as never;
  const interfaces = {
    eth0: [
      info('192.0.2.1', 'IPv4'),
      info('2001:db8::1', 'IPv6'),
      info('2001:db8::2', 'IPv6'),
      info('fe80::1', 'IPv6'),
    ],
    eth1: [info('203.0.113.1', 'IPv4'), info('fe80::1', 'IPv6')],
  };

  it.each([
    ['192.0.2.1', { ipv4: ['192.0.2.1'], ipv6: ['2001:db8::1'] }],
    ['2001:db8:0::2', { ipv4: ['192.0.2.1'], ipv6: ['2001:db8::2'] }],
    ['203.0.113.1', { ipv4: ['203.0.113.1'], ipv6: [] }],
    ['fe80::1%eth0', { ipv4: ['192.0.2.1'], ipv6: ['2001:db8::1', 'fe80::1'] }],
    ['fe80::1%eth1', { ipv4: ['203.0.113.1'], ipv6: ['fe80::1'] }],
    ['198.51.100.1', { ipv4: ['198.51.100.1'], ipv6: [] }],
  ])('of a session from %s are on its network', (local, hops) => {
    expect(nextHopsAt(local, interfaces)).toEqual(hops);
  });
});
