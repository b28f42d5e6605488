// Rules of a Job: what it must hold, and what may change while it runs.
// Knows no CronJob. Upstream source: ValidateJob and ValidateJobUpdate of pkg/apis/batch/validation.
import type { Job, JobSpec } from 'kubernetes-types/batch/v1.js';
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import { jsonEqual } from '#lib/json.ts';
import { labelSelectorMatches } from '../../selector.ts';
import { validateSelector } from '../common.ts';
import { immutable } from '../metadata.ts';
import { dnsLabel } from '../names.ts';
import { at, child, type Report } from '../report.ts';
import { rulesFor } from '../rules.ts';
import { validateJobSpec } from './job-spec.ts';
import { validateJobStatusUpdate } from './job-status.ts';

export const job = rulesFor<Job>({
  validate(object, report) {
    const { spec, metadata } = object;
    if (spec === undefined) {
      report.required('spec');
      return;
    }
    validateGeneratedSelector(object, spec, report);
    validateJobSpec(spec, 'spec', report);
    validateSelection(spec, report);
    if (spec.completionMode !== 'Indexed' || (spec.completions ?? 0) <= 0) return;
    // The pods get their index as part of their host name.
    const hostname = `${metadata?.name}-${(spec.completions ?? 0) - 1}`;
    if (dnsLabel(hostname).length > 0) {
      const text = `will not able to create pod with invalid DNS label: ${hostname}`;
      report.invalid(child('metadata', 'name'), metadata?.name, text);
    }
  },
  validateUpdate(next, previous, report) {
    validateSpecUpdate(next.spec, previous, report);
    if (!jsonEqual(next.status, previous.status)) validateJobStatusUpdate(next, previous, report);
  },
});

function validateSelection({ selector, template }: JobSpec, report: Report): void {
  if (selector === undefined) report.required(child('spec', 'selector'));
  else validateSelector(selector, child('spec', 'selector'), report);
  const labels = template?.metadata?.labels;
  if (selector !== undefined && !labelSelectorMatches(selector, labels ?? {})) {
    const text = '`selector` does not match template `labels`';
    report.invalid(child('spec', 'template', 'metadata', 'labels'), labels ?? {}, text);
  }
}

/** Unless it is chosen by hand, the selector names this Job and no other; labels that clash with it are the user's. */
function validateGeneratedSelector({ metadata }: Job, spec: JobSpec, report: Report): void {
  if (spec.manualSelector === true || spec.selector === undefined) return;
  const { uid = '', name = '' } = metadata ?? {};
  if (uid === '') report.required(child('metadata', 'uid'));
  const expected: Record<string, string> = {
    'controller-uid': uid,
    'job-name': name,
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
  };
  const labels = spec.template?.metadata?.labels ?? {};
  for (const [key, value] of Object.entries(expected)) {
    const here = at(child('spec', 'template', 'metadata', 'labels'), key);
    if (!Object.hasOwn(labels, key)) report.required(here, `must be '${value}'`);
    else if (labels[key] !== value) report.invalid(here, labels, `must be '${value}'`);
  }
  if (!labelSelectorMatches(spec.selector, expected))
    report.invalid(child('spec', 'selector'), spec.selector, '`selector` not auto-generated');
}

const fixed = [
  'selector',
  'completionMode',
  'podFailurePolicy',
  'backoffLimitPerIndex',
  'managedBy',
  'successPolicy',
] as const;

function validateSpecUpdate(next: JobSpec | undefined, previous: Job, report: Report): void {
  const before = previous.spec;
  if (next === undefined || before === undefined) return;
  validateCompletions(next, before, report);
  for (const field of fixed) {
    if (!jsonEqual(next[field], before[field])) report.invalid(child('spec', field), next[field], immutable);
  }
  // Who queues Jobs says where their pods go before it lets them start.
  const open = before.suspend === true && previous.status?.startTime === undefined;
  const template = open ? withDirectives(before.template, next.template) : before.template;
  if (!jsonEqual(next.template, template)) report.invalid(child('spec', 'template'), next.template, immutable);
}

/** Indexed Jobs grow and shrink when both numbers are changed as one. */
function validateCompletions(next: JobSpec, before: JobSpec, report: Report): void {
  const { completions } = next;
  if (completions === before.completions) return;
  const path = child('spec', 'completions');
  if (next.completionMode !== 'Indexed') report.invalid(path, completions, immutable);
  else if (completions !== undefined && completions !== next.parallelism)
    report.invalid(path, completions, 'can only be modified in tandem with spec.parallelism');
}

/** The template with what says where pods go as in another one. */
function withDirectives(template: PodTemplateSpec | undefined, other: PodTemplateSpec | undefined): unknown {
  const { nodeSelector, tolerations, schedulingGates, affinity } = other?.spec ?? {};
  const { labels, annotations } = other?.metadata ?? {};
  const merged = { ...template?.spec?.affinity, nodeAffinity: affinity?.nodeAffinity };
  const isEmpty = Object.values(merged).every((part) => part === undefined);
  const kept = isEmpty && affinity === undefined ? undefined : merged;
  return {
    ...template,
    metadata: emptyAsAbsent({ ...template?.metadata, labels, annotations }, other?.metadata),
    spec: { ...template?.spec, nodeSelector, tolerations, schedulingGates, affinity: kept },
  };
}

function emptyAsAbsent(metadata: object, like: object | undefined): object | undefined {
  const isEmpty = Object.values(metadata).every((value) => value === undefined);
  return isEmpty && like === undefined ? undefined : metadata;
}
