// What a new Job is given: the selector and the labels by which its pods are known.
// Knows nothing of how it runs. Upstream: pkg/registry/batch/job/strategy.go, generateSelector.
import { type AnyObject, dig, isFields } from '../registry/any-object.ts';
import type { Strategy } from './strategy.ts';

const UID_LABEL = 'batch.kubernetes.io/controller-uid';

export const jobStrategy: Strategy = {
  countsGenerations: true,
  initialStatus: {},
  selectableFields: { 'status.successful': (job) => String(dig(job, 'status', 'succeeded') ?? '') },
  prepareForCreate(job) {
    if (dig(job, 'spec', 'manualSelector') === true || !isFields(job.spec)) return;
    const { uid = '', name = '' } = job.metadata ?? {};
    const own = { [UID_LABEL]: uid, 'controller-uid': uid, 'batch.kubernetes.io/job-name': name, 'job-name': name };
    const spec = job.spec as { selector?: { matchLabels?: object }; template?: AnyObject };
    const template = spec.template ?? {};
    // What the user has written there stays, and is refused by validation when it is not the same.
    const metadata = { ...template.metadata, labels: { ...own, ...template.metadata?.labels } };
    const matchLabels = { [UID_LABEL]: uid, ...spec.selector?.matchLabels };
    job.spec = { ...spec, selector: { ...spec.selector, matchLabels }, template: { ...template, metadata } };
  },
};
