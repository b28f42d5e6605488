// Who is alive, by messages: signed ones only, of this very time only, and with patience for a machine that is busy.
// Time is moved by hand; no socket.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMES, type Due, Members } from './members.ts';
import { decodeHeartbeat, encodeHeartbeat, type Heartbeat } from './message.ts';

const key = randomBytes(32);
const { everyMs, deadMs } = DEFAULT_TIMES;

describe('a heartbeat', () => {
  const heartbeat = fc.record({
    from: fc.string({ maxLength: 60 }),
    run: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    sequence: fc.nat(),
    answers: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    leaving: fc.boolean(),
  });

  it('reads as it was written, and not with another key', () => {
    fc.assert(
      fc.property(heartbeat, (message) => {
        const bytes = encodeHeartbeat(message, key);
        expect(decodeHeartbeat(bytes, key)).toEqual(message);
        expect(decodeHeartbeat(bytes, randomBytes(32))).toBeUndefined();
      }),
    );
  });

  it('is none when a bit is another, when it is cut, and for any bytes', () => {
    fc.assert(
      fc.property(heartbeat, fc.nat(), fc.uint8Array({ maxLength: 200 }), (message, place, noise) => {
        const bytes = encodeHeartbeat(message, key);
        const other = Buffer.from(bytes);
        const bit = place % (bytes.length * 8);
        other[bit >> 3] = (other[bit >> 3] as number) ^ (1 << (bit & 7));
        for (const one of [
          other,
          bytes.subarray(0, place % bytes.length),
          Buffer.concat([bytes, noise, Buffer.of(0)]),
          noise,
        ]) {
          expect(decodeHeartbeat(one, key)).toBeUndefined();
        }
      }),
    );
  });
});

/** Speakers that hear each other through `carries`. */
class World {
  now = 0;
  readonly names: readonly string[];
  readonly members = new Map<string, { readonly run: bigint; readonly members: Members }>();
  carries: (from: string, to: string) => boolean = () => true;
  changes = 0;
  readonly #log: { readonly to: string; readonly message: Heartbeat }[] = [];

  constructor(names: readonly string[]) {
    this.names = names;
    for (const name of names) this.start(name);
  }

  start(name: string): void {
    const run = randomBytes(8).readBigUInt64BE();
    const members = new Members(run, DEFAULT_TIMES, this.now);
    this.members.set(name, { run, members });
    members.setPeers(this.#peersOf(name), this.now);
  }

  #peersOf(name: string) {
    return this.names.filter((other) => other !== name).map((other) => ({ name: other, address: other, port: 10_250 }));
  }

  send(from: string, due: readonly Due[]): void {
    const sender = this.members.get(from);
    if (sender === undefined) return;
    for (const { address, sequence, answers } of due) {
      const message = { from, run: sender.run, sequence, answers, leaving: false };
      this.#log.push({ to: address, message });
      if (this.carries(from, address)) this.deliver(address, message);
    }
  }

  deliver(to: string, message: Heartbeat): void {
    const { changed, reply } = this.members.get(to)?.members.hear(message, this.now) ?? {};
    if (changed === true) this.changes += 1;
    if (reply !== undefined) this.send(to, [reply]);
  }

  /** Everything that was ever said, said again. */
  replay(): void {
    for (const { to, message } of [...this.#log]) this.deliver(to, message);
  }

  pass(ms: number, asleep: readonly string[] = []): void {
    for (const end = this.now + ms; this.now < end; this.now += everyMs / 3) {
      for (const [name, { members }] of this.members) {
        if (asleep.includes(name)) continue;
        const { due, changed } = members.tick(this.now);
        if (changed) this.changes += 1;
        this.send(name, due);
      }
    }
  }

  aliveTo(name: string): string[] {
    return this.members.get(name)?.members.alive.sort() ?? [];
  }
}

describe('members', () => {
  it('stay alive while they speak, and die within the time when one falls silent', () => {
    const world = new World(['a', 'b', 'c']);
    world.pass(5_000);
    expect([world.aliveTo('a'), world.changes]).toEqual([['b', 'c'], 0]);
    world.members.delete('c');
    const from = world.now;
    while (world.aliveTo('a').includes('c')) world.pass(everyMs / 3);
    expect(world.now - from).toBeLessThanOrEqual(deadMs + everyMs / 3);
    expect(world.aliveTo('b')).toEqual(['a']);
  });

  it('are presumed alive by who starts, and not when they come later', () => {
    const world = new World(['a', 'b']);
    world.members.delete('b');
    expect(world.aliveTo('a')).toEqual(['b']);
    world.pass(deadMs + everyMs);
    expect(world.aliveTo('a')).toEqual([]);
    world.members.get('a')?.members.setPeers([{ name: 'c', address: 'c', port: 10_250 }], world.now);
    expect(world.aliveTo('a')).toEqual([]);
  });

  it('are heard at once when they start again, and others by them', () => {
    const world = new World(['a', 'b']);
    world.pass(1_000);
    world.members.delete('b');
    world.pass(2_000);
    world.start('b');
    world.pass(everyMs);
    expect([world.aliveTo('a'), world.aliveTo('b')]).toEqual([['b'], ['a']]);
  });

  it('are not brought to life, and not killed, by what somebody says again', () => {
    const world = new World(['a', 'b']);
    world.pass(1_000);
    world.members.delete('b');
    world.pass(1_000);
    world.replay();
    expect(world.aliveTo('a')).toEqual([]);
    world.start('b');
    world.pass(1_000);
    world.changes = 0;
    for (let round = 0; round < 20; round++) {
      world.replay();
      world.pass(everyMs);
    }
    expect([world.aliveTo('a'), world.aliveTo('b'), world.changes]).toEqual([['b'], ['a'], 0]);
  });

  it('are not judged by one that has itself stood still', () => {
    const world = new World(['a', 'b']);
    world.pass(1_000);
    world.now += 10_000;
    world.changes = 0;
    world.pass(1_000);
    expect([world.aliveTo('a'), world.aliveTo('b'), world.changes]).toEqual([['b'], ['a'], 0]);
  });

  it('say good-bye, and are gone at once', () => {
    const world = new World(['a', 'b']);
    world.pass(1_000);
    const b = world.members.get('b');
    const [due] = b?.members.toAll() ?? [];
    if (b === undefined || due === undefined) throw new Error('b has nothing to say');
    world.deliver('a', { from: 'b', run: b.run, sequence: due.sequence, answers: due.answers, leaving: true });
    expect(world.aliveTo('a')).toEqual([]);
  });

  it('on two sides of a cut count those of their side, and all again afterwards', () => {
    const world = new World(['a', 'b', 'c']);
    world.pass(1_000);
    world.carries = (from, to) => (from === 'c') === (to === 'c');
    world.pass(2_000);
    expect([world.aliveTo('a'), world.aliveTo('c')]).toEqual([['b'], []]);
    world.carries = () => true;
    world.pass(DEFAULT_TIMES.probeMs + everyMs);
    expect([world.aliveTo('a'), world.aliveTo('c')]).toEqual([
      ['b', 'c'],
      ['a', 'b'],
    ]);
  });

  it('lose two messages in a row, again and again, without dying', () => {
    const world = new World(['a', 'b']);
    world.pass(1_000);
    world.changes = 0;
    let count = 0;
    world.carries = () => count++ % 6 >= 4;
    world.pass(10_000);
    expect(world.changes).toBe(0);
  });
});
