// Which reverse names are the cluster's own to answer: those of its address ranges.
// Pure; a name that is only the beginning of an address counts when the whole of it lies within a range.
import ipaddr from 'ipaddr.js';

export interface ReverseAnswer {
  /** The zone that says no. */
  readonly apex: 'in-addr.arpa' | 'ip6.arpa';
  /** False for a name above that of an address: it exists, and has no data. */
  readonly whole: boolean;
}

export class ReverseRanges {
  readonly #ranges: readonly { readonly bytes: readonly number[]; readonly bits: number }[];

  /** Throws for a text that is no range. */
  constructor(cidrs: readonly string[]) {
    this.#ranges = cidrs.map((cidr) => {
      const [address, bits] = ipaddr.parseCIDR(cidr);
      return { bytes: address.toByteArray(), bits };
    });
  }

  /** Undefined for a name that is none of ours. `name` is in lower case. */
  find(name: string): ReverseAnswer | undefined {
    const apex = name.endsWith('.in-addr.arpa') ? 'in-addr.arpa' : name.endsWith('.ip6.arpa') ? 'ip6.arpa' : undefined;
    if (apex === undefined) return undefined;
    const labels = name
      .slice(0, -apex.length - 1)
      .split('.')
      .reverse();
    const v4 = apex === 'in-addr.arpa';
    if (labels.length > (v4 ? 4 : 32)) return undefined;
    if (!labels.every((label) => (v4 ? /^\d{1,3}$/ : /^[0-9a-f]$/).test(label))) return undefined;
    const unit = v4 ? 8 : 4;
    const values = labels.map((label) => Number.parseInt(label, v4 ? 10 : 16));
    const ours = this.#ranges.some(
      ({ bytes, bits }) =>
        (bytes.length === 4) === v4 && labels.length * unit >= bits && startsWith(bitsOf(values, unit), bytes, bits),
    );
    return ours ? { apex, whole: labels.length * unit === (v4 ? 32 : 128) } : undefined;
  }
}

function bitsOf(values: readonly number[], unit: number): number[] {
  return values.flatMap((value) => Array.from({ length: unit }, (_, i) => (value >> (unit - 1 - i)) & 1));
}

function startsWith(name: readonly number[], bytes: readonly number[], bits: number): boolean {
  for (let i = 0; i < bits; i++) if (name[i] !== (((bytes[i >> 3] ?? 0) >> (7 - (i & 7))) & 1)) return false;
  return true;
}
