// Which pods count: every row of the table, and requests of pods as a whole and by container.
import { expect, test } from 'vitest';
import { groupPods, type PodFacts } from './pods.ts';
import { requestsOf } from './requests.ts';
import { groupingRows } from './testing/grouping-data.ts';
import { NOW, RULES } from './testing/pods.ts';

const ago = (seconds: number): number => NOW - seconds * 1000;

test.each(groupingRows)('$what: $is', (row) => {
  const { resource = 'cpu', phase = 'Running', deleting = false, started, ready, measured, is } = row;
  const pod: PodFacts = {
    name: 'a',
    phase,
    deleting,
    startedAt: started === undefined ? undefined : ago(started),
    ready: ready && { status: ready[0], since: ago(ready[1]) },
    containers: [],
    podRequests: undefined,
  };
  const metric = measured === undefined ? [] : [['a', { value: 1n, at: ago(measured), windowMs: 30_000 }] as const];
  const groups = groupPods([pod], new Map(metric), resource, RULES);
  expect({
    ready: groups.ready,
    unready: [...groups.unready],
    missing: [...groups.missing],
    ignored: [...groups.ignored],
  }).toEqual({ ready: 0, unready: [], missing: [], ignored: [], [is]: is === 'ready' ? 1 : ['a'] });
});

function pod(containers: Record<string, Record<string, bigint>>, whole?: Record<string, bigint>): PodFacts {
  return {
    name: 'p',
    phase: 'Running',
    deleting: false,
    startedAt: 0,
    ready: undefined,
    containers: Object.entries(containers).map(([name, requests]) => ({ name, requests })),
    podRequests: whole,
  };
}

const two = { a: { cpu: 100n, memory: 5n }, b: { cpu: 200n } };

test.each([
  ['the sum of the containers', pod(two), 'cpu', undefined, 300n],
  ['of one container', pod(two), 'cpu', 'b', 200n],
  [
    'a container without a request',
    pod(two),
    'memory',
    undefined,
    'missing request for memory in container b of Pod p',
  ],
  ['another container has none', pod(two), 'memory', 'a', 5n],
  ['that container has none', pod(two), 'memory', 'b', 'missing request for memory in container b of Pod p'],
  ['no such container', pod(two), 'cpu', 'c', 'container c not found in Pod p'],
  ['the pod as a whole', pod(two, { cpu: 1000n }), 'cpu', undefined, 1000n],
  [
    'the pod as a whole leaves it open',
    pod(two, { cpu: 1000n }),
    'memory',
    undefined,
    'missing pod-level request for memory in Pod p',
  ],
  ['a named container counts before the whole', pod(two, { cpu: 1000n }), 'cpu', 'a', 100n],
  ['no containers', pod({}), 'cpu', undefined, 0n],
])('requests: %s', (_what, facts, resource, container, expected) => {
  const result = requestsOf([facts], resource, container);
  if (typeof expected === 'string') expect(result).toEqual({ ok: false, message: expected });
  else expect(result).toEqual({ ok: true, of: new Map([['p', expected]]) });
});
