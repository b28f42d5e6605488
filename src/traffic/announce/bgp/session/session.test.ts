// One connection by RFC 4271: what is answered in which state, and what the timers do. The clock is moved by hand.
// The peer is a puppet that speaks real bytes.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import { Puppet, wirePair } from '../testing/wires.ts';
import type { Capability, Message, OpenMessage } from '../wire/message.ts';
import type { OwnSide } from './negotiate.ts';
import { Session, type SessionEnd } from './session.ts';

const own: OwnSide = {
  localAs: 64512,
  remoteAs: 64513,
  routerId: '192.0.2.1',
  holdTime: 90,
  families: ['ipv4', 'ipv6'],
  restartTime: 120,
  restarted: true,
  plain: false,
};

const capabilities: Capability[] = [
  { kind: 'multiprotocol', family: 'ipv4' },
  { kind: 'four_octet_as', as: 64513 },
];
const open: OpenMessage = { type: 'open', version: 4, as: 64513, holdTime: 30, routerId: '192.0.2.2', capabilities };
const keepalive: Message = { type: 'keepalive' };
const update: Message = { type: 'update', withdrawn: [], attributes: {}, announced: [] };

function begin(more: Partial<OwnSide> = {}) {
  const clock = new FakeClock();
  const [ours, theirs] = wirePair();
  const puppet = new Puppet(theirs);
  const ends: SessionEnd[] = [];
  const events: string[] = [];
  const session = new Session({
    wire: ours,
    own: { ...own, ...more },
    incoming: false,
    clock,
    random: () => 0,
    events: {
      opened: () => true,
      established: () => events.push('established'),
      update: () => events.push('update'),
      refresh: (_session, family) => events.push(`refresh ${family}`),
      drained: () => {},
      ended: (_session, end) => ends.push(end),
    },
  });
  const up = (): void => {
    puppet.say(open, keepalive);
    puppet.heard.length = 0;
  };
  return { clock, ours, puppet, ends, events, session, up };
}

