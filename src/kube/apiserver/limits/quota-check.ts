// Whether a charge fits into a quota, and what is said when it does not.
// Knows amounts and upstream's words. Upstream source: apiserver/pkg/admission/plugin/resourcequota/controller.go.
import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import { type Amounts, add, amountOf, amountsText } from '#kube/api/quota/amounts.ts';
import { containerResources } from '#kube/api/quota/pod-resources.ts';
import { forbidden, type ResourceName } from '#kube/api/status.ts';
import type { AnyObject } from '../registry/any-object.ts';
import type { QuotaAccount } from './quota-ledger.ts';

/** What every container has to say for itself where a quota bounds it. */
const COMPUTE = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/** Throws `StatusError` 403. */
export function assertWithin(
  account: QuotaAccount,
  of: ResourceName,
  object: AnyObject,
  wanted: Amounts,
  isNew: boolean,
): void {
  const name = object.metadata?.name ?? '';
  if (isNew && of.group === '' && of.resource === 'pods') {
    const silent = unsaid(
      object as Pod,
      [...account.hard.keys()].filter((each) => COMPUTE.includes(each)),
    );
    if (silent !== '') throw forbidden(of, name, `failed quota: ${account.name}: must specify ${silent}`);
  }
  const taken = add(account.used, account.pending);
  const exceeded = [...wanted.keys()].filter(
    (each) => amountOf(taken, each).nanos + amountOf(wanted, each).nanos > amountOf(account.hard, each).nanos,
  );
  if (exceeded.length === 0) return;
  const masked = (amounts: Amounts): string =>
    amountsText(new Map(exceeded.map((each) => [each, amountOf(amounts, each)])));
  throw forbidden(
    of,
    name,
    `exceeded quota: ${account.name}, requested: ${masked(wanted)}, used: ${masked(taken)}, limited: ${masked(account.hard)}`,
  );
}

/** `limits.cpu for: a,b; requests.memory for: a` */
function unsaid({ spec }: Pod, required: readonly string[]): string {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return [...required]
    .sort()
    .map((name): [string, string[]] => [name, containers.filter((each) => !says(each, name)).map((each) => each.name)])
    .filter(([, missing]) => missing.length > 0)
    .map(([name, missing]) => `${name} for: ${[...new Set(missing)].sort().join(',')}`)
    .join('; ');
}

function says(container: Container, name: string): boolean {
  const [first = '', rest] = name.split('.');
  const field = first === 'limits' ? 'limits' : 'requests';
  return containerResources(container, field).has(rest ?? first);
}
