// One peer: when it connects, which of two connections stays, and what it tells a new session.
// Dialling is handed in; the clock is moved by hand.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { silentLogger } from '#lib/log.ts';
import type { PeerConfig } from '../config.ts';
import { SpeakerMetrics } from '../metrics.ts';
import { routesByPeer } from '../routes/announcement.ts';
import { Puppet, wirePair } from '../testing/wires.ts';
import type { Capability, Message, OpenMessage } from '../wire/message.ts';
import { Peer } from './peer.ts';
import type { Wire } from './wire.ts';

const config: PeerConfig = { name: 'router', address: '192.0.2.2', as: 64513 };
const restart: Capability = { kind: 'graceful_restart', restarted: false, restartTime: 0, families: [] };
const keepalive: Message = { type: 'keepalive' };

function openBy(routerId: string, more: readonly Capability[] = []): OpenMessage {
  const capabilities: Capability[] = [
    { kind: 'multiprotocol', family: 'ipv4' },
    { kind: 'four_octet_as', as: 64513 },
    ...more,
  ];
  return { type: 'open', version: 4, as: 64513, holdTime: 90, routerId, capabilities };
}

function begin(more: Partial<PeerConfig> = {}) {
  const clock = new FakeClock();
  /** Dials that nobody has answered. */
  const dials: ((result: Wire | Error) => void)[] = [];
  const peer = new Peer(
    { ...config, ...more },
    {
      localAs: 64512,
      routerId: '192.0.2.1',
      clock,
      random: () => 0,
      log: silentLogger,
      metrics: new SpeakerMetrics(),
      dial: (_target, done) => {
        dials.push(done);
        return () => {
          dials.splice(dials.indexOf(done), 1);
        };
      },
      nextHopsAt: (address) => ({ ipv4: [address], ipv6: [] }),
      changed: () => {},
    },
  );
  peer.start();
  const connected = (): Puppet => {
    const [ours, theirs] = wirePair();
    const puppet = new Puppet(theirs);
    dials.shift()?.(ours);
    return puppet;
  };
  const connects = (): Puppet => {
    const [ours, theirs] = wirePair();
    const puppet = new Puppet(theirs);
    peer.accept(ours);
    return puppet;
  };
  const want = (...prefixes: string[]): void => {
    const announcements = prefixes.map((prefix) => ({ prefix }));
    peer.want(routesByPeer(announcements, ['router']).get('router') ?? new Map());
  };
  const refuse = (): void => dials.shift()?.(new Error('nobody listens'));
  return { clock, dials, peer, connected, connects, want, refuse };
}

const announcedTo = (puppet: Puppet): string[] =>
  puppet.heard.flatMap((message) => (message.type === 'update' ? message.announced : []));
const lastOf = (puppet: Puppet): Message | undefined => puppet.heard.at(-1);

