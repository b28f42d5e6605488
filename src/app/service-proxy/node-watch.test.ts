// Ranges of ClusterIPs without the addresses that somebody else serves: numbers only, and nothing is started.
import { expect, test } from 'vitest';
import { inAnyOf } from '#lib/ip.ts';
import { rangesWithout } from './node-watch.ts';

test('the name server is left out of the ranges, and nobody else is', () => {
  const left = rangesWithout(['10.96.0.0/16', 'fd00:96::/112'], ['10.96.0.10', 'fd00:96::a']);
  const held = inAnyOf(left);
  expect(['10.96.0.10', 'fd00:96::a', '10.97.0.0', '10.95.255.255'].filter(held)).toEqual([]);
  const others = ['10.96.0.0', '10.96.0.9', '10.96.0.11', '10.96.255.255', 'fd00:96::', 'fd00:96::9', 'fd00:96::ffff'];
  expect(others.filter(held)).toEqual(others);
  expect(left).toHaveLength(32);
});

test('ranges stay what they are where none of the addresses is theirs', () => {
  expect(rangesWithout(['10.96.0.0/16'], [])).toEqual(['10.96.0.0/16']);
  expect(rangesWithout(['10.96.0.0/16'], ['192.0.2.1', 'fd00::1'])).toEqual(['10.96.0.0/16']);
  expect(rangesWithout([], ['10.96.0.10'])).toEqual([]);
});
