// A packet as a person asks after it: from whom, to which address and port, by which protocol, seen from which node.
// Knows words of the command line; what becomes of the packet is decided elsewhere.
import { canonicalIp, familyOf } from '#lib/ip.ts';
import type { L4Protocol } from '#traffic/model/l4/service-port.ts';
import { UsageFailure } from '../failure.ts';

export interface AskedPacket {
  /** An address, or `namespace/name` of a pod. */
  readonly from: string;
  readonly to: string;
  readonly proto?: string;
  readonly node?: string;
}

export interface PacketQuestion {
  readonly from: { readonly address: string } | { readonly pod: string };
  readonly to: string;
  readonly port: number;
  readonly protocol: L4Protocol;
  readonly node: string | undefined;
}

const PROTOCOLS: Readonly<Record<string, L4Protocol>> = { tcp: 'TCP', udp: 'UDP', sctp: 'SCTP' };

/** Throws a `UsageFailure` that names the flag. */
export function packetQuestion({ from, to, proto = 'tcp', node }: AskedPacket): PacketQuestion {
  const protocol = PROTOCOLS[proto.toLowerCase()];
  if (protocol === undefined)
    throw new UsageFailure(`"${proto}" is no protocol of Services`, 'Give --proto tcp, udp or sctp');
  const match = /^\[?([0-9a-fA-F.:]+?)\]?:([0-9]{1,5})$/.exec(to);
  const address = canonicalIp(match?.[1] ?? '');
  const port = Number(match?.[2]);
  if (address === undefined || port < 1 || port > 65_535) {
    throw new UsageFailure(`"${to}" is no address with a port`, 'Give --to e.g. 10.96.0.10:80 or [fd00::1]:80');
  }
  const source = sourceOf(from);
  if ('address' in source && familyOf(source.address) !== familyOf(address)) {
    throw new UsageFailure(
      `No packet goes from ${source.address} to ${address}: they are of different families`,
      'Give --from and --to both of IPv4, or both of IPv6',
    );
  }
  return { from: source, to: address, port, protocol, node };
}

function sourceOf(from: string): PacketQuestion['from'] {
  const address = canonicalIp(from);
  if (address !== undefined) return { address };
  if (/^[a-z0-9.-]+\/[a-z0-9.-]+$/.test(from)) return { pod: from };
  throw new UsageFailure(
    `"${from}" is neither an address nor a pod`,
    'Give --from e.g. 10.244.1.5, or namespace/name of a pod',
  );
}
