// Rules of ServiceCIDR and IPAddress.
// Knows ranges and references as texts. Upstream source: pkg/apis/networking/validation.
import { jsonEqual } from '#lib/json.ts';
import type { IpAddress, ServiceCidr } from '../service-ranges.ts';
import { isIpAddress, parseCidr, validateCidr } from './common.ts';
import { immutable } from './metadata.ts';
import { dnsSubdomain, pathSegment } from './names.ts';
import { at, child, type Report } from './report.ts';
import { type KindRules, rulesFor } from './rules.ts';

const CIDRS = child('spec', 'cidrs');

const serviceCidr = rulesFor<ServiceCidr>({
  validate: ({ spec }, report) => validateCidrs(spec?.cidrs ?? [], report),
  validateUpdate(next, previous, report) {
    const [now, before] = [next.spec?.cidrs ?? [], previous.spec?.cidrs ?? []];
    // The second family may come later; nothing else changes.
    const gainsFamily = before.length === 1 && now.length === 2;
    if (now.length !== before.length && !gainsFamily) report.invalid(CIDRS, now, immutable);
    else {
      for (const [index, cidr] of before.entries()) {
        if (now[index] !== cidr) report.invalid(at(CIDRS, index), now[index], immutable);
      }
    }
  },
});

function validateCidrs(cidrs: readonly string[], report: Report): void {
  if (cidrs.length === 0) report.required(CIDRS, 'at least one CIDR required');
  else if (cidrs.length > 2) report.invalid(CIDRS, { cidrs }, 'may only hold up to 2 values');
  else {
    for (const [index, cidr] of cidrs.entries()) validateCanonical(cidr, index, report);
    const families = cidrs.map((cidr) => parseCidr(cidr)?.[0].kind());
    if (families.length === 2 && families[0] === families[1] && families[0] !== undefined) {
      const example = 'i.e 192.168.0.0/24 and 2001:db8::/64';
      report.invalid(CIDRS, cidrs, `may specify no more than one IP for each IP family, ${example}`);
    }
  }
}

function validateCanonical(cidr: string, index: number, report: Report): void {
  const parsed = parseCidr(cidr);
  const path = at(CIDRS, index);
  if (parsed === undefined) {
    validateCidr(cidr, path, report);
    return;
  }
  const [address, bits] = parsed;
  const bytes = address.toByteArray();
  const beyond = bytes.some((byte, place) => (byte & (0xff >> Math.min(8, Math.max(0, bits - place * 8)))) !== 0);
  if (beyond) report.invalid(path, cidr, 'must not have bits set beyond the prefix length');
}

const ipAddress = rulesFor<IpAddress>({
  name: (text) => (isIpAddress(text) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']),
  validate({ spec }, report) {
    const parent = spec?.parentRef;
    const path = child('spec', 'parentRef');
    if (parent === undefined) {
      report.required(path);
      return;
    }
    const { group = '', resource = '', name = '', namespace = '' } = parent;
    if (group !== '') report.each(child(path, 'group'), group, dnsSubdomain(group));
    for (const [field, value] of Object.entries({ resource, name })) {
      if (value === '') report.required(child(path, field));
      else report.each(child(path, field), value, pathSegment(value));
    }
    if (namespace !== '') report.each(child(path, 'namespace'), namespace, pathSegment(namespace));
  },
  validateUpdate(next, previous, report) {
    const [now, before] = [next.spec?.parentRef, previous.spec?.parentRef];
    if (!jsonEqual(now, before)) report.invalid(child('spec', 'parentRef'), now, immutable);
  },
});

export const serviceRangeRules: Readonly<Record<string, KindRules>> = {
  'networking.k8s.io/ServiceCIDR': serviceCidr,
  'networking.k8s.io/IPAddress': ipAddress,
};
