// Rules of Deployment, ReplicaSet, ReplicationController, StatefulSet and DaemonSet.
// Knows selectors and templates together. Upstream source: pkg/apis/apps/validation.
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js';
import type { PodTemplateSpec, ReplicationController } from 'kubernetes-types/core/v1.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { labelSelectorMatches, mapSelectorMatches } from '../selector.ts';
import {
  isEmptySelector,
  isZero,
  notAboveHundredPercent,
  notNegative,
  oneOf,
  validateIntOrPercent,
  validateSelector,
} from './common.ts';
import { immutable } from './metadata.ts';
import { dns1035Label } from './names.ts';
import { validateTemplate } from './pod/spec.ts';
import { child, type FieldPath, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const templateLabels = child('spec', 'template', 'metadata', 'labels');

/** Selector and template of a workload: the selector is there, selects something, and selects the template's pods. */
export function validateSelectedTemplate(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  emptyMessage: string,
  report: Report,
): void {
  const path = child('spec', 'selector');
  if (selector === undefined) report.required(path);
  else {
    validateSelector(selector, path, report);
    if (isEmptySelector(selector)) report.invalid(path, selector, emptyMessage);
  }
  // As upstream: a selector that is missing matches nothing, an empty one everything.
  const labels = template?.metadata?.labels;
  if (selector === undefined || (!isEmptySelector(selector) && !labelSelectorMatches(selector, labels))) {
    report.invalid(templateLabels, labels ?? {}, '`selector` does not match template `labels`');
  }
  validateTemplate(template, child('spec', 'template'), report);
  alwaysRestarts(template, report);
}

function alwaysRestarts(template: PodTemplateSpec | undefined, report: Report): void {
  const spec = template?.spec;
  if (spec?.restartPolicy !== undefined && spec.restartPolicy !== 'Always') {
    report.notSupported(child('spec', 'template', 'spec', 'restartPolicy'), spec.restartPolicy, ['Always']);
  }
  if (spec?.activeDeadlineSeconds !== undefined) {
    report.forbidden(
      child('spec', 'template', 'spec', 'activeDeadlineSeconds'),
      'may not be set on a template whose pods run for ever',
    );
  }
}

export function immutableSelector(
  next: object | undefined,
  previous: object | undefined,
  report: Report,
  path: FieldPath = child('spec', 'selector'),
): void {
  if (previous !== undefined && !jsonEqual(next, previous)) report.invalid(path, next, immutable);
}

const deployment = rulesFor<Deployment>({
  validate({ spec }, report) {
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    notNegative(spec.replicas, child('spec', 'replicas'), report);
    validateSelectedTemplate(spec.selector, spec.template, 'empty selector is invalid for deployment', report);
    validateStrategy(spec.strategy, report);
    notNegative(spec.minReadySeconds, child('spec', 'minReadySeconds'), report);
    notNegative(spec.revisionHistoryLimit, child('spec', 'revisionHistoryLimit'), report);
    const deadline = spec.progressDeadlineSeconds;
    notNegative(deadline, child('spec', 'progressDeadlineSeconds'), report);
    if (deadline !== undefined && deadline <= (spec.minReadySeconds ?? 0)) {
      report.invalid(child('spec', 'progressDeadlineSeconds'), deadline, 'must be greater than minReadySeconds');
    }
  },
  validateUpdate(next, previous, report) {
    immutableSelector(next.spec?.selector, previous.spec?.selector, report);
  },
});

type Strategy = NonNullable<Deployment['spec']>['strategy'];

function validateStrategy(strategy: Strategy, report: Report): void {
  if (strategy === undefined) return;
  const path = child('spec', 'strategy');
  const rolling = strategy.rollingUpdate;
  if (strategy.type === 'Recreate') {
    if (rolling !== undefined) {
      report.forbidden(child(path, 'rollingUpdate'), "may not be specified when strategy `type` is 'Recreate'");
    }
    return;
  }
  oneOf(strategy.type, ['Recreate', 'RollingUpdate'], child(path, 'type'), report, 'optional');
  if (rolling === undefined) return;
  const here = child(path, 'rollingUpdate');
  validateIntOrPercent(rolling.maxUnavailable, child(here, 'maxUnavailable'), report);
  validateIntOrPercent(rolling.maxSurge, child(here, 'maxSurge'), report);
  if (isZero(rolling.maxUnavailable) && isZero(rolling.maxSurge)) {
    report.invalid(child(here, 'maxUnavailable'), rolling.maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0');
  }
  notAboveHundredPercent(rolling.maxUnavailable, child(here, 'maxUnavailable'), report);
}

const replicaSet = rulesFor<ReplicaSet>({
  validate({ spec }, report) {
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    notNegative(spec.replicas, child('spec', 'replicas'), report);
    notNegative(spec.minReadySeconds, child('spec', 'minReadySeconds'), report);
    validateSelectedTemplate(spec.selector, spec.template, 'empty selector is invalid for deployment', report);
  },
  validateUpdate(next, previous, report) {
    immutableSelector(next.spec?.selector, previous.spec?.selector, report);
  },
});

const replicationController = rulesFor<ReplicationController>({
  validate({ spec }, report) {
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    notNegative(spec.replicas, child('spec', 'replicas'), report);
    notNegative(spec.minReadySeconds, child('spec', 'minReadySeconds'), report);
    if (Object.keys(spec.selector ?? {}).length === 0) report.required(child('spec', 'selector'));
    else if (!mapSelectorMatches(spec.selector, spec.template?.metadata?.labels)) {
      report.invalid(
        templateLabels,
        spec.template?.metadata?.labels ?? {},
        '`selector` does not match template `labels`',
      );
    }
    validateTemplate(spec.template, child('spec', 'template'), report);
    alwaysRestarts(spec.template, report);
  },
});

const onlyTheseOfStatefulSet =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

const statefulSet = rulesFor<StatefulSet>({
  validate({ spec }, report) {
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    notNegative(spec.replicas, child('spec', 'replicas'), report);
    notNegative(spec.minReadySeconds, child('spec', 'minReadySeconds'), report);
    const policy = spec.podManagementPolicy;
    if (policy !== undefined && policy !== 'OrderedReady' && policy !== 'Parallel') {
      report.invalid(child('spec', 'podManagementPolicy'), policy, "must be 'OrderedReady' or 'Parallel'");
    }
    const { type, rollingUpdate } = spec.updateStrategy ?? {};
    const path = child('spec', 'updateStrategy');
    if (type === 'OnDelete') {
      if (rollingUpdate !== undefined) {
        report.invalid(child(path, 'rollingUpdate'), rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'");
      }
    } else if (type !== undefined && type !== 'RollingUpdate') {
      report.invalid(path, spec.updateStrategy, "must be 'RollingUpdate' or 'OnDelete'");
    }
    notNegative(rollingUpdate?.partition, child(path, 'rollingUpdate', 'partition'), report);
    if ((spec.serviceName ?? '') !== '') {
      report.each(child('spec', 'serviceName'), spec.serviceName, dns1035Label(spec.serviceName));
    }
    notNegative(spec.revisionHistoryLimit, child('spec', 'revisionHistoryLimit'), report);
    notNegative(spec.ordinals?.start, child('spec', 'ordinals', 'start'), report);
    const { maxUnavailable } = rollingUpdate ?? {};
    if (maxUnavailable !== undefined) {
      const field = child(path, 'rollingUpdate', 'maxUnavailable');
      validateIntOrPercent(maxUnavailable, field, report);
      notAboveHundredPercent(maxUnavailable, field, report);
      if (isZero(maxUnavailable)) report.invalid(field, maxUnavailable, 'cannot be 0');
    }
    validateRetention(spec.persistentVolumeClaimRetentionPolicy, report);
    const template = withClaimVolumes(spec);
    validateSelectedTemplate(spec.selector, template, 'empty selector is invalid for statefulset', report);
  },
  validateUpdate(next, previous, report) {
    const fixed = (object: StatefulSet): object => {
      const { replicas, ordinals, template, updateStrategy, minReadySeconds, ...rest } = object.spec ?? {};
      const { persistentVolumeClaimRetentionPolicy, revisionHistoryLimit, ...last } = rest as Record<string, unknown>;
      return last;
    };
    if (!jsonEqual(fixed(next), fixed(previous))) report.forbidden('spec', onlyTheseOfStatefulSet);
  },
});

type StatefulSetSpec = NonNullable<StatefulSet['spec']>;

/** Containers may mount a claim by its template's name, as if it stood among the volumes. */
function withClaimVolumes({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec | undefined {
  if (template?.spec === undefined || volumeClaimTemplates.length === 0) return template;
  const volumes = template.spec.volumes ?? [];
  const named = new Set(volumes.map(({ name }) => name));
  const claims = volumeClaimTemplates.flatMap(({ metadata }) => {
    const name = metadata?.name ?? '';
    return name === '' || named.has(name) ? [] : [{ name, persistentVolumeClaim: { claimName: name } }];
  });
  return { ...template, spec: { ...template.spec, volumes: [...volumes, ...claims] } };
}

function validateRetention(policy: StatefulSetSpec['persistentVolumeClaimRetentionPolicy'], report: Report): void {
  const path = child('spec', 'persistentVolumeClaimRetentionPolicy');
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    oneOf(policy?.[field], ['Delete', 'Retain'], child(path, field), report, 'optional');
  }
}

const controllerRevision = rulesFor<ControllerRevision>({
  validate({ data, revision }, report) {
    if (data === undefined || data === null) report.required('data', 'data is mandatory');
    notNegative(revision, 'revision', report);
  },
  validateUpdate(next, previous, report) {
    if (!jsonEqual(next.data, previous.data)) report.invalid('data', next.data, immutable);
  },
});

const daemonSet = rulesFor<DaemonSet>({
  validate({ spec }, report) {
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    validateSelectedTemplate(spec.selector, spec.template, 'empty selector is invalid for daemonset', report);
    notNegative(spec.minReadySeconds, child('spec', 'minReadySeconds'), report);
    notNegative(spec.revisionHistoryLimit, child('spec', 'revisionHistoryLimit'), report);
    const path = child('spec', 'updateStrategy');
    oneOf(spec.updateStrategy?.type, ['RollingUpdate', 'OnDelete'], child(path, 'type'), report, 'optional');
    const rolling = spec.updateStrategy?.rollingUpdate;
    if (rolling === undefined) return;
    validateIntOrPercent(rolling.maxUnavailable, child(path, 'rollingUpdate', 'maxUnavailable'), report);
    validateIntOrPercent(rolling.maxSurge, child(path, 'rollingUpdate', 'maxSurge'), report);
    notAboveHundredPercent(rolling.maxUnavailable, child(path, 'rollingUpdate', 'maxUnavailable'), report);
  },
  validateUpdate(next, previous, report) {
    immutableSelector(next.spec?.selector, previous.spec?.selector, report);
  },
});

export const workloadRules: Readonly<Record<string, KindRules>> = {
  'apps/Deployment': deployment,
  'apps/ReplicaSet': replicaSet,
  'apps/StatefulSet': statefulSet,
  'apps/DaemonSet': daemonSet,
  'apps/ControllerRevision': controllerRevision,
  '/ReplicationController': replicationController,
};
