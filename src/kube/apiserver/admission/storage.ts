// What a claim or volume gets as it is created: the default class, and the finalizer that protects it while in use.
// Knows annotations and finalizers; upstream's DefaultStorageClass and StorageObjectInUseProtection.
import { type AnyObject, dig } from '../registry/any-object.ts';
import type { StrategyContext } from '../strategies/strategy.ts';

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';
const LEGACY_DEFAULT_CLASS = 'storageclass.beta.kubernetes.io/is-default-class';
const LEGACY_CLASS = 'volume.beta.kubernetes.io/storage-class';

/** An empty class is a choice: such a claim is bound to a volume without class, and none is made for it. */
export function admitClaim(claim: AnyObject, context: StrategyContext): void {
  protect(claim, 'kubernetes.io/pvc-protection');
  if (dig(claim, 'spec', 'storageClassName') !== undefined) return;
  if (claim.metadata?.annotations?.[LEGACY_CLASS] !== undefined) return;
  const created = (each: AnyObject): string => each.metadata?.creationTimestamp ?? '';
  const name = (each: AnyObject): string => each.metadata?.name ?? '';
  const [newest] = context
    .list('storage.k8s.io', 'storageclasses')
    .filter(({ metadata }) =>
      [DEFAULT_CLASS, LEGACY_DEFAULT_CLASS].some((key) => metadata?.annotations?.[key] === 'true'),
    )
    .sort((a, b) => (created(a) === created(b) ? (name(a) < name(b) ? -1 : 1) : created(a) < created(b) ? 1 : -1));
  if (newest !== undefined) claim.spec = { ...claim.spec, storageClassName: name(newest) };
}

export function protect(object: AnyObject, finalizer: string): void {
  const finalizers = object.metadata?.finalizers ?? [];
  if (!finalizers.includes(finalizer)) object.metadata = { ...object.metadata, finalizers: [...finalizers, finalizer] };
}
