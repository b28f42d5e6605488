// Chains that are always there: where packets come in, and what marks, masquerades and refuses.
// Pure. Bit 14 of the packet's mark (0x4000, kube-proxy's own) says "masquerade", between one hook and the next.
import type { Family } from '#lib/ip.ts';
import { familyOf } from '#lib/ip.ts';
import type { NodeFacts } from '#traffic/snapshot/rules/node-facts.ts';
import type { CutWay } from '../contract.ts';
import type { TableName } from './port-chains.ts';
import { dialectOf } from './words.ts';

const MARK = '0x4000';

/** From a chain of the kernel to one of ours: `-A FROM -j OURS`. */
export const ENTRIES: Readonly<Record<TableName, readonly (readonly [string, string])[]>> = {
  nat: [
    ['PREROUTING', 'ADDRESSES'],
    ['OUTPUT', 'ADDRESSES'],
    ['POSTROUTING', 'POSTROUTING'],
  ],
  filter: [
    ['INPUT', 'UNSERVED'],
    ['FORWARD', 'UNSERVED'],
    ['OUTPUT', 'UNSERVED'],
  ],
};

/** By name, without the prefix's dash. */
export function fixedChains(
  family: Family,
  table: TableName,
  prefix: string,
  node: NodeFacts | undefined,
  cut: readonly CutWay[],
): ReadonlyMap<string, readonly string[]> {
  const { portUnreachable } = dialectOf(family);
  const ours = (ranges: readonly string[] = []): string[] => ranges.filter((range) => familyOf(range) === family);
  if (table === 'nat') {
    return new Map([
      [`${prefix}-MARK`, [`-j MARK --set-xmark ${MARK}/${MARK}`]],
      [`${prefix}-OUTSIDERS`, [...ours(node?.podRanges).map((range) => `-s ${range} -j RETURN`), `-j ${prefix}-MARK`]],
      [
        `${prefix}-POSTROUTING`,
        [
          `-m mark ! --mark ${MARK}/${MARK} -j RETURN`,
          // The mark has done its work, and must not mislead what comes after.
          `-j MARK --set-xmark ${MARK}/0x0`,
          '-j MASQUERADE --random-fully',
        ],
      ],
    ]);
  }
  const isNew = '-m conntrack --ctstate NEW -j';
  return new Map([
    [`${prefix}-REFUSE`, ['-p tcp -j REJECT --reject-with tcp-reset', `-j REJECT --reject-with ${portUnreachable}`]],
    [`${prefix}-CUT`, cut.filter((way) => way.family === family).map(cutRule)],
    [
      `${prefix}-UNSERVED`,
      [
        `-p tcp -j ${prefix}-CUT`,
        ...['FIREWALL', 'REFUSALS', 'CLUSTERIPS'].map((chain) => `${isNew} ${prefix}-${chain}`),
        ...ours(node?.serviceRanges).map((range) => `-d ${range} ${isNew} DROP`),
      ],
    ],
  ]);
}

/**
 * Known by the connection, in both directions: what the client asked for, and who answers. In the words and order of
 * iptables-save. What resets a connection belongs to it as well, and must get out.
 */
export function cutRule({ address, port, endpoint }: CutWay): string {
  const addresses = `--ctorigdst ${address} --ctreplsrc ${endpoint.address}`;
  const ports = `--ctorigdstport ${port} --ctreplsrcport ${endpoint.port}`;
  return `-p tcp -m tcp ! --tcp-flags RST RST -m conntrack ${addresses} ${ports} -j REJECT --reject-with tcp-reset`;
}