describe('connecting', () => {
  it('is tried again after 1, 2, 4 ... and at most 30 seconds', () => {
    const { clock, dials, peer, refuse } = begin();
    for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
      refuse();
      expect(peer.state).toBe('idle');
      clock.advance(seconds * 1000 - 1);
      expect(dials).toHaveLength(0);
      clock.advance(1);
      expect(dials).toHaveLength(1);
      expect(peer.state).toBe('connect');
    }
    expect(peer.lastError?.words).toBe('nobody listens');
  });

  it('is tried again after the time that was asked for, however often it fails', () => {
    const { clock, dials, refuse } = begin({ connectRetrySec: 7 });
    for (let count = 0; count < 4; count++) {
      refuse();
      clock.advance(7_000 - 1);
      expect(dials).toHaveLength(0);
      clock.advance(1);
      expect(dials).toHaveLength(1);
    }
  });

  it('is given up after 10 seconds without an answer', () => {
    const { clock, dials, peer } = begin();
    clock.advance(10_000);
    expect(dials).toHaveLength(0);
    expect(peer.lastError?.words).toMatch(/did not answer within 10 s/);
    clock.advance(1000);
    expect(dials).toHaveLength(1);
  });

  it('starts from the shortest wait again after a session of half a minute, and not before', () => {
    const { clock, dials, refuse, connected } = begin();
    for (const seconds of [1, 2, 4]) {
      refuse();
      clock.advance(seconds * 1000);
    }
    const flaps = connected();
    flaps.say(openBy('192.0.2.2'), keepalive);
    flaps.wire.drop();
    clock.advance(7999);
    expect(dials).toHaveLength(0);
    clock.advance(1);
    const steady = connected();
    steady.say(openBy('192.0.2.2'), keepalive);
    clock.advance(30_000);
    steady.wire.drop();
    clock.advance(1000);
    expect(dials).toHaveLength(1);
  });

  it('is left to the peer where it is passive', () => {
    const { clock, dials, peer, connects } = begin({ passive: true });
    clock.advance(600_000);
    expect(dials).toHaveLength(0);
    expect(peer.state).toBe('active');
    connects().say(openBy('192.0.2.2'), keepalive);
    expect(peer.state).toBe('established');
  });

  it('goes on without capabilities where they were refused', () => {
    const { clock, connected } = begin();
    const old = connected();
    expect(old.heard).toMatchObject([{ capabilities: expect.arrayContaining([{ kind: 'route_refresh' }]) }]);
    old.say({ type: 'notification', code: 2, subcode: 4, data: Buffer.alloc(0) });
    old.wire.drop();
    clock.advance(1000);
    const plain = connected();
    expect(plain.heard).toMatchObject([{ capabilities: [] }]);
    // A new version may know them: asked again after a session.
    plain.say({ ...openBy('192.0.2.2'), capabilities: [] }, keepalive);
    plain.wire.drop();
    clock.advance(2000);
    expect(connected().heard).toMatchObject([{ capabilities: expect.arrayContaining([{ kind: 'route_refresh' }]) }]);
  });

  it('keeps saying why a peer refused it, when later it just hangs up', () => {
    const { clock, peer, connected, refuse } = begin();
    connected().say({ type: 'notification', code: 2, subcode: 2, data: Buffer.alloc(0) });
    clock.advance(1000);
    refuse();
    expect(peer.lastError?.words).toBe(
      'The peer closed the session: OPEN error, bad peer AS. Since then: nobody listens',
    );
  });
});

describe('of two connections', () => {
  it.each([
    ['the own one', '192.0.2.0', true],
    ["the peer's", '192.0.2.2', false],
  ])('%s stays when the router ID of the peer is %s', (_which, routerId, ownStays) => {
    for (const ownFirst of [true, false]) {
      const { peer, connected, connects } = begin();
      const [mine, theirs] = [connected(), connects()];
      for (const puppet of ownFirst ? [mine, theirs] : [theirs, mine]) puppet.say(openBy(routerId));
      const [stays, goes] = ownStays ? [mine, theirs] : [theirs, mine];
      expect(lastOf(goes)).toMatchObject({ type: 'notification', code: 6, subcode: 7 });
      stays.say(keepalive);
      expect(peer.state).toBe('established');
      expect(peer.lastError).toBeUndefined();
    }
  });

  it('the established one stays', () => {
    const { peer, connected, connects } = begin();
    const mine = connected();
    mine.say(openBy('192.0.2.2'), keepalive);
    const theirs = connects();
    theirs.say(openBy('192.0.2.2'));
    expect(lastOf(theirs)).toMatchObject({ code: 6, subcode: 7 });
    expect(peer.state).toBe('established');
    expect(mine.closed).toBe(false);
  });

  it('the new one stays where the peer knows graceful restart: it has lost the old one', () => {
    const { clock, peer, connected, connects, want } = begin();
    want('198.51.100.7');
    const mine = connected();
    mine.say(openBy('192.0.2.2', [restart]), keepalive);
    clock.advance(5000);
    const theirs = connects();
    theirs.say(openBy('192.0.2.2', [restart]));
    expect(mine.closed).toBe(true);
    expect(mine.heard.some(({ type }) => type === 'notification')).toBe(false);
    theirs.say(keepalive);
    expect(peer.state).toBe('established');
    expect(announcedTo(theirs)).toEqual(['198.51.100.7/32']);
  });

  it('the old one stays when it has just come up: both sides were on their way', () => {
    const { clock, peer, connected, connects } = begin();
    const mine = connected();
    mine.say(openBy('192.0.2.2', [restart]), keepalive);
    clock.advance(4999);
    const theirs = connects();
    theirs.say(openBy('192.0.2.2', [restart]));
    expect(lastOf(theirs)).toMatchObject({ code: 6, subcode: 7 });
    expect(mine.closed).toBe(false);
    expect(peer.state).toBe('established');
  });

  it('of which the peer made both, the later stays', () => {
    const { peer, connects } = begin({ passive: true });
    const first = connects();
    const second = connects();
    expect(first.closed).toBe(true);
    second.say(openBy('192.0.2.2'), keepalive);
    expect(peer.state).toBe('established');
  });
});

