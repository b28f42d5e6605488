// Rules of pods, and of the few fields of a pod that may change.
// Knows upstream's texts. Upstream source: ValidatePodUpdate in pkg/apis/core/validation.
import type { Container, Pod, PodSpec, PodTemplate, Toleration } from 'kubernetes-types/core/v1.js';
import { cloneJson, jsonEqual } from '#lib/json.ts';
import { child, type Report } from '../report.ts';
import { type KindRules, rulesFor } from '../rules.ts';
import { validateEphemeralUpdate } from './ephemeral.ts';
import { validatePodSpec, validateTemplate } from './spec.ts';

const onlyThese =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

const pod = rulesFor<Pod>({
  validate(object, report) {
    if (object.spec === undefined) report.required(child('spec', 'containers'));
    else validatePodSpec(object.spec, 'spec', report);
  },
  validateCreate(object, report) {
    if ((object.spec?.ephemeralContainers ?? []).length > 0) {
      report.forbidden(child('spec', 'ephemeralContainers'), 'cannot be set on create');
    }
  },
  validateUpdate(next, previous, report) {
    if (next.spec !== undefined && previous.spec !== undefined) validateSpecUpdate(next.spec, previous.spec, report);
  },
});

function validateSpecUpdate(next: PodSpec, previous: PodSpec, report: Report): void {
  for (const list of ['containers', 'initContainers'] as const) {
    if ((next[list]?.length ?? 0) === (previous[list]?.length ?? 0)) continue;
    report.forbidden(child('spec', list), 'pod updates may not add or remove containers');
    return;
  }
  const [before, after] = [previous.activeDeadlineSeconds, next.activeDeadlineSeconds];
  if (before !== undefined && (after === undefined || after > before)) {
    report.invalid(
      child('spec', 'activeDeadlineSeconds'),
      after ?? null,
      after === undefined
        ? 'must not update from a positive integer to nil value'
        : 'must be less than or equal to previous value',
    );
    return;
  }
  validateGates(next, previous, report);
  validateEphemeralUpdate(next, previous, report);
  validateTolerations(next.tolerations ?? [], previous.tolerations ?? [], report);
  if (!jsonEqual(comparable(next, previous), comparable(previous, previous))) report.forbidden('spec', onlyThese);
}

/** Gates hold a pod back from scheduling; they fall one by one, and never rise. */
function validateGates(next: PodSpec, previous: PodSpec, report: Report): void {
  const known = new Set(previous.schedulingGates?.map(({ name = '' }) => name));
  for (const { name = '' } of next.schedulingGates ?? []) {
    if (known.has(name)) continue;
    report.forbidden(
      child('spec', 'schedulingGates'),
      `only deletion is allowed, but found new scheduling gate '${name}'`,
    );
  }
}

function validateTolerations(next: readonly Toleration[], previous: readonly Toleration[], report: Report): void {
  for (const old of previous) {
    const kept = next.some((toleration) => jsonEqual(unbounded(toleration), unbounded(old)));
    if (!kept) {
      report.forbidden(
        child('spec', 'tolerations'),
        'existing toleration can not be modified except its tolerationSeconds',
      );
      return;
    }
  }
}

const unbounded = ({ tolerationSeconds: _, ...rest }: Toleration): object => rest;

/** The spec with everything that may change set to what it was. */
function comparable(spec: PodSpec, previous: PodSpec): object {
  const images = (containers: readonly Container[] | undefined): Container[] | undefined =>
    containers?.map(({ image: _, ...rest }) => rest as Container);
  const {
    activeDeadlineSeconds: _deadline,
    tolerations: _tolerations,
    schedulingGates: _gates,
    ephemeralContainers: _added,
    ...rest
  } = cloneJson(spec);
  const { terminationGracePeriodSeconds: grace } = previous;
  // The scheduler's binding sets the node, once; a pod never moves.
  const nodeName = (previous.nodeName ?? '') === '' ? undefined : rest.nodeName;
  const shortened = grace !== undefined && grace < 0 && spec.terminationGracePeriodSeconds === 1;
  return {
    ...rest,
    nodeName,
    containers: images(rest.containers),
    initContainers: images(rest.initContainers),
    terminationGracePeriodSeconds: shortened ? grace : rest.terminationGracePeriodSeconds,
  };
}

const podTemplate = rulesFor<PodTemplate>({
  validate(object, report) {
    validateTemplate(object.template, 'template', report);
  },
});

export const podRules: Readonly<Record<string, KindRules>> = { '/Pod': pod, '/PodTemplate': podTemplate };
