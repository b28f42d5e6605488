// Defaults of the workload kinds.
// Upstream source of the rules: pkg/apis/apps/v1/defaults.go.
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import { persistentVolumeClaimDefaults } from './core.ts';
import { fill, fillZero } from './fill.ts';
import { podTemplateDefaults } from './pod.ts';

const historyLimit = 10;
const progressDeadlineSeconds = 600;

export function deploymentDefaults(deployment: Deployment): void {
  const { spec } = deployment;
  if (spec === undefined) return;
  fill(spec, { replicas: 1, revisionHistoryLimit: historyLimit, progressDeadlineSeconds, strategy: {} });
  const strategy = spec.strategy ?? {};
  fillZero(strategy, { type: 'RollingUpdate' });
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    fill(strategy.rollingUpdate, { maxUnavailable: '25%', maxSurge: '25%' });
  }
  podTemplateDefaults(spec.template);
  fill(deployment, { status: {} });
}

export function replicaSetDefaults(replicaSet: ReplicaSet): void {
  const { spec } = replicaSet;
  if (spec === undefined) return;
  fill(spec, { replicas: 1 });
  podTemplateDefaults(spec.template);
  fill(replicaSet, { status: { replicas: 0 } });
}

export function daemonSetDefaults(daemonSet: DaemonSet): void {
  const { spec } = daemonSet;
  if (spec === undefined) return;
  fill(spec, { revisionHistoryLimit: historyLimit, updateStrategy: {} });
  const strategy = spec.updateStrategy ?? {};
  fillZero(strategy, { type: 'RollingUpdate' });
  if (strategy.type === 'RollingUpdate') {
    strategy.rollingUpdate ??= {};
    fill(strategy.rollingUpdate, { maxUnavailable: 1, maxSurge: 0 });
  }
  podTemplateDefaults(spec.template);
  fill(daemonSet, {
    status: {
      currentNumberScheduled: 0,
      desiredNumberScheduled: 0,
      numberMisscheduled: 0,
      numberReady: 0,
    },
  });
}

export function statefulSetDefaults(statefulSet: StatefulSet): void {
  const { spec } = statefulSet;
  if (spec === undefined) return;
  fillZero(spec, { podManagementPolicy: 'OrderedReady' });
  fill(spec, {
    replicas: 1,
    revisionHistoryLimit: historyLimit,
    updateStrategy: {},
    persistentVolumeClaimRetentionPolicy: {},
  });
  fillZero(spec.persistentVolumeClaimRetentionPolicy ?? {}, { whenDeleted: 'Retain', whenScaled: 'Retain' });
  const strategy = spec.updateStrategy ?? {};
  // Who names the strategy but gives no settings keeps none, unlike in the other kinds.
  if (!strategy.type) strategy.rollingUpdate ??= {};
  fillZero(strategy, { type: 'RollingUpdate' });
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate !== undefined) {
    fill(strategy.rollingUpdate, { partition: 0 });
  }
  podTemplateDefaults(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    fillZero(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim' });
    persistentVolumeClaimDefaults(claim);
  }
  fill(statefulSet, { status: { replicas: 0 } });
}
