// Which IP families a Service has: what it asks for, what its addresses say, and what the cluster can give.
// Knows families and policies; addresses are given out elsewhere. Upstream source of the rules: initIPFamilyFields in
// pkg/registry/core/service/storage.

import { invalid, type StatusCause } from '#kube/api/status.ts';
import { jsonEqual } from '#lib/json.ts';
import { type AnyObject, digArray, digString, type Fields } from '../../registry/any-object.ts';
import type { Family } from './ip-pool.ts';
import { familyOf, type IpPools } from './ip-pools.ts';

/** Fills in `ipFamilyPolicy` and `ipFamilies`. Throws `StatusError` for what the cluster, or a change, does not allow. */
export function settleFamilies(service: AnyObject, current: AnyObject | undefined, ips: IpPools): void {
  const spec = service.spec ?? {};
  const before = current?.spec;
  if (digString(spec, 'type') === 'ExternalName') return;
  if (before !== undefined && staysPreferred(spec, before)) return;
  spec.ipFamilyPolicy ??= before?.ipFamilyPolicy ?? (isBareHeadless(spec) ? 'RequireDualStack' : 'SingleStack');
  const faults: StatusCause[] = [];
  if (before !== undefined) settleDowngrade(spec, before, faults);
  checkPolicy(spec, faults);
  inferFromAddresses(spec, ips, faults);
  refuse(service, faults);
  if (isBareHeadless(spec)) {
    // Whoever fills in its endpoints may have either family, also where the cluster has but one.
    defaultFamilies(spec, ips, ['IPv4', 'IPv6']);
    return;
  }
  checkCluster(spec, ips, faults);
  refuse(service, faults);
  defaultFamilies(spec, ips, ips.families);
}

const policyOf = (spec: Fields): string => digString(spec, 'ipFamilyPolicy');
const addressesOf = (spec: Fields): string[] => digArray(spec, 'clusterIPs').map(String);
const familiesOf = (spec: Fields): Family[] =>
  digArray(spec, 'ipFamilies').map((each) => (each === 'IPv6' ? 'IPv6' : 'IPv4'));
const same = (field: string, spec: Fields, before: Fields): boolean =>
  jsonEqual(digArray(spec, field), digArray(before, field));

/** Headless and without a selector: somebody else writes its endpoints. */
function isBareHeadless(spec: Fields): boolean {
  const selector = spec.selector;
  const none = typeof selector !== 'object' || selector === null || Object.keys(selector).length === 0;
  return digString(spec, 'clusterIP') === 'None' && none;
}

/** A Service that would like both is neither upgraded nor downgraded because the cluster has changed. */
function staysPreferred(spec: Fields, before: Fields): boolean {
  const policies = [spec.ipFamilyPolicy, before.ipFamilyPolicy];
  return (
    digString(spec, 'type') === digString(before, 'type') &&
    policies.every((policy) => policy === 'PreferDualStack') &&
    same('clusterIPs', spec, before) &&
    same('ipFamilies', spec, before)
  );
}

function settleDowngrade(spec: Fields, before: Fields, faults: StatusCause[]): void {
  for (const [field, what] of [
    ['clusterIPs', 'secondary cluster IP'],
    ['ipFamilies', 'secondary IP family'],
  ] as const) {
    const values = digArray(spec, field);
    if (policyOf(spec) === 'SingleStack') {
      // Left as it was, the second one goes: the policy says so.
      if (values.length > 1 && same(field, spec, before)) spec[field] = values.slice(0, 1);
    } else if (values.length > 0 && values.length < digArray(before, field).length) {
      faults.push(policyFault(spec, `must be 'SingleStack' to release the ${what}`));
    }
  }
}

function checkPolicy(spec: Fields, faults: StatusCause[]): void {
  if (policyOf(spec) !== 'SingleStack') return;
  for (const [field, what] of [
    ['clusterIPs', 'cluster IPs'],
    ['ipFamilies', 'IP families'],
  ] as const) {
    if (digArray(spec, field).length !== 2) continue;
    faults.push(
      policyFault(spec, `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`),
    );
  }
}

function inferFromAddresses(spec: Fields, ips: IpPools, faults: StatusCause[]): void {
  const families: Family[] = familiesOf(spec);
  const addresses = addressesOf(spec);
  for (const [index, address] of addresses.entries()) {
    if (address === 'None' || index < families.length) continue;
    const family = familyOf(address);
    if (!ips.has(family)) {
      const message = `Invalid value: ${JSON.stringify(addresses)}: ${family} is not configured on this cluster`;
      faults.push({ reason: 'FieldValueInvalid', message, field: `spec.clusterIPs[${index}]` });
    } else families.push(family);
  }
  if (families.length > digArray(spec, 'ipFamilies').length) spec.ipFamilies = families;
}

function checkCluster(spec: Fields, ips: IpPools, faults: StatusCause[]): void {
  if (policyOf(spec) === 'RequireDualStack' && ips.families.length < 2) {
    faults.push(policyFault(spec, 'this cluster is not configured for dual-stack services'));
  }
  for (const [index, family] of familiesOf(spec).entries()) {
    if (ips.has(family)) continue;
    const message = `Invalid value: "${family}": not configured on this cluster`;
    faults.push({ reason: 'FieldValueInvalid', message, field: `spec.ipFamilies[${index}]` });
  }
}

function defaultFamilies(spec: Fields, ips: IpPools, possible: readonly Family[]): void {
  const families = familiesOf(spec);
  const first = families[0] ?? ips.primary;
  const other = possible.find((family) => family !== first);
  if (families.length === 0) spec.ipFamilies = [first];
  if (families.length < 2 && policyOf(spec) !== 'SingleStack' && other !== undefined) spec.ipFamilies = [first, other];
}

function policyFault(spec: Fields, why: string): StatusCause {
  return {
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(spec.ipFamilyPolicy)}: ${why}`,
    field: 'spec.ipFamilyPolicy',
  };
}

function refuse(service: AnyObject, faults: readonly StatusCause[]): void {
  if (faults.length > 0) throw invalid('', 'Service', service.metadata?.name ?? '', [...faults]);
}
