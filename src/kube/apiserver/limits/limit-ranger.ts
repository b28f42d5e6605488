// Bounds and defaults of a namespace's LimitRanges, as pods and claims are created in it.
// Knows LimitRanges and amounts. Upstream source: plugin/pkg/admission/limitranger.
import type { Container, LimitRangeItem, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js';
import type { Quantity } from '#kube/api/quantity.ts';
import { type Amounts, amountOf, readAmounts } from '#kube/api/quota/amounts.ts';
import { containerResources, podResources } from '#kube/api/quota/pod-resources.ts';
import type { ResourceDefinition } from '#kube/api/resources.ts';
import { forbidden } from '#kube/api/status.ts';
import { type AnyObject, digArray } from '../registry/any-object.ts';
import type { StrategyContext } from '../strategies/strategy.ts';

const ANNOTATION = 'kubernetes.io/limit-ranger';

/** Fills in what containers do not say, then holds the object to the bounds. Throws `StatusError` 403. */
export function admitLimits(definition: ResourceDefinition, object: AnyObject, context: StrategyContext): void {
  const { kind, group } = definition;
  if (group !== '' || (kind !== 'Pod' && kind !== 'PersistentVolumeClaim')) return;
  const items = context
    .list('', 'limitranges')
    .filter((each) => each.metadata?.namespace === object.metadata?.namespace)
    .flatMap((each) => digArray(each, 'spec', 'limits') as LimitRangeItem[]);
  if (items.length === 0) return;
  if (kind === 'Pod') for (const item of items) if (item.type === 'Container') fillIn(object, item);
  const wrong = items.flatMap((item) => (kind === 'Pod' ? ofPod(object as Pod, item) : ofClaim(object, item)));
  if (wrong.length === 0) return;
  const text = wrong.length === 1 ? (wrong[0] ?? '') : `[${wrong.join(', ')}]`;
  throw forbidden(definition, object.metadata?.name ?? '', text);
}

function fillIn(object: AnyObject, { default: limits, defaultRequest: requests }: LimitRangeItem): void {
  const { spec } = object as Pod;
  if (spec === undefined) return;
  const said: string[] = [];
  const fill =
    (kindOf: string) =>
    (container: Container): Container => {
      const filled = { ...container.resources };
      const requested = missing(filled.requests, requests);
      const limited = missing(filled.limits, limits);
      if (requested.length > 0) said.push(`${requested.join(', ')} request for ${kindOf} ${container.name}`);
      if (limited.length > 0) said.push(`${limited.join(', ')} limit for ${kindOf} ${container.name}`);
      if (requested.length + limited.length === 0) return container;
      if (requested.length > 0) filled.requests = { ...requests, ...filled.requests };
      if (limited.length > 0) filled.limits = { ...limits, ...filled.limits };
      return { ...container, resources: filled };
    };
  const containers = (spec.containers ?? []).map(fill('container'));
  const initContainers = spec.initContainers?.map(fill('init container'));
  if (said.length === 0) return;
  object.spec = { ...object.spec, containers, ...(initContainers === undefined ? {} : { initContainers }) };
  const annotations = { ...object.metadata?.annotations };
  annotations[ANNOTATION] = `LimitRanger plugin set: ${said.join('; ')}`;
  object.metadata = { ...object.metadata, annotations };
}

function missing(has: object | undefined, gives: object | undefined): string[] {
  return Object.keys(gives ?? {})
    .filter((name) => !Object.hasOwn(has ?? {}, name))
    .sort();
}

function ofPod(pod: Pod, item: LimitRangeItem): string[] {
  if (item.type === 'Pod') return bounds(item, podResources(pod, 'requests'), podResources(pod, 'limits'));
  if (item.type !== 'Container') return [];
  return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].flatMap((container) =>
    bounds(item, containerResources(container, 'requests'), containerResources(container, 'limits')),
  );
}

function ofClaim(object: AnyObject, item: LimitRangeItem): string[] {
  if (item.type !== 'PersistentVolumeClaim') return [];
  const requests = readAmounts((object as PersistentVolumeClaim).spec?.resources?.requests);
  const wrong: string[] = [];
  for (const [name, most] of sorted(readAmounts(item.max))) {
    const asked = requests.get(name);
    const words = `maximum ${name} usage per ${item.type} is ${most}`;
    if (asked === undefined) wrong.push(`${words}. No request is specified`);
    else if (asked.compare(most) > 0) wrong.push(`${words}, but request is ${asked}`);
  }
  return [...wrong, ...least(item, requests, new Map())];
}

function bounds(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [...least(item, requests, limits), ...most(item, requests, limits), ...ratio(item, requests, limits)];
}

function least(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return sorted(readAmounts(item.min)).flatMap(([name, bound]) => {
    const words = `minimum ${name} usage per ${item.type} is ${bound}`;
    const asked = requests.get(name);
    const limit = limits.get(name);
    if (asked === undefined) return [`${words}. No request is specified`];
    if (asked.compare(bound) < 0) return [`${words}, but request is ${asked}`];
    return limit !== undefined && limit.compare(bound) < 0 ? [`${words}, but limit is ${limit}`] : [];
  });
}

function most(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return sorted(readAmounts(item.max)).flatMap(([name, bound]) => {
    const words = `maximum ${name} usage per ${item.type} is ${bound}`;
    const limit = limits.get(name);
    const asked = requests.get(name);
    if (limit === undefined) return [`${words}. No limit is specified`];
    if (limit.compare(bound) > 0) return [`${words}, but limit is ${limit}`];
    return asked !== undefined && asked.compare(bound) > 0 ? [`${words}, but request is ${asked}`] : [];
  });
}

function ratio(item: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return sorted(readAmounts(item.maxLimitRequestRatio)).flatMap(([name, bound]) => {
    const words = `${name} max limit to request ratio per ${item.type} is ${bound}`;
    const asked = amountOf(requests, name);
    const limit = amountOf(limits, name);
    if (asked.nanos === 0n) return [`${words}, but no request is specified or request is 0`];
    if (limit.nanos === 0n) return [`${words}, but no limit is specified or limit is 0`];
    const provided = Number(limit.nanos) / Number(asked.nanos);
    return provided > bound.toNumber() ? [`${words}, but provided ratio is ${provided.toFixed(6)}`] : [];
  });
}

function sorted(amounts: Amounts): [string, Quantity][] {
  return [...amounts].sort(([a], [b]) => (a < b ? -1 : 1));
}
