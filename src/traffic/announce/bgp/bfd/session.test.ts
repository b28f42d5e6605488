// BFD by RFC 5880: the handshake, the timers both sides agree on, and how a session ends. The clock is moved by hand.
// Two sessions talk to each other through real bytes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import type { BfdConfig } from '../config.ts';
import { BFD_STATES, type BfdPacket, type BfdState, decodeBfd, encodeBfd } from './packet.ts';
import { BfdSession } from './session.ts';

interface End {
  readonly session: BfdSession;
  readonly changes: [BfdState, boolean][];
  readonly sent: BfdPacket[];
}

function pair(a: BfdConfig = {}, b: BfdConfig = {}, random = 0) {
  const clock = new FakeClock();
  const way = { open: true };
  const ends: End[] = [];
  const make = (config: BfdConfig, discriminator: number, other: () => BfdSession): End => {
    const changes: [BfdState, boolean][] = [];
    const sent: BfdPacket[] = [];
    const session = new BfdSession({
      config,
      discriminator,
      clock,
      random: () => random,
      changed: (state, failed) => changes.push([state, failed]),
      retimed: () => {},
      send: (packet) => {
        sent.push(packet);
        const arrived = decodeBfd(encodeBfd(packet));
        // As on a wire: never within the call that sends.
        if (way.open && arrived !== undefined) clock.after(1, () => other().receive(arrived));
      },
    });
    return { session, changes, sent };
  };
  const one = make(a, 11, () => (ends[1] as End).session);
  const two = make(b, 22, () => (ends[0] as End).session);
  ends.push(one, two);
  one.session.start();
  two.session.start();
  return { clock, way, one, two };
}

const fast = { transmitMs: 100, receiveMs: 100, multiplier: 3 };

describe('a BFD session', () => {
  it('is up after a handshake of three packets, without waiting for slow timers', () => {
    const { clock, one, two } = pair(fast, fast);
    clock.advance(10);
    expect([one.session.state, two.session.state]).toEqual(['up', 'up']);
    expect(one.changes.at(-1)).toEqual(['up', false]);
  });

  it('that is passive says nothing before its peer, nor after it is gone', () => {
    const alone = pair({ ...fast, passive: true }, { ...fast, passive: true });
    alone.clock.advance(10_000);
    expect([alone.one.sent, alone.two.sent]).toEqual([[], []]);
    const { clock, way, one, two } = pair({ ...fast, passive: true }, fast);
    clock.advance(2_000);
    expect([one.session.state, two.session.state]).toEqual(['up', 'up']);
    way.open = false;
    clock.advance(300);
    expect(one.session.state).toBe('down');
    one.sent.length = 0;
    clock.advance(10_000);
    expect(one.sent).toEqual([]);
    way.open = true;
    clock.advance(2_000);
    expect([one.session.state, two.session.state]).toEqual(['up', 'up']);
  });

  it('sends as often as the slower side wants, and waits as long as the other side may take', () => {
    const { clock, one, two } = pair(fast, { transmitMs: 50, receiveMs: 400, multiplier: 5 });
    clock.advance(5000);
    // The other side may miss 5 of our intervals; it sends no faster than we take packets.
    expect(one.session.detectMs).toBe(5 * 100);
    expect(two.session.detectMs).toBe(3 * 400);
    one.sent.length = 0;
    two.sent.length = 0;
    clock.advance(4000);
    expect(one.sent).toHaveLength(10);
    expect(two.sent).toHaveLength(40);
  });

  it('says in a poll that its timers have changed, once', () => {
    const { clock, one, two } = pair(fast, fast);
    clock.advance(2000);
    expect(one.sent.some(({ poll }) => poll)).toBe(true);
    expect(two.sent.some(({ final }) => final)).toBe(true);
    expect(one.sent.every(({ poll, final }) => !(poll && final))).toBe(true);
    one.sent.length = 0;
    clock.advance(2000);
    expect(one.sent.some(({ poll }) => poll)).toBe(false);
  });

  it('is down when nothing was heard for the detection time, and not a moment before', () => {
    const { clock, way, one } = pair(fast, fast);
    clock.advance(2000);
    way.open = false;
    one.changes.length = 0;
    clock.advance(199);
    expect(one.session.state).toBe('up');
    clock.advance(110);
    expect(one.changes).toEqual([['down', true]]);
    expect(one.sent.at(-1)).toMatchObject({ state: 'down', diagnostic: 1, yourDiscriminator: 0 });
    // Slowly, until somebody answers.
    one.sent.length = 0;
    clock.advance(10_000);
    expect(one.sent).toHaveLength(10);
    way.open = true;
    clock.advance(1100);
    expect(one.session.state).toBe('up');
  });

  it('is down at once when the peer says so', () => {
    const { clock, one, two } = pair(fast, fast);
    clock.advance(2000);
    const { myDiscriminator, ...rest } = two.sent.at(-1) as BfdPacket;
    one.session.receive({ ...rest, myDiscriminator, state: 'down' });
    expect(one.changes.at(-1)).toEqual(['down', true]);
    expect(one.sent.at(-1)).toMatchObject({ diagnostic: 3 });
  });

  it('that ends on purpose is no failure to the other side', () => {
    const { clock, one, two } = pair(fast, fast);
    clock.advance(2000);
    two.session.stop();
    clock.advance(5000);
    expect(one.changes.at(-1)).toEqual(['down', false]);
    expect(one.session.state).toBe('down');
  });

  it('reads what waits before it gives up', () => {
    const { clock, way, one, two } = pair(fast, fast);
    clock.advance(2000);
    way.open = false;
    const packet = two.sent.at(-1) as BfdPacket;
    one.session.receive(packet);
    const before = one.changes.length;
    // Due in the same turn as the timer, behind it: as a packet that came while this thread was held up.
    clock.after(300, () => one.session.receive(packet));
    clock.advance(300);
    expect(one.changes).toHaveLength(before);
  });

  it('sends nothing to a peer that can take nothing', () => {
    const { clock, way, one, two } = pair(fast, fast);
    clock.advance(2000);
    way.open = false;
    one.session.receive({ ...(two.sent.at(-1) as BfdPacket), requiredMinRx: 0 });
    one.sent.length = 0;
    clock.advance(250);
    expect(one.sent).toEqual([]);
  });

  it('keeps a tenth of reserve when a single packet may be missed', () => {
    const { clock, one } = pair({ ...fast, multiplier: 1 }, fast);
    clock.advance(2000);
    one.sent.length = 0;
    clock.advance(900);
    expect(one.sent).toHaveLength(10);
  });
});

