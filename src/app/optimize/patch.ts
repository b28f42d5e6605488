// Advice as manifests for server-side apply: only what changes, with the evidence as a comment above each line.
// Knows the shapes of the objects; nothing of how the advice came about.
import { Document, isMap, type Node, type YAMLMap } from 'yaml';
import type { Advice } from './advise.ts';
import type { WorkloadFacts } from './facts.ts';

/** YAML documents, for `kubectl apply --server-side --force-conflicts -f -`; empty without advice. */
export function patchOf(all: readonly Advice[]): string {
  const byWorkload = Map.groupBy(all, ({ workload }) => workload);
  return [...byWorkload].flatMap(([workload, advice]) => documentsOf(workload, advice)).join('---\n');
}

function documentsOf(workload: WorkloadFacts, advice: readonly Advice[]): readonly string[] {
  const documents: string[] = [];
  const resources = advice.filter(({ change }) => change.what === 'resources');
  if (resources.length > 0) documents.push(workloadPatch(workload, resources));
  const settings = Map.groupBy(advice, ({ change }) => (change.what === 'setting' ? change.service : ''));
  for (const [service, all] of settings) if (service !== '') documents.push(servicePatch(workload, service, all));
  const { namespace, name, selector } = workload;
  for (const one of advice) {
    const { change } = one;
    const metadata = { name, namespace };
    if (change.what === 'autoscaler') {
      const { name: own, what: _, ...spec } = change;
      documents.push(
        commented(one, {
          apiVersion: 'autoscaling/v2',
          kind: 'HorizontalPodAutoscaler',
          metadata: { ...metadata, name: own },
          spec,
        }),
      );
    } else if (change.what === 'new autoscaler') {
      const scaleTargetRef = { apiVersion: workload.apiVersion, kind: workload.kind, name };
      const target = { type: 'Utilization', averageUtilization: change.utilization };
      const metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
      const { minReplicas, maxReplicas } = change;
      const spec = { scaleTargetRef, minReplicas, maxReplicas, metrics };
      documents.push(commented(one, { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata, spec }));
    } else if (change.what === 'budget') {
      const spec = { maxUnavailable: 1, selector: { matchLabels: selector } };
      documents.push(commented(one, { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec }));
    }
  }
  return documents;
}

function servicePatch({ namespace }: WorkloadFacts, name: string, advice: readonly Advice[]): string {
  const annotations = Object.fromEntries(
    advice.flatMap(({ change }) => (change.what === 'setting' ? [[change.annotation, change.value]] : [])),
  );
  const document = new Document({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, annotations } });
  for (const { change, evidence } of advice) {
    if (change.what === 'setting')
      comment(document.getIn(['metadata', 'annotations'], true), change.annotation, evidence);
  }
  return document.toString({ lineWidth: 0 });
}

function commented({ evidence }: Advice, object: object): string {
  const document = new Document(object);
  document.commentBefore = ` ${evidence}`;
  return document.toString({ lineWidth: 0 });
}

function workloadPatch({ apiVersion, kind, namespace, name }: WorkloadFacts, advice: readonly Advice[]): string {
  const containers = new Map<string, { requests?: Record<string, string>; limits?: Record<string, string> }>();
  for (const { change } of advice) {
    if (change.what !== 'resources') continue;
    const own = containers.get(change.container) ?? {};
    containers.set(change.container, { ...own, [change.of]: { ...own[change.of], [change.resource]: change.value } });
  }
  const list = [...containers].map(([container, resources]) => ({ name: container, resources }));
  const document = new Document({
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec: { template: { spec: { containers: list } } },
  });
  for (const { change, evidence } of advice) {
    if (change.what !== 'resources') continue;
    const at = list.findIndex((one) => one.name === change.container);
    const parent = document.getIn(['spec', 'template', 'spec', 'containers', at, 'resources', change.of], true);
    comment(parent, change.resource, evidence);
  }
  return document.toString({ lineWidth: 0 });
}

function comment(parent: unknown, key: string, text: string): void {
  if (!isMap(parent)) return;
  const pair = (parent as YAMLMap<Node, Node>).items.find((item) => String(item.key) === key);
  if (pair !== undefined) pair.key.commentBefore = ` ${text}`;
}
