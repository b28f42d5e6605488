// Reads query parameters of which upstream converts the text: flags and whole numbers.
// Knows upstream's conversions only (apimachinery runtime/converter.go); what a parameter means is its reader's matter.
import { badRequest } from '#kube/api/status.ts';

/** As upstream: there, and neither `false` nor `0`, even when it is empty. */
export function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && !['false', '0'].includes(text.toLowerCase());
}

/** Undefined when there is none. Throws `StatusError` 400 for text that is no whole number of 64 bits. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const quoted = JSON.stringify(text);
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${quoted}: invalid syntax`);
  const value = Number(text);
  if (value >= 2 ** 63 || value < -(2 ** 63)) {
    throw badRequest(`strconv.ParseInt: parsing ${quoted}: value out of range`);
  }
  return value;
}
