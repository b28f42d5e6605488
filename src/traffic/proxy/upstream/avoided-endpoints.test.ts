// How long picks avoid an endpoint, and who finds out whether it is back.
import { describe, expect, it } from 'vitest';
import type { ClusterEntry, EngineTarget } from '#traffic/snapshot/index.ts';
import { AvoidedEndpoints } from './avoided-endpoints.ts';

const target = { key: 'a' } as EngineTarget;
const cluster = { targetOf: (key: string) => (key === 'a' ? target : undefined) } as ClusterEntry;
const isAvoided = (avoided: AvoidedEndpoints, now: number): boolean => avoided.of(cluster, now).length > 0;

describe('an endpoint that is silent', () => {
  it('is tried by one request at a time, which waits twice as long each time, up to 8 s', () => {
    const avoided = new AvoidedEndpoints();
    avoided.avoid('a', true, 0);
    const times: number[] = [];
    for (let now = 0; now < 40_000; now += 10) {
      if (isAvoided(avoided, now)) continue;
      times.push(now);
      avoided.picked('a', now);
      expect(isAvoided(avoided, now)).toBe(true);
      // Whoever went there knows after a second.
      avoided.avoid('a', true, now + 500);
    }
    expect(times).toEqual([1_000, 3_500, 8_000, 16_500, 25_000, 33_500]);
  });

  it('costs no more for all those that were under way there together', () => {
    const avoided = new AvoidedEndpoints();
    for (let now = 0; now < 300; now += 10) avoided.avoid('a', true, now);
    expect(isAvoided(avoided, 1_280)).toBe(true);
    expect(isAvoided(avoided, 1_290)).toBe(false);
  });

  it('is like any other as soon as it answers', () => {
    const avoided = new AvoidedEndpoints();
    avoided.avoid('a', true, 0);
    avoided.forgive('a');
    expect(isAvoided(avoided, 10)).toBe(false);
  });
});

describe('an endpoint that refuses', () => {
  it('is avoided for a second each time, because to see whether it is back costs nothing', () => {
    const avoided = new AvoidedEndpoints();
    for (const now of [0, 1_000, 2_000]) {
      avoided.picked('a', now);
      avoided.avoid('a', false, now);
      expect(isAvoided(avoided, now + 999)).toBe(true);
      expect(isAvoided(avoided, now + 1_000)).toBe(false);
    }
  });
});