describe('a session', () => {
  it('opens with everything it knows, answers an OPEN and is up with a KEEPALIVE', () => {
    const { puppet, session, events } = begin();
    expect(puppet.heard).toEqual([
      {
        type: 'open',
        version: 4,
        as: 64512,
        holdTime: 90,
        routerId: '192.0.2.1',
        capabilities: [
          { kind: 'multiprotocol', family: 'ipv4' },
          { kind: 'multiprotocol', family: 'ipv6' },
          { kind: 'route_refresh' },
          { kind: 'four_octet_as', as: 64512 },
          {
            kind: 'graceful_restart',
            restarted: true,
            restartTime: 120,
            families: [
              { family: 'ipv4', forwarding: true },
              { family: 'ipv6', forwarding: true },
            ],
          },
        ],
      },
    ]);
    puppet.types();
    puppet.say(open);
    expect(session.state).toBe('open_confirm');
    expect(puppet.types()).toEqual(['keepalive']);
    puppet.say(keepalive);
    expect(session.state).toBe('established');
    expect(events).toEqual(['established']);
    expect(session.agreement).toMatchObject({ holdTime: 30, fourOctetAs: true, families: new Set(['ipv4']) });
  });

  it('says AS_TRANS where its number needs four bytes', () => {
    expect(begin({ localAs: 4_200_000_000 }).puppet.heard).toMatchObject([{ as: 23456 }]);
  });

  it.each<[string, Partial<OpenMessage>, number, RegExp]>([
    ['another version', { version: 3 }, 1, /BGP 3, not 4/],
    ['another AS', { as: 64514, capabilities: [] }, 2, /AS 64514, not 64513/],
    ['another AS of four bytes', { capabilities: [{ kind: 'four_octet_as', as: 1 }] }, 2, /AS 1, not/],
    ['a hold time of 2 s', { holdTime: 2 }, 6, /2 s/],
    ['no router ID', { routerId: '0.0.0.0' }, 3, /0\.0\.0\.0/],
  ])('refuses %s', (_what, more, subcode, words) => {
    const { puppet, ends } = begin();
    puppet.say({ ...open, ...more });
    expect(puppet.heard.at(-1)).toMatchObject({ type: 'notification', code: 2, subcode });
    expect(ends).toMatchObject([{ by: 'us', words: expect.stringMatching(words) }]);
    expect(puppet.closed).toBe(true);
  });

  it.each([
    ['external', 64513, true],
    ['external', 64512, false],
    ['external', 0, false],
    ['internal', 64512, true],
    ['internal', 64513, false],
  ] as const)('that is %s takes AS %i: %s', (remoteAs, as, good) => {
    const { puppet, session } = begin({ remoteAs });
    puppet.say({ ...open, as, capabilities: [] });
    expect(session.state).toBe(good ? 'open_confirm' : 'closed');
    expect(session.agreement?.remoteAs).toBe(good ? as : undefined);
    if (!good) expect(puppet.heard.at(-1)).toMatchObject({ code: 2, subcode: 2 });
  });

  it('takes its own router ID from a peer in another AS only', () => {
    const { puppet, session } = begin();
    puppet.say({ ...open, routerId: own.routerId });
    expect(session.state).toBe('open_confirm');
    const ibgp = begin({ remoteAs: 64512 });
    ibgp.puppet.say({ ...open, as: 64512, capabilities: [], routerId: own.routerId });
    expect(ibgp.puppet.heard.at(-1)).toMatchObject({ code: 2, subcode: 3 });
  });

  it.each<[string, Message[], number]>([
    ['a KEEPALIVE before the OPEN', [keepalive], 1],
    ['an UPDATE before the OPEN', [update], 1],
    ['a second OPEN', [open, open], 2],
    ['an UPDATE before the KEEPALIVE', [open, update], 2],
    ['an OPEN while established', [open, keepalive, open], 3],
  ])('ends at %s', (_what, messages, subcode) => {
    const { puppet } = begin();
    puppet.say(...messages);
    expect(puppet.heard.at(-1)).toMatchObject({ type: 'notification', code: 5, subcode });
  });

  it('goes on through updates and refreshes of families that were agreed on', () => {
    const { puppet, events, up, session } = begin();
    up();
    puppet.say(update, { type: 'route_refresh', afi: 1, safi: 1, subtype: 0 });
    puppet.say(
      { type: 'route_refresh', afi: 2, safi: 1, subtype: 0 },
      { type: 'route_refresh', afi: 1, safi: 128, subtype: 0 },
    );
    puppet.say({ type: 'route_refresh', afi: 1, safi: 1, subtype: 1 });
    expect(events).toEqual(['established', 'update', 'refresh ipv4']);
    expect(session.state).toBe('established');
  });

  it('waits four minutes for an OPEN', () => {
    const { clock, puppet, ends } = begin();
    clock.advance(239_999);
    expect(ends).toEqual([]);
    clock.advance(1);
    expect(puppet.heard.at(-1)).toMatchObject({ type: 'notification', code: 4 });
  });

  it.each([
    [4, 4],
    [60, 10],
  ])('asked to keep alive every %i s does so every %i s', (keepaliveSec, seconds) => {
    const { clock, puppet, up } = begin({ keepalive: keepaliveSec });
    up();
    clock.advance(seconds * 1000 - 1);
    expect(puppet.heard).toEqual([]);
    clock.advance(1);
    expect(puppet.heard).toEqual([keepalive]);
  });

  it('keeps alive every third of the hold time, and gives up when nothing comes for all of it', () => {
    const { clock, puppet, ends, up } = begin();
    up();
    clock.advance(29_000);
    expect(puppet.types()).toEqual(['keepalive', 'keepalive']);
    puppet.say(keepalive);
    clock.advance(29_999);
    expect(ends).toEqual([]);
    clock.advance(1);
    expect(ends).toMatchObject([{ by: 'us', code: 4, words: 'Hold timer expired: nothing heard for 30 s' }]);
  });

  it('counts whole messages, not bytes, as a sign of life', () => {
    const { clock, puppet, ends, up } = begin();
    up();
    for (let i = 0; i < 10; i++) {
      puppet.wire.write(Buffer.of(0xff));
      clock.advance(3000);
    }
    expect(ends).toMatchObject([{ code: 4 }]);
  });

  it('reads what waits before it gives up', () => {
    const { clock, puppet, ends, up } = begin();
    up();
    // Due in the same turn as the hold timer, behind it: as bytes that came while this thread was held up.
    clock.after(30_000, () => puppet.say(keepalive));
    clock.advance(30_000);
    expect(ends).toEqual([]);
  });

  it('has no timers with a hold time of 0', () => {
    const { clock, puppet, ends } = begin();
    puppet.say({ ...open, holdTime: 0 }, keepalive);
    puppet.types();
    clock.advance(3_600_000);
    expect(ends).toEqual([]);
    expect(puppet.types()).toEqual([]);
  });

  it('gives up a peer that reads nothing for eight minutes (RFC 9687)', () => {
    const { clock, ours, puppet, ends, up } = begin();
    up();
    ours.congested = true;
    const chatter = clock.every(10_000, () => puppet.say(keepalive));
    clock.advance(480_000);
    expect(ends).toEqual([]);
    clock.advance(30_000);
    expect(ends).toMatchObject([{ words: expect.stringMatching(/read nothing for 480 s/) }]);
    chatter();
  });

  it('answers bytes that are no message with the code for them', () => {
    const { puppet, ends } = begin();
    puppet.wire.write(Buffer.alloc(19));
    expect(puppet.heard.at(-1)).toMatchObject({ type: 'notification', code: 1, subcode: 1 });
    expect(ends).toHaveLength(1);
  });

  it('tells what the peer has said, and never answers it', () => {
    const { puppet, ends, up } = begin();
    up();
    puppet.say({ type: 'notification', code: 6, subcode: 2, data: Buffer.from('\x04bye!') });
    expect(puppet.types()).toEqual([]);
    expect(ends).toMatchObject([
      { by: 'peer', code: 6, words: 'The peer closed the session: cease, administrative shutdown: "bye!"' },
    ]);
  });

  it('without capabilities is one of IPv4 and two bytes', () => {
    const { puppet, session } = begin({ plain: true });
    expect(puppet.heard).toMatchObject([{ capabilities: [] }]);
    puppet.say(open);
    expect(session.agreement).toMatchObject({ fourOctetAs: false, families: new Set(['ipv4']), knowsRestart: false });
  });

  it('with a peer that carries VPN routes alone carries nothing', () => {
    const { puppet, session } = begin();
    puppet.say({ ...open, capabilities: [{ kind: 'unknown', code: 1, value: Buffer.of(0, 1, 0, 128) }] });
    expect(session.agreement?.families).toEqual(new Set());
  });
});
