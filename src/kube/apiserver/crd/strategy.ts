// CustomResourceDefinitions themselves: accepted and established at once, since this server is the one that serves them.
// Knows the definition's status; serving is serve.ts's matter.
import { type AnyObject, dig, digArray, digString, isFields } from '../registry/any-object.ts';
import type { Strategy } from '../strategies/strategy.ts';
import { timestamp } from '../write/times.ts';

/** Holds a definition until its objects are gone. */
export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export const customResourceDefinitionStrategy: Strategy = {
  countsGenerations: true,
  requiresResourceVersion: true,

  prepareForCreate(crd, { clock }) {
    const metadata = crd.metadata ?? {};
    metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), CLEANUP_FINALIZER])];
    crd.metadata = metadata;
    const now = timestamp(clock.wall());
    const condition = (type: string, reason: string, message: string) => ({
      type,
      status: 'True',
      lastTransitionTime: now,
      reason,
      message,
    });
    crd.status = {
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found'),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
      ],
      acceptedNames: dig(crd, 'spec', 'names'),
      storedVersions: [storageVersion(crd)],
    };
  },

  prepareForUpdate(next, current) {
    const stored = new Set([...digArray(current, 'status', 'storedVersions'), storageVersion(next)]);
    next.status = { ...next.status, acceptedNames: dig(next, 'spec', 'names'), storedVersions: [...stored] };
  },
};

function storageVersion(crd: AnyObject): string {
  const versions = digArray(crd, 'spec', 'versions').filter(isFields);
  return digString(
    versions.find((version) => version.storage === true),
    'name',
  );
}
