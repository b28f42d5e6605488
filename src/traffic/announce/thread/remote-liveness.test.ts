// What the main thread thinks of others while the thread that hears them has not been asked, or has just answered.
// Time is moved by hand; the other thread is the test.
import { describe, expect, it } from 'vitest';
import { FakeClock } from '#lib/clock.ts';
import type { Peer } from '../liveness/members.ts';
import { RemoteLiveness } from './remote-liveness.ts';

const SETTLE_MS = 600;
const peers = (...names: string[]): Peer[] => names.map((name) => ({ name, address: `at ${name}`, port: 10_250 }));

function world() {
  const clock = new FakeClock();
  const asked: [version: number, names: string[]][] = [];
  let changes = 0;
  const liveness = new RemoteLiveness({
    name: 'a',
    settleMs: SETTLE_MS,
    clock,
    onChange: () => {
      changes += 1;
    },
    refused: () => 0,
    setPeers: (version, list) => asked.push([version, list.map(({ name }) => name)]),
    leave: () => Promise.resolve(),
  });
  return { clock, asked, liveness, changes: () => changes };
}

describe('others', () => {
  it('count as alive at the start, until the one that hears says otherwise', () => {
    const { liveness, changes } = world();
    liveness.setPeers(peers('a', 'b', 'c'));
    expect(liveness.alivePeers).toEqual(['b', 'c']);
    liveness.hear(1, ['b', 'c']);
    expect(changes()).toBe(0);
    liveness.hear(1, ['c']);
    expect([liveness.alivePeers, changes()]).toEqual([['c'], 1]);
  });

  it('that come later are alive once they are heard', () => {
    const { clock, liveness } = world();
    clock.advance(SETTLE_MS);
    liveness.setPeers(peers('a', 'b'));
    expect(liveness.isAlive('b')).toBe(false);
    liveness.hear(1, ['b']);
    expect(liveness.isAlive('b')).toBe(true);
    liveness.setPeers(peers('a'));
    expect(liveness.isAlive('b')).toBe(false);
  });

  it('are not judged by an answer to a question that did not name them', () => {
    const { liveness, changes } = world();
    liveness.setPeers(peers('b'));
    liveness.setPeers(peers('b', 'c'));
    liveness.hear(1, ['b']);
    expect([liveness.alivePeers, changes()]).toEqual([['b', 'c'], 0]);
    liveness.hear(2, ['b']);
    expect([liveness.alivePeers, changes()]).toEqual([['b'], 1]);
  });

  it('are asked about once as long as they are the same', () => {
    const { asked, liveness } = world();
    for (let count = 0; count < 3; count++) liveness.setPeers(peers('a', 'b'));
    liveness.setPeers([{ name: 'b', address: 'elsewhere', port: 10_250 }]);
    expect(asked).toEqual([
      [1, ['b']],
      [2, ['b']],
    ]);
  });
});
