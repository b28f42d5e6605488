// Blocks of a range: each given once, in turn, whatever nodes have already.
// Knows no node.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlap, parseRange } from '#lib/address-range.ts';
import { CidrPool, divisionObstacle } from './cidr-pool.ts';

describe('a pool of ranges', () => {
  it('gives each once, and again only after the others', () => {
    const pool = new CidrPool('10.244.0.0/22', 24);
    expect([0, 1, 2, 3, 4].map(() => pool.take())).toEqual([
      '10.244.0.0/24',
      '10.244.1.0/24',
      '10.244.2.0/24',
      '10.244.3.0/24',
      undefined,
    ]);
    pool.release('10.244.2.0/24');
    pool.release('10.244.0.0/24');
    expect([pool.take(), pool.take(), pool.take()]).toEqual(['10.244.0.0/24', '10.244.2.0/24', undefined]);
  });

  it('gives to a node that follows another the next one, not that of the other', () => {
    const pool = new CidrPool('fd00:10:244::/62', 64);
    const first = pool.take() ?? '';
    pool.release(first);
    expect([first, pool.take()]).toEqual(['fd00:10:244::/64', 'fd00:10:244:1::/64']);
  });

  it('gives nothing of what nodes have, wider and narrower ranges included', () => {
    const pool = new CidrPool('10.244.0.0/21', 24);
    pool.occupy('10.244.1.128/25');
    pool.occupy('10.244.1.0/25');
    pool.occupy('10.244.4.0/22');
    pool.occupy('192.0.2.0/24');
    pool.release('10.244.1.0/25');
    expect([0, 1, 2, 3].map(() => pool.take())).toEqual(['10.244.0.0/24', '10.244.2.0/24', '10.244.3.0/24', undefined]);
    pool.release('10.244.1.128/25');
    expect(pool.take()).toBe('10.244.1.0/24');
  });

  it('never gives two that overlap', () => {
    const step = fc.oneof(fc.constant('take' as const), fc.nat(40));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = new CidrPool('10.0.0.0/27', 30);
        const held: string[] = [];
        for (const each of steps) {
          if (each !== 'take') {
            const [back] = held.splice(each % Math.max(1, held.length), 1);
            if (back !== undefined) pool.release(back);
            continue;
          }
          const given = pool.take();
          expect(given === undefined).toBe(held.length === 8);
          if (given === undefined) continue;
          for (const other of held) expect(overlap(rangeOf(other), rangeOf(given))).toBe(false);
          held.push(given);
        }
      }),
    );
  });

  it('says why a range cannot be divided', () => {
    expect(divisionObstacle('10.0.0.0/16', 24)).toBeUndefined();
    expect(divisionObstacle('10.0.0.0/16', 16)).toBeUndefined();
    expect(divisionObstacle('10.0.0.0', 24)).toContain('no range');
    expect(divisionObstacle('10.0.0.0/25', 24)).toContain('wider');
    expect(divisionObstacle('fd00::/32', 64)).toContain('65,536');
    expect(divisionObstacle('10.0.0.0/16', 33)).toContain('32 bits');
  });
});

function rangeOf(text: string): NonNullable<ReturnType<typeof parseRange>> {
  const range = parseRange(text);
  if (range === undefined) throw new Error(`No range: ${text}`);
  return range;
}
