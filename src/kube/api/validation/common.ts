// Checks that many kinds share: enumerations, numbers, selectors, percentages, addresses.
// Knows no kind.
import ipaddr from 'ipaddr.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import { atLeastZero } from './metadata.ts';
import { labelValueText, portName, portNumber, qualifiedName } from './names.ts';
import { at, child, type FieldPath, type Report } from './report.ts';

/** A value out of a closed list; absent is `required` unless the field may be left out. */
export function oneOf(
  value: string | undefined,
  supported: readonly string[],
  path: FieldPath,
  report: Report,
  presence: 'required' | 'optional' = 'required',
): void {
  if (value === undefined || (value === '' && presence === 'required')) {
    if (presence === 'required') report.required(path);
  } else if (!supported.includes(value)) {
    report.notSupported(path, value, supported);
  }
}

export function notNegative(value: number | undefined, path: FieldPath, report: Report): void {
  if (value !== undefined && value < 0) report.invalid(path, value, atLeastZero);
}

export function validatePort(port: number | undefined, path: FieldPath, report: Report): void {
  if (port !== undefined) report.each(path, port, portNumber(port));
}

/** A port number, or the name of a container's port. */
export function validatePortOrName(port: number | string | undefined, path: FieldPath, report: Report): void {
  if (port === undefined) report.required(path);
  else report.each(path, port, typeof port === 'number' ? portNumber(port) : portName(port));
}

const percentRule =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

/** A count of zero or more, or a percentage. */
export function validateIntOrPercent(value: number | string | undefined, path: FieldPath, report: Report): void {
  if (typeof value === 'number') notNegative(value, path, report);
  else if (value !== undefined && !/^[0-9]+%$/.test(value)) report.invalid(path, value, percentRule);
}

export function notAboveHundredPercent(value: number | string | undefined, path: FieldPath, report: Report): void {
  if (typeof value === 'string' && /^[0-9]+%$/.test(value) && Number.parseInt(value, 10) > 100) {
    report.invalid(path, value, 'must not be greater than 100%');
  }
}

/** True for `0` and `0%`, and for nothing else. */
export function isZero(value: number | string | undefined): boolean {
  return value === 0 || value === '0%' || value === undefined;
}

export function validateSelector(selector: LabelSelector | undefined, path: FieldPath, report: Report): void {
  validateMatchLabels(selector?.matchLabels, child(path, 'matchLabels'), report);
  for (const [index, { key, operator, values = [] }] of (selector?.matchExpressions ?? []).entries()) {
    const here = at(child(path, 'matchExpressions'), index);
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0) {
        report.required(child(here, 'values'), "must be specified when `operator` is 'In' or 'NotIn'");
      }
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0) {
        report.forbidden(child(here, 'values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      report.invalid(child(here, 'operator'), operator, 'not a valid selector operator');
    }
    report.each(child(here, 'key'), key, qualifiedName(key ?? ''));
    for (const [position, value] of values.entries()) {
      report.each(at(child(here, 'values'), position), value, labelValueText(value));
    }
  }
}

function validateMatchLabels(labels: Record<string, string> | undefined, path: FieldPath, report: Report): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    report.each(path, key, qualifiedName(key));
    report.each(path, value, labelValueText(value));
  }
}

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions?.length ?? 0) === 0;
}

export function isIpAddress(text = ''): boolean {
  return (
    ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && !text.includes('%') && ipaddr.IPv6.isValid(text))
  );
}

export function isIpv4(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text);
}

export function validateIp(text: string | undefined, path: FieldPath, report: Report): void {
  if (!isIpAddress(text)) report.invalid(path, text, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
}

/** Network and prefix length of `10.0.0.0/8`; undefined when it is none. */
export function parseCidr(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | undefined {
  const [address = '', bits = ''] = text.split('/');
  if (!isIpAddress(address) || !/^\d{1,3}$/.test(bits) || text.split('/').length !== 2) return undefined;
  const length = Number(bits);
  return length > (isIpv4(address) ? 32 : 128) ? undefined : [ipaddr.parse(address), length];
}

export function validateCidr(text: string, path: FieldPath, report: Report): void {
  if (parseCidr(text) === undefined) {
    report.invalid(path, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
  }
}

/** A path inside a volume: relative, and not climbing out of it. */
export function validateLocalPath(text: string, path: FieldPath, report: Report): void {
  if (text.startsWith('/')) report.invalid(path, text, 'must be a relative path');
  if (text.split('/').includes('..')) report.invalid(path, text, "must not contain '..'");
}

/**
 * Addresses that would reach the node itself, or nobody, may not stand for endpoints and external addresses. Upstream
 * source: ValidateNonSpecialIP in pkg/apis/core/validation.
 */
export function validateNonSpecialIp(
  text: string,
  path: FieldPath,
  report: Report,
  options: { readonly admitLoopback?: boolean } = {},
): void {
  const range = ipaddr.process(text).range();
  if (range === 'unspecified') report.invalid(path, text, `may not be unspecified (${text})`);
  if (range === 'loopback' && !(options.admitLoopback === true && isIpv4(text))) {
    report.invalid(path, text, 'may not be in the loopback range (127.0.0.0/8, ::1/128)');
  }
  if (range === 'linkLocal')
    report.invalid(path, text, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  if (/^224\.0\.0\./.test(text) || /^ff02:/i.test(text)) {
    report.invalid(path, text, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}
