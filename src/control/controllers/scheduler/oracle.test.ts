// Random clusters and pods: what the scheduler decides, checked against a slow and plain reading of the rules.
// Shares nothing with the filters but the objects; each rule is written again, over whole lists.
import fc from 'fast-check';
import type { Node, Pod, PodAffinityTerm, TopologySpreadConstraint } from 'kubernetes-types/core/v1.js';
import { describe, expect, test } from 'vitest';
import { prepareChecks } from './filters/index.ts';
import { NodeFinder } from './find-node.ts';
import { findVictims } from './preemption/index.ts';
import { podInfo } from './state/pod-info.ts';
import { aCluster, aNode, aPod } from './testing.ts';

type Placed = readonly [string, Pod];

const cpu = (pod: Pod): number =>
  (pod.spec?.containers ?? []).reduce((sum, c) => sum + Number(c.resources?.requests?.cpu ?? 0), 0);
const label = (node: Node, key: string): string | undefined => node.metadata?.labels?.[key];
const selected = (pod: Pod, app: string | undefined): boolean => pod.metadata?.labels?.app === app;
const appOf = (term: { labelSelector?: { matchLabels?: Record<string, string> } }): string | undefined =>
  term.labelSelector?.matchLabels?.app;

/** Whether the pod may run on the node, with `placed` standing. */
function may(pod: Pod, node: Node, nodes: readonly Node[], placed: readonly Placed[]): boolean {
  const name = node.metadata?.name ?? '';
  const here = placed.filter(([on]) => on === name).map(([, other]) => other);
  if (here.length >= Number(node.status?.allocatable?.pods)) return false;
  if (here.reduce((sum, other) => sum + cpu(other), cpu(pod)) > Number(node.status?.allocatable?.cpu)) return false;
  if (node.spec?.unschedulable === true) return false;
  if ((node.spec?.taints ?? []).some(({ key }) => !pod.spec?.tolerations?.some((each) => each.key === key)))
    return false;
  const wantedZone = pod.spec?.nodeSelector?.zone;
  if (wantedZone !== undefined && label(node, 'zone') !== wantedZone) return false;
  const port = (each: Pod): number | undefined => each.spec?.containers[0]?.ports?.[0]?.hostPort;
  if (port(pod) !== undefined && here.some((other) => port(other) === port(pod))) return false;

  const nodeOf = (on: string): Node | undefined => nodes.find(({ metadata }) => metadata?.name === on);
  const inDomain = (key: string, value: string | undefined): Pod[] =>
    placed.flatMap(([on, other]) => {
      const its = nodeOf(on);
      return value !== undefined && its !== undefined && label(its, key) === value ? [other] : [];
    });
  const terms = (each: Pod, which: 'podAffinity' | 'podAntiAffinity'): PodAffinityTerm[] =>
    each.spec?.affinity?.[which]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  for (const term of terms(pod, 'podAntiAffinity')) {
    if (inDomain(term.topologyKey, label(node, term.topologyKey)).some((other) => selected(other, appOf(term))))
      return false;
  }
  for (const [on, other] of placed) {
    const its = nodeOf(on);
    for (const term of terms(other, 'podAntiAffinity')) {
      const value = its === undefined ? undefined : label(its, term.topologyKey);
      if (value !== undefined && value === label(node, term.topologyKey) && selected(pod, appOf(term))) return false;
    }
  }
  for (const term of terms(pod, 'podAffinity')) {
    if (label(node, term.topologyKey) === undefined) return false;
    const friends = inDomain(term.topologyKey, label(node, term.topologyKey)).some((o) => selected(o, appOf(term)));
    const anywhere = placed.some(([on, o]) => {
      const its = nodeOf(on);
      return its !== undefined && label(its, term.topologyKey) !== undefined && selected(o, appOf(term));
    });
    if (!friends && (anywhere || !selected(pod, appOf(term)))) return false;
  }
  for (const constraint of pod.spec?.topologySpreadConstraints ?? []) {
    const value = label(node, constraint.topologyKey);
    if (value === undefined) return false;
    const counted = nodes.filter(
      (each) =>
        label(each, constraint.topologyKey) !== undefined &&
        (wantedZone === undefined || label(each, 'zone') === wantedZone),
    );
    const domains = [...new Set(counted.map((each) => label(each, constraint.topologyKey)))];
    const count = (domain: string | undefined): number =>
      inDomain(constraint.topologyKey, domain).filter((o) => selected(o, appOf(constraint))).length;
    const least = Math.min(...domains.map(count));
    const own = selected(pod, appOf(constraint)) ? 1 : 0;
    if (count(value) + own - least > constraint.maxSkew) return false;
  }
  return true;
}

const key = fc.constantFrom('zone', 'kubernetes.io/hostname');
const app = fc.constantFrom('a', 'b');
const term = fc.record({ topologyKey: key, labelSelector: app.map((name) => ({ matchLabels: { app: name } })) });
const constraint: fc.Arbitrary<TopologySpreadConstraint> = fc.record({
  topologyKey: key,
  labelSelector: app.map((name) => ({ matchLabels: { app: name } })),
  maxSkew: fc.integer({ min: 1, max: 2 }),
  whenUnsatisfiable: fc.constant('DoNotSchedule'),
});
const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined, freq: 3 });

const podShape = fc.record({
  cpu: fc.integer({ min: 0, max: 3 }),
  app,
  priority: fc.integer({ min: 0, max: 3 }),
  zone: rarely(fc.constantFrom('x', 'y')),
  tolerates: fc.boolean(),
  port: rarely(fc.constantFrom(80, 81)),
  near: rarely(term),
  apart: rarely(term),
  spread: rarely(constraint),
});

