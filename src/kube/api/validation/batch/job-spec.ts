// Rules of the spec of a Job, as it stands in a Job and in the template of a CronJob.
// Knows neither of them. Upstream source: validateJobSpec of pkg/apis/batch/validation.
import type { JobSpec } from 'kubernetes-types/batch/v1.js';
import { notNegative, oneOf } from '../common.ts';
import { dnsSubdomain } from '../names.ts';
import { validateTemplate } from '../pod/spec.ts';
import { child, type FieldPath, type Report } from '../report.ts';
import { validateFailurePolicy, validateSuccessPolicy } from './policies.ts';

const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;

/** They bound the length of the lists of indexes in the status. */
const most = { parallelism: 100_000, failedIndexes: 100_000, managedByBytes: 63 } as const;
/** With retries counted per index, more completions than this bring tighter limits. */
const MANY_COMPLETIONS = 100_000;
const mostOfMany = 10_000;

export function validateJobSpec(spec: JobSpec, path: FieldPath, report: Report): void {
  for (const name of counts) notNegative(spec[name], child(path, name), report);
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    report.required(child(path, 'backoffLimitPerIndex'), 'when maxFailedIndexes is specified');
  if (spec.managedBy !== undefined) validateManagedBy(spec.managedBy, child(path, 'managedBy'), report);
  oneOf(spec.completionMode, ['NonIndexed', 'Indexed'], child(path, 'completionMode'), report, 'optional');
  if (spec.completionMode === 'Indexed') validateIndexed(spec, path, report);
  else if (spec.completionMode === undefined || spec.completionMode === 'NonIndexed') {
    for (const name of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const)
      if (spec[name] !== undefined) report.invalid(child(path, name), spec[name], 'requires indexed completion mode');
  }
  if (spec.podFailurePolicy !== undefined) validateFailurePolicy(spec, child(path, 'podFailurePolicy'), report);
  if (spec.successPolicy !== undefined) {
    const here = child(path, 'successPolicy');
    if (spec.completionMode === 'Indexed') validateSuccessPolicy(spec, here, report);
    else report.invalid(here, spec.successPolicy, 'requires indexed completion mode');
  }
  const replacements = spec.podFailurePolicy === undefined ? ['Failed', 'TerminatingOrFailed'] : ['Failed'];
  oneOf(spec.podReplacementPolicy, replacements, child(path, 'podReplacementPolicy'), report, 'optional');
  validateTemplate(spec.template, child(path, 'template'), report);
  validateRestartPolicy(spec, child(path, 'template', 'spec', 'restartPolicy'), report);
}

function validateIndexed(spec: JobSpec, path: FieldPath, report: Report): void {
  const { completions, maxFailedIndexes, backoffLimitPerIndex } = spec;
  const atMost = (name: 'parallelism' | 'maxFailedIndexes', limit: number, text: string): void => {
    const value = spec[name];
    if (value !== undefined && value > limit) report.invalid(child(path, name), value, text);
  };
  if (completions === undefined) report.required(child(path, 'completions'), 'when completion mode is Indexed');
  atMost('parallelism', most.parallelism, lessOrEqual(most.parallelism, ' when completion mode is Indexed'));
  if (completions !== undefined) atMost('maxFailedIndexes', completions, 'must be less than or equal to completions');
  atMost('maxFailedIndexes', most.failedIndexes, lessOrEqual(most.failedIndexes));
  if ((completions ?? 0) <= MANY_COMPLETIONS || backoffLimitPerIndex === undefined) return;
  if (maxFailedIndexes === undefined) {
    const text = `must be specified when completions is above ${MANY_COMPLETIONS}`;
    report.required(child(path, 'maxFailedIndexes'), text);
  }
  const when = ` when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  atMost('parallelism', mostOfMany, lessOrEqual(mostOfMany, when));
  atMost('maxFailedIndexes', mostOfMany, lessOrEqual(mostOfMany, when));
}

const lessOrEqual = (limit: number, when = ''): string => `must be less than or equal to ${limit}${when}`;

function validateRestartPolicy(spec: JobSpec, path: FieldPath, report: Report): void {
  // What is left out becomes `Always`, so both are answered as if it were missing.
  const { restartPolicy = 'Always' } = spec.template?.spec ?? {};
  if (restartPolicy === 'Always' || restartPolicy === '') report.required(path, 'valid values: "OnFailure", "Never"');
  else if (restartPolicy !== 'OnFailure' && restartPolicy !== 'Never')
    report.notSupported(path, restartPolicy, ['OnFailure', 'Never']);
  else if (spec.podFailurePolicy !== undefined && restartPolicy !== 'Never')
    report.invalid(path, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified');
}

/** A domain and a path behind it: `example.com/jobs`. */
function validateManagedBy(text: string, path: FieldPath, report: Report): void {
  const slash = text.indexOf('/');
  const [host, rest] = [text.slice(0, slash), text.slice(slash + 1)];
  if (text === '') report.required(path);
  else if (slash <= 0 || rest === '')
    report.invalid(path, text, 'must be a domain-prefixed path (such as "acme.io/foo")');
  else {
    report.each(path, host, dnsSubdomain(host));
    const allowed = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
    if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(rest))
      report.invalid(path, rest, `Invalid path (regex used for validation is '${allowed}')`);
  }
  if (text.length > most.managedByBytes) report.tooLong(path, most.managedByBytes);
}
