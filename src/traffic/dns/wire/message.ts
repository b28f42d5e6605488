// A DNS message as data, and the numbers of the protocol (RFC 1035, 6891).
// Knows no bytes.

export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const classes = { IN: 1, ANY: 255 } as const;

export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

export interface Question {
  /** Absolute without the last dot, spelled as asked; `.` and `\` within a label are escaped by `\`. `''` is the root. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface ResourceRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  /** Names within it are written out. */
  readonly data: Buffer;
}

/** EDNS(0), RFC 6891. */
export interface Edns {
  readonly udpSize: number;
  readonly version: number;
  readonly dnssecOk: boolean;
}

export interface Message {
  readonly id: number;
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly authenticData: boolean;
  readonly checkingDisabled: boolean;
  /** With the upper bits of EDNS, where there are any. */
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** Without the OPT record, which is `edns`. */
  readonly additionals: readonly ResourceRecord[];
  readonly edns?: Edns;
}

const typeNames = new Map<number, string>(Object.entries(types).map(([name, type]) => [type, name]));
const rcodeNames = new Map<number, string>(Object.entries(rcodes).map(([name, rcode]) => [rcode, name]));

/** For metrics and logs; `other` for what this table does not name. */
export const typeName = (type: number): string => typeNames.get(type) ?? 'other';
export const rcodeName = (rcode: number): string => rcodeNames.get(rcode) ?? 'other';

const EMPTY: Message = {
  id: 0,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: false,
  recursionAvailable: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: rcodes.NOERROR,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
};

export function message(parts: Partial<Message>): Message {
  return { ...EMPTY, ...parts };
}
