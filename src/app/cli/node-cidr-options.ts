// The options that say which ranges are divided among the nodes, under upstream's names; `controllers` and `apiserver`
// share them. Knows no command.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { divisionObstacle } from '#control/controllers/node-ipam/cidr-pool.ts';
import type { NodeCidrs } from '#control/controllers/settings.ts';
import { UsageFailure } from '../failure.ts';
import { parseBoolean } from './leader-options.ts';
import { parseList } from './values.ts';

export interface NodeCidrFlags {
  readonly allocateNodeCidrs?: boolean;
  readonly clusterCidr?: readonly string[];
  readonly nodeCidrMaskSizeIpv4: number;
  readonly nodeCidrMaskSizeIpv6: number;
}

export function addNodeCidrOptions(command: Command): Command {
  const size = (flag: string, bits: number, value: number): Option =>
    new Option(`${flag} <bits>`, 'length of the prefix that each node gets of it')
      .argParser((text) => parseBits(text, bits))
      .default(value);
  return command
    .addOption(
      new Option(
        '--allocate-node-cidrs [boolean]',
        'give each Node a range for its pods (default: where --cluster-cidr is given)',
      ).argParser(parseBoolean),
    )
    .addOption(
      new Option('--cluster-cidr <range,...>', 'what is divided among the nodes, one range of each family').argParser(
        parseList,
      ),
    )
    .addOption(size('--node-cidr-mask-size-ipv4', 32, 24))
    .addOption(size('--node-cidr-mask-size-ipv6', 128, 64));
}

/** Throws `UsageFailure` where a range is none, or cannot be divided as asked. */
export function nodeCidrsOf(flags: NodeCidrFlags): readonly NodeCidrs[] {
  const { clusterCidr = [], allocateNodeCidrs = clusterCidr.length > 0 } = flags;
  if (!allocateNodeCidrs) return [];
  if (clusterCidr.length === 0) {
    throw new UsageFailure(
      '--allocate-node-cidrs has nothing to divide',
      'Give --cluster-cidr, e.g. 10.244.0.0/16 or 10.244.0.0/16,fd00:10:244::/56',
    );
  }
  const ranges = clusterCidr.map((cidr) => {
    const isIpv6 = cidr.includes(':');
    const nodePrefix = isIpv6 ? flags.nodeCidrMaskSizeIpv6 : flags.nodeCidrMaskSizeIpv4;
    const obstacle = divisionObstacle(cidr, nodePrefix);
    if (obstacle === undefined) return { cidr, nodePrefix, isIpv6 };
    throw new UsageFailure(
      `--cluster-cidr cannot be divided among nodes: ${obstacle}`,
      `Give --cluster-cidr another range, or --node-cidr-mask-size-${isIpv6 ? 'ipv6' : 'ipv4'} another length`,
    );
  });
  if (ranges.length > 2 || new Set(ranges.map(({ isIpv6 }) => isIpv6)).size !== ranges.length) {
    throw new UsageFailure(
      `--cluster-cidr ${clusterCidr.join(',')} has more than one range of a family`,
      'Give one of IPv4, one of IPv6, or one of each',
    );
  }
  return ranges.map(({ cidr, nodePrefix }) => ({ cidr, nodePrefix }));
}

function parseBits(text: string, most: number): number {
  const bits = Number(text);
  if (!/^\d+$/.test(text) || bits < 1 || bits > most) {
    throw new InvalidArgumentError(`It is no length of a prefix: use a number from 1 to ${most}.`);
  }
  return bits;
}