function shaped(name: string, shape: typeof podShape extends fc.Arbitrary<infer T> ? T : never): Pod {
  const { near, apart, spread } = shape;
  const pod = aPod(
    name,
    { cpu: String(shape.cpu) },
    {
      priority: shape.priority,
      ...(shape.zone === undefined ? {} : { nodeSelector: { zone: shape.zone } }),
      ...(shape.tolerates ? { tolerations: [{ key: 'gpu', operator: 'Exists' }] } : {}),
      ...(spread === undefined ? {} : { topologySpreadConstraints: [spread] }),
      affinity: {
        ...(near === undefined ? {} : { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near] } }),
        ...(apart === undefined
          ? {}
          : { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [apart] } }),
      },
    },
    { app: shape.app },
  );
  const [container] = pod.spec?.containers ?? [];
  if (shape.port !== undefined && container !== undefined)
    container.ports = [{ containerPort: 1, hostPort: shape.port, protocol: 'TCP' }];
  return pod;
}

const nodeShape = fc.record({
  zone: rarely(fc.constantFrom('x', 'y')),
  cordoned: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  tainted: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  cpu: fc.integer({ min: 1, max: 5 }),
  pods: fc.integer({ min: 1, max: 4 }),
});

const world = fc.record({
  nodes: fc
    .array(nodeShape, { minLength: 1, maxLength: 5 })
    .map((shapes) =>
      shapes.map((shape, i) =>
        aNode(
          `n${i}`,
          shape.zone === undefined ? {} : { zone: shape.zone },
          { unschedulable: shape.cordoned, taints: shape.tainted ? [{ key: 'gpu', effect: 'NoSchedule' }] : [] },
          { cpu: String(shape.cpu), pods: String(shape.pods) },
        ),
      ),
    ),
  pods: fc.array(podShape, { minLength: 1, maxLength: 12 }).map((all) => all.map((shape, i) => shaped(`p${i}`, shape))),
  seed: fc.integer({ min: 0, max: 0xffff }),
});

/** A random source that repeats. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
}

describe('against the plain reading of the rules', () => {
  test('a pod is bound exactly when a node may have it, and to such a node', () => {
    fc.assert(
      fc.property(world, ({ nodes, pods, seed }) => {
        const cluster = aCluster(nodes);
        const finder = new NodeFinder(seeded(seed));
        const placed: Placed[] = [];
        for (const pod of pods) {
          const allowed = nodes.filter((node) => may(pod, node, nodes, placed)).map(({ metadata }) => metadata?.name);
          const { node } = finder.find(podInfo(pod), cluster);
          if (allowed.length === 0) expect(node).toBeUndefined();
          else expect(allowed).toContain(node);
          if (node === undefined) continue;
          placed.push([node, pod]);
          cluster.state.place(pod, node);
        }
      }),
      { numRuns: 400 },
    );
  });

  test('the same random numbers give the same decisions', () => {
    const run = ({ nodes, pods, seed }: { nodes: Node[]; pods: Pod[]; seed: number }): unknown[] => {
      const cluster = aCluster(nodes);
      const finder = new NodeFinder(seeded(seed));
      return pods.map((pod) => {
        const { node } = finder.find(podInfo(pod), cluster);
        if (node !== undefined) cluster.state.place(pod, node);
        return node;
      });
    };
    fc.assert(
      fc.property(world, (given) => {
        expect(run(given)).toEqual(run(given));
      }),
      { numRuns: 50 },
    );
  });

  test('victims are of lower priority, enough, and none too many; looking for them changes nothing', () => {
    let found = 0;
    fc.assert(
      fc.property(world, ({ nodes, pods, seed }) => {
        const cluster = aCluster(nodes);
        const finder = new NodeFinder(seeded(seed));
        const placed: Placed[] = [];
        for (const pod of pods) {
          const info = podInfo(pod);
          const { node, unfit } = finder.find(info, cluster);
          if (node !== undefined) {
            placed.push([node, pod]);
            cluster.state.place(pod, node);
            continue;
          }
          const { candidate } = findVictims(info, unfit, cluster, [], () => 0);
          const checks = prepareChecks(info, cluster);
          for (const each of cluster.nodes) expect(checks.on(each)).toEqual(unfit.refusals.get(each.name));
          if (candidate === undefined) {
            // Not even without all of lower priority on one node.
            for (const each of nodes) {
              const left = placed.filter(
                ([on, other]) => on !== each.metadata?.name || (other.spec?.priority ?? 0) >= info.priority,
              );
              const evicts = left.length < placed.length;
              // Affinity to a pod is never made by evicting it.
              if (evicts && unfit.refusals.get(each.metadata?.name ?? '')?.hopeless === false)
                expect(may(pod, each, nodes, left)).toBe(false);
            }
            continue;
          }
          found += 1;
          const there = nodes.find(({ metadata }) => metadata?.name === candidate.node) as Node;
          const gone = new Set(candidate.victims.map(({ pod: victim }) => victim));
          const left = placed.filter(([, other]) => !gone.has(other));
          expect(candidate.victims.every(({ priority }) => priority < info.priority)).toBe(true);
          expect(candidate.victims.length).toBe(placed.length - left.length);
          expect(may(pod, there, nodes, left)).toBe(true);
          // The least important victim could not have stayed, with all that were let stay.
          const last = candidate.victims.at(-1)?.pod;
          const withLast = placed.filter(([, other]) => !gone.has(other) || other === last);
          expect(may(pod, there, nodes, withLast)).toBe(false);
        }
      }),
      { numRuns: 400 },
    );
    expect(found).toBeGreaterThan(0);
  });
});
