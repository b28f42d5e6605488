// Ranges as people write them at a flag: read, and refused with the flag, the value and what helps.
// Pure: knows text and numbers, and neither machine nor network.
import { canonicalCidr } from '#lib/ip.ts';
import { UsageFailure } from '../../failure.ts';
import { type Cidr, count, formatCidr, overlaps, parseCidr } from './cidr.ts';

/** A range, and the flag that moves it. */
export interface FlaggedRange {
  readonly cidr: Cidr;
  readonly flag: string;
}

/** The flags by which ranges are given, the longest part of every message about them. */
export const rangeFlags = {
  fabric: '--fabric-cidr',
  pods: '--pod-cidr',
  services: '--service-cidr',
  balancer: '--lb-pool',
} as const;

/** `IPv4`, `IPv6`, or several with commas between; `examples` end a remedy. Throws a `UsageFailure` for what is no range. */
export function readRanges(text: string, flag: string, examples: string): Cidr[] {
  return text.split(',').map((part) => {
    const written = part.trim();
    const cidr = parseCidr(written);
    if (cidr !== undefined) return cidr;
    const network = canonicalCidr(written);
    if (network !== undefined) {
      throw new UsageFailure(
        `${flag} "${written}" has bits set beyond its prefix`,
        `Give ${network}, or a longer prefix that holds them`,
      );
    }
    throw new UsageFailure(`${flag} "${written}" is no range of addresses`, `Give ${flag} e.g. ${examples}`);
  });
}

/** Throws a `UsageFailure` that names both flags when two ranges share an address. */
export function checkDisjoint(ranges: readonly FlaggedRange[]): void {
  for (const [at, one] of ranges.entries()) {
    const other = ranges.slice(at + 1).find(({ cidr }) => overlaps(cidr, one.cidr));
    if (other === undefined) continue;
    throw new UsageFailure(
      `${one.flag} ${formatCidr(one.cidr)} and ${other.flag} ${formatCidr(other.cidr)} overlap`,
      `Give ${one.flag} or ${other.flag} another range`,
    );
  }
}

/** Throws a `UsageFailure` when the range holds fewer than `least` addresses. `what` needs them. */
export function checkRoom({ cidr, flag }: FlaggedRange, least: bigint, what: string): void {
  if (count(cidr) >= least) return;
  const bits = (cidr.family === 4 ? 32 : 128) - (least - 1n).toString(2).length;
  throw new UsageFailure(
    `${flag} ${formatCidr(cidr)} is too small: it holds ${count(cidr)} addresses, and ${what} ${least}`,
    `Give ${flag} a /${bits} or a wider one`,
  );
}

const SPECIAL = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/64', 'fe80::/10', 'ff00::/8'].flatMap(
  (text) => parseCidr(text) ?? [],
);

/** Throws a `UsageFailure` for a range of addresses that no network namespace can have for itself. */
export function checkUsable(ranges: readonly Cidr[], flag: string, example: string): void {
  const special = ranges.find((cidr) => SPECIAL.some((other) => overlaps(cidr, other)));
  if (special === undefined) return;
  throw new UsageFailure(
    `${flag} ${formatCidr(special)} holds addresses that cannot be those of --network netns (loopback, link-local, multicast)`,
    `Give ${flag} e.g. ${example}`,
  );
}
