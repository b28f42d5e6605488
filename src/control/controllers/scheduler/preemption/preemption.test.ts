// Which victims are chosen, and on which node.
// Pure, without an API server.
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { expect, test } from 'vitest';
import { NodeFinder } from '../find-node.ts';
import { podInfo } from '../state/pod-info.ts';
import { aCluster, aNode, aPod } from '../testing.ts';
import { findVictims } from './index.ts';

const pod = (name: string, priority: number, cpu = '2', startTime?: string): Pod => ({
  ...aPod(name, { cpu }, { priority }, { app: name }),
  ...(startTime === undefined ? {} : { status: { startTime } }),
});

const budgetFor = (app: string, disruptionsAllowed: number): PodDisruptionBudget => ({
  metadata: { namespace: 'default' },
  spec: { selector: { matchLabels: { app } } },
  status: { disruptionsAllowed, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 },
});

function victims(
  preemptor: Pod,
  placed: ReadonlyArray<readonly [string, Pod]>,
  budgets: readonly PodDisruptionBudget[] = [],
): string {
  const names = [...new Set(placed.map(([node]) => node))];
  const cluster = aCluster(
    names.map((name) => aNode(name)),
    placed,
  );
  const { unfit } = new NodeFinder(() => 0).find(podInfo(preemptor), cluster);
  if (unfit === undefined) throw new Error('It fits as it is');
  const { candidate, message } = findVictims(podInfo(preemptor), unfit, cluster, budgets, () => 0);
  if (candidate === undefined) return message;
  return `${candidate.node}: ${candidate.victims.map(({ pod: { metadata } }) => metadata?.name).join(' ')}`;
}

test('only as many go as must, the least important first', () => {
  const placed = [
    ['n', pod('a', 1, '1')],
    ['n', pod('b', 2, '1')],
    ['n', pod('c', 3, '2')],
  ] as const;
  expect(victims(pod('p', 9, '1'), placed)).toBe('n: a');
  expect(victims(pod('p', 9, '2'), placed)).toBe('n: b a');
  expect(victims(pod('p', 2, '2'), placed)).toContain('1 Insufficient cpu');
});

test('of equals the one that started last goes', () => {
  const placed = [
    ['n', pod('old', 1, '2', '2026-01-01T00:00:00Z')],
    ['n', pod('young', 1, '2', '2026-02-01T00:00:00Z')],
  ] as const;
  expect(victims(pod('p', 9), placed)).toBe('n: young');
});

test('a budget weighs more than the priority of victims', () => {
  const placed = [
    ['n1', pod('guarded', 1, '4')],
    ['n2', pod('free', 5, '4')],
  ] as const;
  expect(victims(pod('p', 9), placed)).toBe('n1: guarded');
  expect(victims(pod('p', 9), placed, [budgetFor('guarded', 0)])).toBe('n2: free');
  expect(victims(pod('p', 9), placed, [budgetFor('guarded', 1)])).toBe('n1: guarded');
});

test('the node whose victims matter least is chosen: by the highest priority, the sum, then the number', () => {
  const two = [
    ['n1', pod('a', 5, '4')],
    ['n2', pod('b', 1, '2')],
    ['n2', pod('c', 1, '2')],
  ] as const;
  expect(victims(pod('p', 9, '4'), two)).toBe('n2: b c');
  const equal = [
    ['n1', pod('a', 1, '4')],
    ['n2', pod('b', 1, '2')],
    ['n2', pod('c', 1, '2')],
  ] as const;
  expect(victims(pod('p', 9, '4'), equal)).toBe('n1: a');
});