describe('BFD packets', () => {
  const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
  const packet: fc.Arbitrary<BfdPacket> = fc.record({
    diagnostic: fc.integer({ min: 0, max: 31 }),
    state: fc.constantFrom(...BFD_STATES),
    poll: fc.boolean(),
    final: fc.boolean(),
    multiplier: fc.integer({ min: 1, max: 255 }),
    myDiscriminator: u32.filter((number) => number > 0),
    yourDiscriminator: u32.filter((number) => number > 0),
    desiredMinTx: u32,
    requiredMinRx: u32,
    requiredMinEchoRx: u32,
  });

  it('are read as they were written, also with something behind them', () => {
    fc.assert(
      fc.property(packet, fc.uint8Array({ maxLength: 8 }), (sent, more) => {
        expect(decodeBfd(Buffer.concat([encodeBfd(sent), more]))).toEqual(sent);
      }),
    );
  });

  it.each<[string, number, number]>([
    ['another version', 0, 0x40],
    ['a multiplier of 0', 2, 0],
    ['a length below its own', 3, 23],
    ['a length beyond its end', 3, 25],
    ['authentication', 1, 0xc4],
    ['several receivers', 1, 0xc1],
    ['demand mode', 1, 0xc2],
  ])('with %s are left out', (_what, at, value) => {
    const [good] = fc.sample(packet, 1) as [BfdPacket];
    const bytes = encodeBfd({ ...good, state: 'up' });
    bytes[at] = value;
    expect(decodeBfd(bytes)).toBeUndefined();
  });

  it.each(['init', 'up'] as const)('without our number are left out in state %s', (state) => {
    const [good] = fc.sample(packet, 1) as [BfdPacket];
    expect(decodeBfd(encodeBfd({ ...good, state, yourDiscriminator: 0 }))).toBeUndefined();
    expect(decodeBfd(encodeBfd({ ...good, state: 'down', yourDiscriminator: 0 }))).toBeDefined();
    expect(decodeBfd(encodeBfd({ ...good, myDiscriminator: 0 }))).toBeUndefined();
  });

  it('of any bytes never throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => void decodeBfd(Buffer.from(bytes))));
  });
});
