// Mutating admission on creation that belongs to no single strategy.
// Knows the few plugins of upstream that Evenkeel's kinds need.
import { admitLimits } from '../limits/limit-ranger.ts';
import { type AnyObject, digString } from '../registry/any-object.ts';
import type { Resource } from '../registry/registry.ts';
import type { StrategyContext } from '../strategies/strategy.ts';
import { randomSuffix } from '../write/random-suffix.ts';
import { addDefaultTolerations, type TolerationSeconds } from './default-tolerations.ts';
import { admitServiceAccount } from './service-account.ts';
import { admitClaim, protect } from './storage.ts';

const DEFAULT_INGRESS_CLASS = 'ingressclass.kubernetes.io/is-default-class';
const LEGACY_INGRESS_CLASS = 'kubernetes.io/ingress.class';

export interface AdmissionSettings {
  readonly tolerationSeconds: TolerationSeconds;
  /** In [0, 1). */
  readonly random: () => number;
}

export function admitCreate(
  resource: Resource,
  object: AnyObject,
  context: StrategyContext,
  settings: AdmissionSettings,
): void {
  const { definition } = resource;
  admitUpdate(resource, object, settings);
  if (definition.kind === 'Pod' && definition.group === '') {
    admitServiceAccount(object, context, () => randomSuffix(settings.random));
  }
  admitLimits(definition, object, context);
  if (definition.kind === 'PersistentVolumeClaim') admitClaim(object, context);
  if (definition.kind === 'PersistentVolume') protect(object, 'kubernetes.io/pv-protection');
  if (definition.kind === 'Ingress' && definition.group === 'networking.k8s.io') defaultIngressClass(object, context);
}

/** A client that replaces a Pod need not repeat what was filled in for it. */
export function admitUpdate({ definition }: Resource, object: AnyObject, settings: AdmissionSettings): void {
  if (definition.kind === 'Pod' && definition.group === '') addDefaultTolerations(object, settings.tolerationSeconds);
}

/** Upstream's DefaultIngressClass: the newest class marked as default. */
function defaultIngressClass(ingress: AnyObject, context: StrategyContext): void {
  if (digString(ingress, 'spec', 'ingressClassName') !== '') return;
  if (ingress.metadata?.annotations?.[LEGACY_INGRESS_CLASS] !== undefined) return;
  const classes = context
    .list('networking.k8s.io', 'ingressclasses')
    .filter((each) => each.metadata?.annotations?.[DEFAULT_INGRESS_CLASS] === 'true')
    .sort((a, b) => ((a.metadata?.creationTimestamp ?? '') < (b.metadata?.creationTimestamp ?? '') ? 1 : -1));
  const chosen = classes[0]?.metadata?.name;
  if (chosen !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: chosen };
}