describe('a new session', () => {
  const endsOfRib = (puppet: Puppet): number =>
    puppet.heard.filter(
      (message) =>
        message.type === 'update' &&
        message.announced.length === 0 &&
        message.withdrawn.length === 0 &&
        Object.keys(message.attributes).length === 0,
    ).length;

  it('hears everything, and the end of it, once somebody has said what to announce', () => {
    const { connected, want } = begin();
    const puppet = connected();
    puppet.say(openBy('192.0.2.2', [restart]), keepalive);
    expect(puppet.types()).toEqual(['open', 'keepalive']);
    want('198.51.100.7', '198.51.100.8');
    expect(announcedTo(puppet)).toEqual(['198.51.100.7/32', '198.51.100.8/32']);
    expect(endsOfRib(puppet)).toBe(1);
    puppet.heard.length = 0;
    want('198.51.100.8');
    expect(puppet.heard).toMatchObject([{ withdrawn: ['198.51.100.7/32'] }]);
    expect(endsOfRib(puppet)).toBe(0);
  });

  it('hears of no end where the peer waits for none', () => {
    const { connected, want } = begin();
    const puppet = connected();
    puppet.say(openBy('192.0.2.2'), keepalive);
    want();
    expect(puppet.types()).toEqual(['open', 'keepalive']);
  });

  it('says once in the life of the process that it has restarted', () => {
    const { clock, connected } = begin();
    const restarted = (puppet: Puppet): unknown =>
      puppet.heard.flatMap((message) => (message.type === 'open' ? message.capabilities : []));
    const first = connected();
    expect(restarted(first)).toContainEqual(expect.objectContaining({ restarted: true }));
    first.say(openBy('192.0.2.2'), keepalive);
    first.wire.drop();
    clock.advance(1000);
    expect(restarted(connected())).toContainEqual(expect.objectContaining({ restarted: false }));
  });

  it('that does not read hears one difference when it reads again', () => {
    const [ours, theirs] = wirePair();
    const { dials, want } = begin();
    const puppet = new Puppet(theirs);
    dials.shift()?.(ours);
    puppet.say(openBy('192.0.2.2'), keepalive);
    want('198.51.100.7');
    puppet.heard.length = 0;
    ours.congested = true;
    want('198.51.100.7', '198.51.100.8');
    want('198.51.100.7', '198.51.100.8', '198.51.100.9');
    want('198.51.100.9');
    expect(puppet.heard).toEqual([]);
    ours.drain();
    expect(puppet.heard).toMatchObject([
      { withdrawn: ['198.51.100.7/32'], announced: [] },
      { withdrawn: [], announced: ['198.51.100.9/32'] },
    ]);
  });

  it('that asks is told all of a family again', () => {
    const { connected, want } = begin();
    const puppet = connected();
    puppet.say(openBy('192.0.2.2'), keepalive);
    want('198.51.100.7');
    puppet.heard.length = 0;
    puppet.say({ type: 'route_refresh', afi: 1, safi: 1, subtype: 0 });
    expect(announcedTo(puppet)).toEqual(['198.51.100.7/32']);
  });
});

describe('the end', () => {
  it('is withdrawals, then a reason', () => {
    const { connected, want, peer, clock, dials } = begin();
    const puppet = connected();
    puppet.say(openBy('192.0.2.2'), keepalive);
    want('198.51.100.7');
    puppet.heard.length = 0;
    peer.stop({ subcode: 2, text: 'bye' });
    expect(puppet.heard).toMatchObject([
      { withdrawn: ['198.51.100.7/32'] },
      { code: 6, subcode: 2, data: Buffer.from('\x03bye') },
    ]);
    clock.advance(600_000);
    expect(dials).toHaveLength(0);
    expect(peer.state).toBe('idle');
  });

  it('for a restart is no word at all', () => {
    const { connected, want, peer } = begin();
    const puppet = connected();
    puppet.say(openBy('192.0.2.2'), keepalive);
    want('198.51.100.7');
    puppet.heard.length = 0;
    peer.stop(undefined);
    expect(puppet.heard).toEqual([]);
    expect(puppet.closed).toBe(true);
  });

  it('by BFD says so, and is tried again', () => {
    const { connected, peer, clock, dials } = begin();
    const puppet = connected();
    puppet.say(openBy('192.0.2.2'), keepalive);
    peer.unreachable('BFD says that the peer cannot be reached');
    expect(lastOf(puppet)).toMatchObject({ code: 6, subcode: 10 });
    clock.advance(1000);
    expect(dials).toHaveLength(1);
  });
});
