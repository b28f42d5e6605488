// What can be wrong between two speakers: the codes that NOTIFICATION messages carry, and the words for them.
// One table; knows no message beyond its code.

export interface Fault {
  readonly code: number;
  readonly subcode: number;
  readonly data: Buffer;
  /** For people who read the status. */
  readonly words: string;
}

export const HEADER = { code: 1, unsynchronised: 1, badLength: 2, badType: 3 } as const;
export const OPEN = {
  code: 2,
  unspecific: 0,
  badVersion: 1,
  badPeerAs: 2,
  badIdentifier: 3,
  unsupportedParameter: 4,
  badHoldTime: 6,
} as const;
export const UPDATE = { code: 3, malformedList: 1, optionalAttribute: 9, badNetwork: 10 } as const;
export const HOLD_TIMER_EXPIRED = { code: 4 } as const;
/** Subcodes of RFC 6608: the state in which something came that has no place there. */
export const STATE = { code: 5, openSent: 1, openConfirm: 2, established: 3 } as const;
/** RFC 4486; the last one is of RFC 9384. */
export const CEASE = {
  code: 6,
  shutdown: 2,
  deconfigured: 3,
  otherChange: 6,
  collision: 7,
  bfdDown: 10,
} as const;

const CODES: Readonly<Record<number, readonly [name: string, subcodes: Readonly<Record<number, string>>]>> = {
  1: ['message header error', { 1: 'connection not synchronised', 2: 'bad message length', 3: 'bad message type' }],
  2: [
    'OPEN error',
    {
      1: 'unsupported version',
      2: 'bad peer AS',
      3: 'bad BGP identifier',
      4: 'unsupported optional parameter',
      5: 'authentication failure',
      6: 'unacceptable hold time',
      7: 'unsupported capability',
      11: 'role mismatch',
    },
  ],
  3: [
    'UPDATE error',
    {
      1: 'malformed attribute list',
      2: 'unrecognised well-known attribute',
      3: 'missing well-known attribute',
      4: 'attribute flags',
      5: 'attribute length',
      6: 'invalid ORIGIN',
      8: 'invalid NEXT_HOP',
      9: 'optional attribute',
      10: 'invalid network field',
      11: 'malformed AS_PATH',
    },
  ],
  4: ['hold timer expired', {}],
  5: ['state machine error', { 1: 'in OpenSent', 2: 'in OpenConfirm', 3: 'in Established' }],
  6: [
    'cease',
    {
      1: 'maximum number of prefixes reached',
      2: 'administrative shutdown',
      3: 'peer de-configured',
      4: 'administrative reset',
      5: 'connection rejected',
      6: 'other configuration change',
      7: 'connection collision resolution',
      8: 'out of resources',
      9: 'hard reset',
      10: 'BFD down',
    },
  ],
  7: ['ROUTE-REFRESH error', { 1: 'invalid message length' }],
  8: ['send hold timer expired', {}],
};

/** What a NOTIFICATION says, with the message of the operator where one came along (RFC 9003). */
export function notificationWords(code: number, subcode: number, data: Buffer): string {
  const [name, subcodes] = CODES[code] ?? [`error code ${code}`, {}];
  const detail = subcodes[subcode] ?? (subcode === 0 ? undefined : `subcode ${subcode}`);
  const said = code === CEASE.code && (subcode === 2 || subcode === 4) ? shutdownText(data) : '';
  return `${name}${detail === undefined ? '' : `, ${detail}`}${said === '' ? '' : `: "${said}"`}`;
}

/** Longest communication in bytes. */
const COMMUNICATION = 255;

/** The data of a shutdown or reset: how long the text is, and the text, cut between two characters where it is too long. */
export function shutdownData(text: string): Buffer {
  let bytes = Buffer.from(text, 'utf8');
  if (bytes.length > COMMUNICATION) {
    let end = COMMUNICATION;
    while (((bytes[end] as number) & 0xc0) === 0x80) end--;
    bytes = bytes.subarray(0, end);
  }
  return bytes.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.of(bytes.length), bytes]);
}

/** The text that came along, fit to be printed: it is written by the other side. */
function shutdownText(data: Buffer): string {
  const length = data[0] ?? 0;
  if (length === 0 || length > data.length - 1) return '';
  const text = data.subarray(1, 1 + length).toString('utf8');
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').trim();
}

/** Thrown inside the codec only; what goes out of it is the fault. */
export class Faulty extends Error {
  readonly fault: Fault;

  constructor(code: number, subcode: number, words: string, data: Buffer = Buffer.alloc(0)) {
    super(words);
    this.fault = { code, subcode, data, words };
  }
}
