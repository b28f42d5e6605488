// Which Ingresses are ours to serve.
// Knows nothing of what an Ingress says beyond its class.
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';

/** `spec.controller` of every IngressClass that this program serves. */
export const INGRESS_CONTROLLER = 'evenkeel.dev/ingress-controller';
export const DEFAULT_CLASS_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';
const LEGACY_ANNOTATION = 'kubernetes.io/ingress.class';

/**
 * Ours when its class is (by `spec.ingressClassName`, or by the older annotation), or when it names none and ours is
 * the default class. A class is ours when its controller is, or when it is called `ownClass` and does not exist yet.
 */
export function ownedBy(ownClass: string, classes: readonly IngressClass[]): (ingress: Ingress) => boolean {
  const byName = new Map(classes.map((one) => [one.metadata?.name ?? '', one]));
  const isOurs = (name: string): boolean => {
    const found = byName.get(name);
    return found === undefined ? name === ownClass : found.spec?.controller === INGRESS_CONTROLLER;
  };
  const ownDefault = classes.some(
    ({ metadata, spec }) =>
      metadata?.annotations?.[DEFAULT_CLASS_ANNOTATION] === 'true' && spec?.controller === INGRESS_CONTROLLER,
  );
  return (ingress) => {
    const name = ingress.spec?.ingressClassName ?? ingress.metadata?.annotations?.[LEGACY_ANNOTATION];
    return name === undefined || name === '' ? ownDefault : isOurs(name);
  };
}
