// Numbers of nfnetlink and nf_tables, as linux/netfilter/nfnetlink.h and nf_tables.h have them.
// Numbers only.
import type { Family } from '#lib/ip.ts';

export const NETLINK_NETFILTER = 12;
export const SOL_NETLINK = 270;
export const NETLINK_CAP_ACK = 10;
export const NETLINK_EXT_ACK = 11;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** In an acknowledgement: the request's body was left out; attributes follow. */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

export const NLMSGERR_ATTR_MSG = 1;
export const NLMSGERR_ATTR_OFFS = 2;

export const NFNL_MSG_BATCH_BEGIN = 0x10;
export const NFNL_MSG_BATCH_END = 0x11;
export const NFNL_SUBSYS_NFTABLES = 10;

const message = (number: number): number => (NFNL_SUBSYS_NFTABLES << 8) | number;
export const NEWCHAIN = message(3);
export const GETCHAIN = message(4);
export const DELCHAIN = message(5);
export const NEWRULE = message(6);
export const GETRULE = message(7);
export const DELRULE = message(8);
export const NEWSETELEM = message(12);
export const GETSETELEM = message(13);
export const DELSETELEM = message(14);

export const CHAIN = { table: 1, name: 3 } as const;
export const RULE = { table: 1, chain: 2, expressions: 4 } as const;
export const ELEMENTS = { table: 1, set: 2, elements: 3 } as const;
export const ELEMENT = { key: 1, data: 2, flags: 3, keyEnd: 10 } as const;
export const LIST_ITEM = 1;
export const DATA = { value: 1, verdict: 2 } as const;
export const VERDICT = { code: 1, chain: 2 } as const;

/** As unsigned numbers of 32 bits. */
export const VERDICTS = { drop: 0, jump: -3 >>> 0, goto: -4 >>> 0, return: -5 >>> 0 } as const;

export const NFPROTO: Readonly<Record<Family, number>> = { IPv4: 2, IPv6: 10 };
export const IPPROTO: Readonly<Record<string, number>> = { tcp: 6, udp: 17, sctp: 132 };
