// Namespaces: phase, the `kubernetes` finalizer in spec, and the label that names them.
// Knows Namespaces only; emptying one is a controller's work.
import { dig, digArray, digString } from '../registry/any-object.ts';
import type { Strategy } from './strategy.ts';

const NAME_LABEL = 'kubernetes.io/metadata.name';

export const namespaceStrategy: Strategy = {
  selectableFields: { 'status.phase': (namespace) => digString(namespace, 'status', 'phase') },

  prepareForCreate(namespace) {
    namespace.status = { phase: 'Active' };
    const finalizers = digArray(namespace, 'spec', 'finalizers');
    namespace.spec = { finalizers: finalizers.includes('kubernetes') ? finalizers : [...finalizers, 'kubernetes'] };
    label(namespace);
  },

  prepareForUpdate(next, current) {
    next.spec = current.spec ?? {};
    label(next);
  },

  markDeleting(namespace) {
    namespace.status = { ...namespace.status, phase: 'Terminating' };
  },

  otherFinalizers: (namespace) => digArray(namespace, 'spec', 'finalizers'),
};

function label(namespace: Parameters<NonNullable<Strategy['markDeleting']>>[0]): void {
  const metadata = namespace.metadata ?? {};
  metadata.labels = { ...metadata.labels, [NAME_LABEL]: String(dig(metadata, 'name') ?? '') };
  namespace.metadata = metadata;
}
