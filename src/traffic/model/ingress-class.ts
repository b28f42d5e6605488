// Which Ingresses are ours to serve.
// Knows nothing of what an Ingress says beyond its class.
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js';

/** `spec.controller` of every IngressClass that this program serves. */
export const INGRESS_CONTROLLER = 'evenkeel.dev/ingress-controller';
export const DEFAULT_CLASS_ANNOTATION = 'ingressclass.kubernetes.io/is-default-class';
const LEGACY_ANNOTATION = 'kubernetes.io/ingress.class';

/** What is wrong where nobody serves an Ingress because of its class; undefined where somebody does. */
export type ClassFault = { readonly reason: 'IngressClassNotFound'; readonly field: string; readonly message: string };

/** `ingress` is not ours. The older annotation may name what another controller knows without an IngressClass. */
export function classFault(
  ingress: Ingress,
  ownClass: string,
  classes: readonly IngressClass[],
): ClassFault | undefined {
  const name = ingress.spec?.ingressClassName ?? '';
  const told = (message: string): ClassFault => ({
    reason: 'IngressClassNotFound',
    field: 'spec.ingressClassName',
    message: `${message}, so Evenkeel does not serve the Ingress: use "${ownClass}"`,
  });
  if (name !== '') {
    const known = classes.some(({ metadata }) => metadata?.name === name);
    return known ? undefined : told(`IngressClass "${name}" does not exist`);
  }
  if ((ingress.metadata?.annotations?.[LEGACY_ANNOTATION] ?? '') !== '') return undefined;
  const isDefault = ({ metadata }: IngressClass) => metadata?.annotations?.[DEFAULT_CLASS_ANNOTATION] === 'true';
  return classes.some(isDefault) ? undefined : told('No class is named, and no IngressClass is the default');
}

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
